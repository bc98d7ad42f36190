"""The box for the next prompt, and Stop beside it while a reply runs."""

import streamlit as st

from agent import Agent, Conversation, Reply, WindowseatError
from ui import state
from ui.controls import draw_controls, settle_controls

BOX = "prompt"
_REFUSED = "refused_prompt"


def draw_prompt(agent: Agent, chat: Conversation | None, running: Reply | None = None) -> None:
    if refused := st.session_state.pop(_REFUSED, None):
        st.bottom.error(refused, icon=":material/block:")
    st.chat_input("Write a prompt", key=BOX, on_submit=_submit, args=(agent, chat))
    if chat is None:
        return
    with st.bottom.container(horizontal=True, wrap=False, vertical_alignment="bottom"):
        # First, so that no width of screen pushes it out of reach.
        if running is not None:
            st.button("Stop", icon=":material/stop_circle:", key="stop", on_click=running.stop, type="primary")
        draw_controls(agent, chat)


def _submit(agent: Agent, chat: Conversation | None) -> None:
    """Send what was submitted; what can't be sent goes back into the box, with the reason above it."""
    prompt = st.session_state[BOX]
    try:
        if chat is None:
            chat = agent.begin()
            state.go_to(chat.session_id)
        settle_controls(chat)
        chat.start(prompt)
    except WindowseatError as error:
        st.session_state[_REFUSED] = str(error)
        st.session_state[BOX] = prompt
