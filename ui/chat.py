"""The chat: one session, from its title down to the box for the next prompt."""

import streamlit as st

from agent import Agent, Conversation, SessionNotFound
from ui import state
from ui.controls import draw_choice, draw_title
from ui.history import draw_history
from ui.prompt import draw_prompt
from ui.pull import draw_pulls
from ui.stream import draw_running
from ui.words import as_plain


def draw_chat(agent: Agent) -> None:
    try:
        chat = state.current(agent)
    except SessionNotFound as error:
        _draw_unknown(agent, error)
        return
    if chat is None:
        _draw_welcome(agent)
        draw_prompt(agent, None)
        return
    state.show_in_address(chat)
    _draw_session(agent, chat)


def _draw_session(agent: Agent, chat: Conversation) -> None:
    session = chat.session
    running = chat.running
    if notice := state.take_notice():
        st.warning(as_plain(notice), icon=":material/info:")
    if done := state.take_done():
        st.toast(as_plain(done), icon=":material/check:")
    draw_title(chat, session)
    draw_choice(agent, chat.model_of(session))
    draw_prompt(agent, chat, session, running)
    draw_history(agent, chat, running)
    if running is not None:
        draw_running(chat, running)
    draw_pulls(agent)


def _draw_welcome(agent: Agent) -> None:
    st.header("Welcome aboard")
    st.markdown(
        "No session yet: write something below to begin one. Every turn is kept, "
        "and a line in the history shows where the model's view of it begins."
    )
    draw_choice(agent, agent.settings.model)


def _draw_unknown(agent: Agent, error: SessionNotFound) -> None:
    st.warning(
        as_plain(
            f"{error} It may have been deleted, or it is kept in another database. Write below to begin a new one."
        ),
        icon=":material/search_off:",
    )
    draw_prompt(agent, None)
    if st.button("Begin a new session", icon=":material/add:", type="primary"):
        state.go_to(agent.begin().session_id)
        st.rerun()
