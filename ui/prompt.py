"""The box for the next prompt, and Stop above it while a reply runs."""

import streamlit as st

from agent import Agent, Conversation, Reply, Session, SessionBusy, WindowseatError
from ui import state
from ui.controls import draw_controls, settle_controls
from ui.words import as_plain

BOX = "prompt"
STOPPED_WITHIN = 0.4
"""Seconds that Stop waits for the end, so that the page is drawn with it."""

_REFUSED = "refused_prompt"


def draw_prompt(
    agent: Agent, chat: Conversation | None, session: Session | None = None, running: Reply | None = None
) -> None:
    if refused := st.session_state.pop(_REFUSED, None):
        st.bottom.error(as_plain(refused), icon=":material/block:")
    if running is not None:
        # A row of its own: no width of screen pushes it out of reach.
        st.bottom.button(
            "Stop", icon=":material/stop_circle:", key="stop", on_click=_stop, args=(running,), type="primary"
        )
    ended = session is not None and session.ended_at is not None
    if chat is not None and ended:
        with st.bottom.container(horizontal=True, vertical_alignment="center"):
            st.caption(":material/lock: This session was ended, and takes no prompt.")
            st.button(
                "Reopen",
                icon=":material/lock_open:",
                key="reopen",
                on_click=state.attempt,
                args=(chat.reopen,),
                type="tertiary",
            )
    st.chat_input("Write a prompt", key=BOX, on_submit=_submit, args=(agent, chat), disabled=ended)
    if chat is not None and session is not None:
        with st.bottom.container(horizontal=True, wrap=False, vertical_alignment="bottom", width=430):
            draw_controls(agent, chat, session)


def _stop(reply: Reply) -> None:
    def stop() -> None:
        reply.stop()
        reply.wait_for_end(STOPPED_WITHIN)

    state.attempt(stop)


def _submit(agent: Agent, chat: Conversation | None) -> None:
    """Send what was submitted; what can't be sent goes back into the box, with the reason above it."""
    prompt = st.session_state[BOX]
    try:
        agent.check_prompt(prompt)
        if chat is None:
            chat = agent.begin()
            state.go_to(chat.session_id)
        settle_controls(chat)
        chat.start(prompt)
    except SessionBusy:
        _give_back(prompt, "This session is still answering: wait for the reply or stop it, then send it again.")
    except WindowseatError as error:
        _give_back(prompt, str(error))


def _give_back(prompt: str, why: str) -> None:
    st.session_state[_REFUSED] = why
    st.session_state[BOX] = prompt
