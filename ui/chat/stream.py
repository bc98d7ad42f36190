"""A reply while it runs.

It lives in the agent; the page only follows it. A fragment draws what is there, then follows for less than its own
interval, so that a click in another fragment or in a dialog finds the page free. A browser's work is per update and
per element on the page, and hardly depends on how much has changed. So updates are few, those of a long block fewer,
and the finished blocks are put together into pieces that stay as they are: when the fragment draws them again,
Streamlit sends no more than their hashes (`global.minCachedMessageSize`). The finished turn has the same elements in
the same order, so that at the end nothing moves.
"""

import time
from dataclasses import dataclass, field

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from agent import Conversation, Reply, WindowseatError
from ui.chat.turn import ASSISTANT
from ui.entrance import guarded
from ui.markdown import Block, draw_block, pieces
from ui.words import as_plain, model_in_words

INTERVAL = 0.3
"""Seconds from one run of the fragment to the next."""

FRAME = 0.15
"""Seconds between the two updates of a run, and so how long it keeps others waiting."""

FAST = 400
"""Characters a second from which on a run makes but one update."""

PACE = 20_000
"""Characters a second that are drawn at most: the growing piece is drawn as a whole each time."""

THOUGHT = 200
"""How much of what the model thinks is shown while it does, in characters."""

SLOW_START = 1.5
"""Seconds without a word after which one would like to know why."""

SILENCE = 10.0
"""Seconds without a word, after the first ones, that are remarked upon."""

_FOLLOWED = "followed reply"


def draw_running(chat: Conversation, reply: Reply) -> None:
    with st.chat_message("assistant", avatar=ASSISTANT):
        _follow(chat, reply)


@st.fragment(run_every=INTERVAL)
@guarded
def _follow(chat: Conversation, reply: Reply) -> None:
    # Of one that runs in another process one hears only by waiting, however shortly.
    if reply.wait_for_end(0):
        # Before anything is drawn: what was on the page stays until the finished turn takes its place.
        st.rerun()
    seen = _seen(reply)
    growing = _Growing(chat, reply, seen)
    try:
        growing.draw()
        if seen.silence() > SILENCE:
            _draw_silence(reply, seen)
        elif reply.running and not seen.fast:
            time.sleep(FRAME)
            growing.draw()
    except WindowseatError as error:
        st.error(as_plain(str(error)), icon=":material/error:")
    if reply.trouble:
        st.warning(as_plain(f"{reply.trouble} The reply is kept here until it can be stored."))


@dataclass
class _Seen:
    """What a browser has seen of a reply, from one run of the fragment to the next. Times by the monotonic clock."""

    turn_id: int
    text: str = ""
    thinking: str = ""
    drawn_at: float = 0.0
    heard_at: float = field(default_factory=time.monotonic)
    pause: float = 0.0
    fast: bool = False

    def look(self, reply: Reply) -> None:
        """Take over what has come, where it is time for an update."""
        now = time.monotonic()
        if now - self.drawn_at < self.pause:
            return
        text, thinking = reply.text, reply.thinking
        if (text, thinking) != (self.text, self.thinking):
            came = len(text) + len(thinking) - len(self.text) - len(self.thinking)
            self.fast = came > FAST * (now - self.drawn_at)
            self.text, self.thinking = text, thinking
            self.drawn_at = self.heard_at = now

    def silence(self) -> float:
        """Seconds since the last word; 0 before the first."""
        return time.monotonic() - self.heard_at if self.text or self.thinking else 0.0


def _seen(reply: Reply) -> _Seen:
    seen: _Seen | None = st.session_state.get(_FOLLOWED)
    if seen is None or seen.turn_id != reply.turn_id:
        seen = st.session_state[_FOLLOWED] = _Seen(reply.turn_id)
    return seen


class _Growing:
    """A growing reply on the page, in one run of the fragment."""

    def __init__(self, chat: Conversation, reply: Reply, seen: _Seen) -> None:
        self._chat = chat
        self._reply = reply
        self._seen = seen
        self._above: DeltaGenerator | None = None
        self._thought = ""
        self._places: list[DeltaGenerator] = []
        self._drawn: list[Block] = []

    def draw(self) -> None:
        """Draw what there is now."""
        self._seen.look(self._reply)
        text, thinking = self._seen.text, self._seen.thinking
        self._draw_thinking(thinking, answering=bool(text))
        found = pieces(text) or [Block("" if thinking else self._waiting())]
        self._draw_pieces(found)
        self._seen.pause = len(found[-1].text) / PACE

    def _draw_thinking(self, thinking: str, *, answering: bool) -> None:
        """Its last words, in a line: all of it is there when the reply is."""
        if thinking and thinking != self._thought and (self._above is not None or not self._places):
            self._thought = thinking
            last = as_plain(" ".join(thinking[-THOUGHT:].split()))
            self._above = (self._above or st).caption(
                f":material/psychology: Thought: {last}" if answering else f":material/psychology: Thinking: {last}"
            )

    def _draw_pieces(self, found: list[Block]) -> None:
        """Draw only those that changed: the last one, and what came after it."""
        for number, piece in enumerate(found):
            if number == len(self._drawn) or self._drawn[number] != piece:
                self._places[number : number + 1] = [draw_block(self._place(number), piece)]
                self._drawn[number:] = [piece]

    def _place(self, number: int) -> DeltaGenerator | None:
        """Where it was drawn before in this run; None for what is new: it takes the place that it had in the last run.

        An `st.empty` to draw it in would be on the screen for a moment where the browser is busy, without the text.
        """
        return self._places[number] if number < len(self._places) else None

    def _waiting(self) -> str:
        waited = time.time() - self._reply.opened_at.timestamp()
        name = as_plain(self._reply.model)
        if waited > SLOW_START and _is_loading(self._chat, self._reply.model):
            return f":gray[:material/hourglass_top: {name} is being loaded into memory. The first time takes a while.]"
        return f":gray[:material/hourglass_top: Waiting for {name}.]"


def _draw_silence(reply: Reply, seen: _Seen) -> None:
    name = model_in_words(reply.model)
    st.caption(f":material/hourglass_top: No word from {name} for {seen.silence():.0f} s.")


@st.cache_data(ttl=3, show_spinner=False, max_entries=100)
def _is_loading(_chat: Conversation, model: str) -> bool:
    return _chat.is_loading(model)
