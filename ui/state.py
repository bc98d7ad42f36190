"""What the page remembers: the session in the address, and notices to show after a rerun."""

from collections.abc import Callable

import streamlit as st

from agent import Agent, Conversation, SessionNotFound, WindowseatError

ADDRESS = "session"
_CURRENT = "current_session"
_CHOSEN = "chosen"
_NOTICE = "notice"
_DONE = "done"


def current(agent: Agent) -> Conversation | None:
    """The session that the address names, else the one looked at before, else the latest; None without any.

    Raises SessionNotFound for an address that names none.
    """
    if named := st.query_params.get(ADDRESS):
        chat = agent.find(named)
    elif remembered := st.session_state.get(_CURRENT):
        try:
            chat = agent.find(remembered)
        except SessionNotFound:
            del st.session_state[_CURRENT]
            return current(agent)
    elif latest := agent.current():
        chat = agent.find(latest.session_id)
    else:
        return None
    st.session_state[_CURRENT] = chat.session_id
    return chat


def go_to(session_id: str | None) -> None:
    """Make a session the one in the address; None leaves a bare address."""
    st.session_state.pop(_CURRENT, None)
    if session_id is None:
        st.query_params.pop(ADDRESS, None)
    else:
        st.session_state[_CURRENT] = session_id
        st.query_params[ADDRESS] = session_id


def show_in_address(chat: Conversation) -> None:
    """Let a reload, a bookmark and a second tab come back to this session."""
    if st.query_params.get(ADDRESS) != chat.session_id:
        st.query_params[ADDRESS] = chat.session_id


def choose(session_id: str) -> None:
    """Go to a session that was picked from the list."""
    go_to(session_id)
    st.session_state[_CHOSEN] = True


def take_choice() -> bool:
    """Whether a session was picked just now."""
    return bool(st.session_state.pop(_CHOSEN, False))


def attempt(act: Callable[[], object], done: str = "") -> None:
    """Do something, and have what goes wrong, or that it is done, shown by the next run of the page."""
    try:
        act()
    except WindowseatError as error:
        leave_notice(str(error))
    else:
        st.session_state[_DONE] = done


def leave_notice(sentence: str) -> None:
    """Have a sentence shown by the next run of the page."""
    st.session_state[_NOTICE] = sentence


def take_done() -> str:
    """What was done just now, to be shown for a moment, wherever one looks; "" if there is nothing to say of it."""
    done: str = st.session_state.pop(_DONE, "")
    return done


def take_notice() -> str | None:
    notice: str | None = st.session_state.pop(_NOTICE, None)
    return notice
