"""The sidebar: begin a session, look for one, choose one."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby
from types import MappingProxyType

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from agent import Agent, Session, SessionFilters, SessionNotFound
from ui import browser, keys, state
from ui.sidebar.search import draw_search
from ui.times import ago, local, month_in_words, today
from ui.words import as_plain, count, title_of, unlike

PAGE = 30
WEEK = timedelta(days=7)
_SHOWN = "sessions_shown"
_ARCHIVED = "archived_sessions"
_PICKED = "picked in "
_PINNED = ":material/keep: Pinned"


def draw_picker(agent: Agent, chat_page: StreamlitPage) -> None:
    with st.sidebar:
        st.subheader("Windowseat", icon=":material/airline_seat_recline_normal:", anchor=False)
        begin = st.button(
            "New session",
            icon=":material/add:",
            type="primary",
            width="stretch",
            key="new_session",
            shortcut=keys.NEW_SESSION,
        )
        if begin:
            state.go_to(agent.begin().session_id)
            browser.fold_sidebar()
            st.switch_page(chat_page, query_params=state.address())
        draw_search(agent)
        _draw_sessions(agent)


def _draw_sessions(agent: Agent) -> None:
    shown = st.session_state.get(_SHOWN, PAGE)
    archived = st.session_state.get(_ARCHIVED, False)
    found = agent.sessions("", SessionFilters(archived=archived), count=shown)
    if not found.sessions:
        st.caption("No archived session." if archived else "No session yet.")
    try:
        chat = state.current(agent)
    except SessionNotFound:
        chat = None
    current = chat.session_id if chat else None
    for heading, group in groupby(found.sessions, _heading):
        _draw_group(heading, MappingProxyType({session.session_id: session for session in group}), current)
    if found.after is not None and st.button("More sessions", icon=":material/expand_more:", type="tertiary"):
        st.session_state[_SHOWN] = shown + PAGE
        st.rerun()
    _draw_steps([session.session_id for session in found.sessions], current)
    if archived or agent.sessions("", SessionFilters(archived=True), count=1).sessions:
        st.toggle("Archived sessions", key=_ARCHIVED)


def _draw_group(heading: str, sessions: MappingProxyType[str, Session], current: str | None) -> None:
    """One list of radio buttons for each heading; at most one button of all lists is on."""
    key = _PICKED + heading
    st.session_state[key] = current if current in sessions else None
    st.radio(
        heading,
        sessions,
        key=key,
        format_func=lambda session_id: _label(sessions[session_id]),
        captions=[_caption(session) for session in sessions.values()],
        on_change=lambda: _choose(st.session_state[key]),
        width="stretch",
    )


def _choose(session_id: str) -> None:
    browser.fold_sidebar()
    state.choose(session_id)


def _heading(session: Session) -> str:
    if session.pinned:
        return _PINNED
    day, now = local(session.last_activity).date(), today()
    if day >= now:
        return "Today"
    if day == now - timedelta(days=1):
        return "Yesterday"
    return "Last seven days" if day > now - WEEK else month_in_words(day)


def _label(session: Session) -> str:
    return as_plain(title_of(session)) + unlike(session.key)


def _caption(session: Session) -> str:
    marks = ":material/pending: answering · " if session.running else ""
    marks += ":material/lock: " if session.ended_at else ""
    marks += ":material/archive: " if session.archived else ""
    tags = "".join(f" · {as_plain(tag)}" for tag in session.tags[:2])
    return f"{marks}{count(session.message_count, 'message')} · {ago(session.last_activity)}{tags}"


def _draw_steps(session_ids: Sequence[str], current: str | None) -> None:
    """To the neighbours in the list, for the keyboard."""
    here = session_ids.index(current) if current in session_ids else None
    with st.container(horizontal=True, gap="xsmall"):
        for label, step, shortcut in (("Previous", -1, keys.PREVIOUS_SESSION), ("Next", 1, keys.NEXT_SESSION)):
            target = (0 if here is None else here + step) if session_ids else -1
            st.button(
                label,
                key=f"{label} session",
                type="tertiary",
                shortcut=shortcut,
                help=f"{label} session",
                disabled=not 0 <= target < len(session_ids),
                on_click=lambda place=target: state.choose(session_ids[place]),
            )
