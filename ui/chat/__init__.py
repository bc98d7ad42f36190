"""The chat: one session, from its title down to the box for the next prompt."""

import streamlit as st

from agent import Agent, Conversation, SessionNotFound
from ui import state
from ui.chat.controls import draw_choice, draw_title
from ui.chat.history import draw_history, excerpt_of
from ui.chat.prompt import draw_prompt
from ui.chat.watch import draw_watch, look
from ui.chat.welcome import draw_welcome
from ui.pull import draw_pulls
from ui.words import as_plain, title_of


def settle(agent: Agent) -> Conversation:
    """The session of the address. Where that names none, the one used last, or a new one, is put there.

    Raises SessionNotFound.
    """
    chat = state.current(agent) or agent.begin()
    state.show_in_address(chat)
    return chat


def draw_chat(agent: Agent) -> None:
    try:
        chat = settle(agent)
    except SessionNotFound as error:
        _draw_unknown(agent, error)
    else:
        _draw_session(agent, chat)


def _draw_session(agent: Agent, chat: Conversation) -> None:
    # Before anything is read: what changes while the page is drawn is then seen by the next look.
    seen = look(agent, chat)
    excerpt = excerpt_of(chat)
    running = chat.running
    session = chat.session
    st.set_page_config(page_title=f"{title_of(session)} · Windowseat")
    draw_title(agent, chat, session)
    draw_choice(agent, chat.model_of(session))
    with st.container():  # The browser draws the neighbours of what changes anew: in here, the title is none.
        view = draw_history(agent, chat, session, running, excerpt)
    if not session.depth:
        draw_welcome(agent, chat, session)
    draw_prompt(agent, chat, session, running, view)
    draw_pulls(agent)
    draw_watch(agent, chat, seen)


def _draw_unknown(agent: Agent, error: SessionNotFound) -> None:
    st.warning(
        as_plain(f"{error} It may have been deleted, or it is kept in another database."),
        icon=":material/search_off:",
    )
    if st.button("Begin a new session", icon=":material/add:", type="primary"):
        state.go_to(agent.begin().session_id)
        st.rerun()
