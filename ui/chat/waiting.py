"""Prompts that wait for the reply to end: above the box, where one can take them back."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from agent import Conversation, Reply, WaitingPrompt
from ui import state
from ui.words import as_plain, shortened

LINE = 70
"""Characters of a waiting prompt that are shown."""

MANY, HIGH = 3, 170
"""More of them scroll, in a box of so many pixels."""


def draw_waiting(chat: Conversation, running: Reply | None, box: str) -> None:
    """`box` is the key of the box into which the text of one that is taken back goes."""
    waiting = chat.waiting
    if not waiting:
        return
    with st.container(key="waiting", gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f":material/schedule: {_why(chat, waiting, running)}:")
            if running is None:
                send = partial(state.attempt, chat.send_waiting)
                st.button("Send now", icon=":material/send:", key="send waiting", on_click=send)
        with st.container(gap=None, height=HIGH if len(waiting) > MANY else "content", border=False):
            for prompt in waiting:
                _draw(chat, prompt, box)


def _why(chat: Conversation, waiting: Sequence[WaitingPrompt], running: Reply | None) -> str:
    if running and not all(prompt.held for prompt in waiting):
        return "Sent when the reply has ended"
    if held_up := chat.held_up:
        return f"Not sent yet. {as_plain(held_up)}"
    return "Not sent, since the reply before did not reach its end"


def _draw(chat: Conversation, prompt: WaitingPrompt, box: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        asked = f" ({as_plain(prompt.model)})" if prompt.model else ""
        st.markdown(as_plain(shortened(prompt.message.content, LINE)) + asked, width="content")
        with st.popover("Take back", icon=":material/undo:", type="tertiary", key=f"take back {prompt.id}"):
            _draw_choice(chat, prompt, box)


def _draw_choice(chat: Conversation, prompt: WaitingPrompt, box: str) -> None:
    again = ", ".join(image.name for image in prompt.message.images)
    st.caption("This replaces what is in the box." + (f" Attach {as_plain(again)} again." if again else ""))
    with st.container(horizontal=True):
        put = partial(_take_back, chat, prompt.id, box)
        st.button("Put it into the box", icon=":material/edit:", key=f"put {prompt.id}", on_click=put)
        drop = partial(_take_back, chat, prompt.id, None)
        st.button("Drop it", icon=":material/delete:", key=f"drop {prompt.id}", type="tertiary", on_click=drop)


def _take_back(chat: Conversation, waiting_id: int, box: str | None) -> None:
    def take() -> None:
        text = chat.take_back(waiting_id).message.content
        if box is not None:
            st.session_state[box] = text

    state.attempt(take)
