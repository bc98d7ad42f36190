"""The box for the next prompt, with Stop and what waits above it, and what is set for the session below."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from agent import Agent, Conversation, Receipt, Reply, Session, WindowseatError
from ui import entrance, keys, state
from ui.chat.attach import LARGEST_MB, with_files
from ui.chat.controls import draw_model
from ui.chat.gauge import draw_gauge
from ui.chat.recent import ask
from ui.chat.waiting import draw_waiting
from ui.words import as_plain

BOX = "prompt"
STOPPED_WITHIN = 0.4
"""Seconds that Stop waits for the end, so that the page is drawn with it."""

_REFUSED = "refused_prompt"


def draw_prompt(
    agent: Agent, chat: Conversation, session: Session, running: Reply | None, view: Receipt | None
) -> None:
    # One place for all that comes and goes, so that the box below it stays the same.
    with st.bottom.container(gap="xsmall"):
        _draw_above(chat, session, running)
    st.chat_input(
        "Write a prompt" if running is None else "Write the next prompt: it waits for the reply",
        key=BOX,
        accept_file="multiple",
        max_upload_size=LARGEST_MB,
        on_submit=_submit,
        args=(agent, chat),
        disabled=session.ended_at is not None,
    )
    with st.bottom.container(horizontal=True, vertical_alignment="center", gap="small"):
        draw_model(agent, chat, session)
        draw_gauge(chat, view)


def _draw_above(chat: Conversation, session: Session, running: Reply | None) -> None:
    if notice := state.take_notice():
        st.warning(as_plain(notice), icon=":material/info:")
    if refused := st.session_state.pop(_REFUSED, None):
        st.error(as_plain(refused), icon=":material/block:")
    draw_waiting(chat, running, BOX)
    if running is not None:
        # A row of its own: no width of screen pushes it out of reach.
        st.button(
            "Stop",
            icon=":material/stop_circle:",
            key="stop",
            on_click=_stop,
            args=(running,),
            type="primary",
            shortcut=keys.STOP,
        )
    if session.ended_at is not None:
        _draw_put_away(":material/lock: This session was ended, and takes no prompt.", "Reopen", chat.reopen)
    elif session.archived:
        back = partial(chat.archive, yes=False)
        _draw_put_away(":material/archive: This session is archived: the list leaves it out.", "Unarchive", back)


def _draw_put_away(state_in_words: str, label: str, take_back: Callable[[], None]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(state_in_words)
        st.button(
            label, icon=":material/undo:", key="take_back", on_click=state.attempt, args=(take_back,), type="tertiary"
        )


def _stop(reply: Reply) -> None:
    def stop() -> None:
        reply.stop()
        reply.wait_for_end(STOPPED_WITHIN)

    state.attempt(stop)


def _submit(agent: Agent, chat: Conversation) -> None:
    """Send what was submitted; what can't be sent goes back into the box, with the reason above it."""
    given = st.session_state[BOX]
    try:
        entrance.ensure()
        prompt, images = with_files(given.text, given.files)
        agent.check_prompt(prompt)
        ask(chat, prompt, images)
    except WindowseatError as error:
        files = f" Attach {', '.join(file.name for file in given.files)} again." if given.files else ""
        st.session_state[_REFUSED] = f"{error}{files}"
        st.session_state[BOX] = given.text
