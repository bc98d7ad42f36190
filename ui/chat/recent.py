"""Asking: what is written, what is suggested, and the questions asked last."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from agent import Agent, Conversation, ImageFile
from ui import state
from ui.chat.controls import settle_controls
from ui.words import as_plain, shortened

RECENT = 5
LENGTH = 90
"""Characters of a prompt on its button."""


def ask(chat: Conversation, prompt: str, images: Sequence[ImageFile] = ()) -> None:
    """Send it, with what was picked in the same moment, to the second model too if there is one. Raises as `submit`."""
    settle_controls(chat)
    chat.submit(prompt, images=images, also=chat.second_model_of(chat.session) or None)
    state.leave_turn()


def draw_prompts(prompts: Sequence[str], icon: str, key: str, act: partial[None]) -> None:
    """A button for each prompt, that calls `act` with it."""
    with st.container(gap="xxsmall"):
        for place, prompt in enumerate(prompts):
            st.button(
                as_plain(shortened(prompt, LENGTH)),
                key=f"{key} {place}",
                icon=icon,
                type="tertiary",
                on_click=act,
                args=(prompt,),
            )


def draw_recent(agent: Agent, within: str) -> None:
    """The questions asked last, to be asked again with one click; `within` names the place on the page."""
    asked = dict.fromkeys(recent.turn.prompt for recent in agent.recent(3 * RECENT) if recent.turn.prompt)
    if asked:
        st.caption("Asked before: ask again, in a session of its own")
        draw_prompts(list(asked)[:RECENT], ":material/replay:", f"ask again {within}", partial(_ask_again, agent))


def _ask_again(agent: Agent, prompt: str) -> None:
    def begin() -> None:
        chat = agent.begin()
        state.choose(chat.session_id)
        ask(chat, prompt)

    state.attempt(begin)
