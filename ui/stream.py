"""A reply while it runs.

It lives in the agent; the page only follows it. A fragment draws what is there, then follows for less than its
own interval, so that every click elsewhere finds the page free within half a second. Blocks that are finished are
drawn once and left alone: drawing the whole reply anew with each word is what makes long ones slow.
"""

import time

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from agent import Conversation, Reply, WindowseatError
from ui.markdown import Block, blocks, draw_block
from ui.turn import ASSISTANT, draw_prompt_of
from ui.words import as_plain

INTERVAL = 0.5
"""Seconds from one run of the fragment to the next."""

SLICE = 0.45
"""Seconds that one run follows the reply."""

FRAME = 0.05
"""Seconds between two updates."""

THOUGHT = 200
"""How much of what the model thinks is shown while it does, in characters."""

SLOW_START = 1.5
"""Seconds without a word after which one would like to know why."""


def draw_running(chat: Conversation, reply: Reply) -> None:
    draw_prompt_of(reply.prompt)
    _follow(chat, reply)


@st.fragment(run_every=INTERVAL)
def _follow(chat: Conversation, reply: Reply) -> None:
    if not reply.running:
        # Before anything is drawn: what was on the page stays until the finished turn takes its place.
        st.rerun()
    deadline = time.monotonic() + SLICE
    with st.chat_message("assistant", avatar=ASSISTANT):
        growing = _Growing(st.container(), chat, reply)
        try:
            growing.follow(deadline)
        except WindowseatError as error:
            st.error(as_plain(str(error)), icon=":material/error:")
    if reply.trouble:
        st.warning(as_plain(f"{reply.trouble} The reply is kept here until it can be stored."))


class _Growing:
    """A growing reply on the page, in one run of the fragment."""

    def __init__(self, area: DeltaGenerator, chat: Conversation, reply: Reply) -> None:
        self._area = area
        self._chat = chat
        self._reply = reply
        self._above = area.empty()
        self._thought = ""
        self._places: list[DeltaGenerator] = []
        self._shown: list[Block] = []

    def follow(self, deadline: float) -> None:
        """Draw what is there, and what comes until the deadline, on the monotonic clock."""
        while True:
            text, thinking = self._reply.text, self._reply.thinking
            self._draw_thinking(thinking, answering=bool(text))
            self._draw(blocks(text) or [Block("" if thinking else self._waiting())])
            left = deadline - time.monotonic()
            if left <= 0 or not self._reply.running:
                return
            drawn_at = time.monotonic()
            self._reply.wait_for_more(len(text), len(thinking), left)
            time.sleep(max(0.0, FRAME - (time.monotonic() - drawn_at)))

    def _draw_thinking(self, thinking: str, *, answering: bool) -> None:
        """Its last words, in a line: all of it is there when the reply is."""
        if thinking and thinking != self._thought:
            self._thought = thinking
            last = as_plain(" ".join(thinking[-THOUGHT:].split()))
            self._above.caption(
                f":material/psychology: Thought: {last}" if answering else f":material/psychology: Thinking: {last}"
            )

    def _draw(self, parts: list[Block]) -> None:
        """Draw only the blocks that changed: the last one, and what came after it."""
        for place, block in enumerate(parts):
            if place == len(self._places):
                self._places.append(self._area.empty())
                self._shown.append(Block(""))
            if self._shown[place] != block:
                draw_block(self._places[place], block)
                self._shown[place] = block

    def _waiting(self) -> str:
        waited = time.time() - self._reply.opened_at.timestamp()
        name = as_plain(self._reply.model)
        if waited > SLOW_START and _is_loading(self._chat, self._reply.model):
            return f":gray[:material/hourglass_top: {name} is being loaded into memory. The first time takes a while.]"
        return f":gray[:material/hourglass_top: Waiting for {name}.]"


@st.cache_data(ttl=3, show_spinner=False, max_entries=100)
def _is_loading(_chat: Conversation, model: str) -> bool:
    return _chat.is_loading(model)
