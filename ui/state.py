"""What the page remembers: the session and turn in the address, and what to say after a rerun."""

from collections.abc import Callable

import streamlit as st

from agent import Agent, Conversation, SessionNotFound, WindowseatError
from ui import entrance

ADDRESS = "session"
TURN = "turn"
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


def go_to(session_id: str | None, turn_id: int | None = None) -> None:
    """Make a session, and a turn of it, what the address names; None leaves a bare address."""
    st.session_state.pop(_CURRENT, None)
    wanted = {} if session_id is None else address_of(session_id, turn_id)
    # Each change is a step of its own for the browser's way back.
    for name in {ADDRESS, TURN} - wanted.keys():
        st.query_params.pop(name, None)
    if session_id is not None:
        st.session_state[_CURRENT] = session_id
        st.query_params.update(wanted)


def address_of(session_id: str, turn_id: int | None = None) -> dict[str, str]:
    """What the address says for that session and turn."""
    return {ADDRESS: session_id} | ({} if turn_id is None else {TURN: str(turn_id)})


def address() -> dict[str, str]:
    """What the address says of session and turn; pages may keep more in it."""
    return {name: st.query_params[name] for name in (ADDRESS, TURN) if name in st.query_params}


def show_in_address(chat: Conversation) -> None:
    """Let a reload, a bookmark and a second tab come back to this session."""
    if st.query_params.get(ADDRESS) != chat.session_id:
        go_to(chat.session_id)


def turn_in_address() -> int | None:
    """The turn that is looked at; None for the newest."""
    named = st.query_params.get(TURN, "")
    return int(named) if named.isdecimal() and len(named) < len(str(2**63)) else None


def leave_turn() -> None:
    """Go back to the newest turn."""
    st.query_params.pop(TURN, None)


def go_on(act: Callable[[], object]) -> None:
    """Try something by which the session goes on elsewhere: the turn in the address is not what one looks at then."""

    def act_and_leave() -> None:
        act()
        leave_turn()

    attempt(act_and_leave)


def choose(session_id: str, turn_id: int | None = None) -> None:
    """Go to a session, or a turn of it, that was picked from a list."""
    go_to(session_id, turn_id)
    st.session_state[_CHOSEN] = True


def take_choice() -> bool:
    """Whether a session was picked just now."""
    return bool(st.session_state.pop(_CHOSEN, False))


def attempt(act: Callable[[], object], done: str = "") -> None:
    """Do something, and have what goes wrong, or that it is done, shown by the next run of the page."""
    try:
        entrance.ensure()
        act()
    except WindowseatError as error:
        leave_notice(str(error))
    else:
        leave_done(done)


def leave_notice(sentence: str) -> None:
    """Have a sentence shown by the next run of the page."""
    st.session_state[_NOTICE] = sentence


def leave_done(sentence: str) -> None:
    """Have it shown for a moment by the next run of the page; "" for nothing."""
    if sentence:
        st.session_state[_DONE] = [*st.session_state.get(_DONE, []), sentence]


def take_done() -> list[str]:
    """What was done since the last look, to be shown for a moment, wherever one looks; in order."""
    done: list[str] = st.session_state.pop(_DONE, [])
    return done


def take_notice() -> str | None:
    notice: str | None = st.session_state.pop(_NOTICE, None)
    return notice
