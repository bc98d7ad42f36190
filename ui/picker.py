"""The sidebar: begin a session, look for one, choose one."""

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from agent import Agent, Session, SessionFilters, SessionNotFound
from ui import state
from ui.times import ago
from ui.words import as_plain, count, title_of

PAGE = 30
_SHOWN = "sessions_shown"
_PICKED = "picked_session"
_SEARCH = "session_search"
_ARCHIVED = "archived_sessions"
_UNSEEN = {ord("0"): "\u2060", ord("1"): "\u2063"}


def draw_picker(agent: Agent, chat_page: StreamlitPage) -> None:
    with st.sidebar:
        st.subheader("Windowseat", icon=":material/airline_seat_recline_normal:")
        if st.button("New session", icon=":material/add:", type="primary", width="stretch", key="new_session"):
            state.go_to(agent.begin().session_id)
            st.switch_page(chat_page, query_params=dict(st.query_params))
        search = st.text_input(
            "Search titles", key=_SEARCH, placeholder="Search titles", label_visibility="collapsed", live=True
        )
        _draw_sessions(agent, search.strip())
        if agent.sessions("", SessionFilters(archived=True), count=1).sessions:
            st.toggle("Archived sessions", key=_ARCHIVED)


def _draw_sessions(agent: Agent, search: str) -> None:
    shown = st.session_state.get(_SHOWN, PAGE)
    # Whoever searches has lost something: archived sessions too, then.
    archived = None if search else st.session_state.get(_ARCHIVED, False)
    found = agent.sessions(search, SessionFilters(archived=archived), count=shown)
    if not found.sessions:
        st.caption(f"No title holds “{as_plain(search)}”." if search else "No session yet.")
        return
    sessions = {session.session_id: session for session in found.sessions}
    try:
        chat = state.current(agent)
    except SessionNotFound:
        chat = None
    st.session_state[_PICKED] = chat.session_id if chat and chat.session_id in sessions else None
    st.radio(
        "Sessions",
        sessions,
        key=_PICKED,
        format_func=lambda session_id: _label(sessions[session_id]),
        captions=[_caption(session) for session in found.sessions],
        on_change=lambda: state.choose(st.session_state[_PICKED]),
        label_visibility="collapsed",
        width="stretch",
    )
    if found.after is not None and st.button("More sessions", icon=":material/expand_more:", type="tertiary"):
        st.session_state[_SHOWN] = shown + PAGE
        st.rerun()


def _label(session: Session) -> str:
    """The title, and signs that nobody sees: Streamlit knows what was picked by its label, and titles may be alike."""
    return as_plain(title_of(session)) + f"{session.key:b}".translate(_UNSEEN)


def _caption(session: Session) -> str:
    marks = (":material/keep: " if session.pinned else "") + (":material/lock: " if session.ended_at else "")
    marks += ":material/archive: " if session.archived else ""
    return f"{marks}{count(session.message_count, 'message')} · {ago(session.last_activity)}"
