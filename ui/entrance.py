"""Who is at the page: the rule of `agent.access`, asked with what the browser brought."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec

import streamlit as st

from agent import Access, AccessRefused, Agent, StoreError, TokenUnknown, is_from_here

P = ParamSpec("P")

COOKIE = "windowseat_token"

_TOKEN, _FORGOTTEN, _VISIT = "token of the page", "token that was forgotten", "who is at the page"
_REASON, _COOKIE = "why one may not", "what the cookie is to be"


@dataclass(frozen=True, slots=True)
class Visit:
    """Who was let in, and with what; without a token it has no `number`."""

    owner: str
    number: int | None
    token: str | None
    from_here: bool
    access: Access

    def check(self) -> None:
        """Raises AccessRefused where one would not be let in any more."""
        self.access.admit(self.token, from_here=self.from_here)


def come_in(agent: Agent) -> Agent:
    """The agent of who is at the page; whose page it was before is forgotten.

    A token that was good before and is none now is forgotten too, and counts as none. Raises AccessRefused.
    """
    headers = st.context.headers
    connected = bool(headers)  # Without, the page is drawn by no server: by a test, for whoever runs it.
    from_here = not connected or is_from_here(st.context.ip_address, headers)
    token = _brought(st.context.cookies.get(COOKIE) if connected else None)
    try:
        visit = _admitted(agent, token, from_here=from_here)
    except TokenUnknown as error:
        _forget(token, str(error))
        visit = _admitted(agent, None, from_here=from_here)
    except AccessRefused:
        _forget(None)
        raise
    before = visit_now()
    if before is not None and before.owner != visit.owner:
        _forget(None)
        st.session_state[_TOKEN] = visit.token
    st.session_state[_VISIT] = visit
    return agent.of(visit.owner)


def _brought(cookie: str | None) -> str | None:
    """The token that was typed, else the one in the cookie, as the browser sent it when it connected."""
    typed: str | None = st.session_state.get(_TOKEN)
    return typed or (cookie if cookie != st.session_state.get(_FORGOTTEN) else None)


def _admitted(agent: Agent, token: str | None, *, from_here: bool) -> Visit:
    owner, number = agent.access.admit(token, from_here=from_here)
    return Visit(owner, number, token, from_here, agent.access)


def visit_now() -> Visit | None:
    """Who is at the page, as of the last time that all of it was drawn."""
    visit: Visit | None = st.session_state.get(_VISIT)
    return visit


def sign_in(agent: Agent, token: str) -> None:
    """Take a token that was typed, for this browser session and, in a cookie, for later ones. Raises TokenUnknown."""
    agent.access.admit(token, from_here=False)
    st.session_state[_TOKEN] = st.session_state[_COOKIE] = token
    take_reason()


def sign_out() -> None:
    """Forget the token, here and in the browser, and all that its owner did here."""
    visit = visit_now()
    _forget(visit.token if visit else None)


def _forget(token: str | None, why: str = "") -> None:
    """All that belongs to who was here, with the address; and a token, which the cookie may have held."""
    forgotten = token or st.session_state.get(_FORGOTTEN)
    if visit_now() is not None:
        for key in st.session_state.to_dict():
            del st.session_state[key]
        st.query_params.clear()
    st.session_state.pop(_TOKEN, None)
    st.session_state[_FORGOTTEN] = forgotten
    if token:
        st.session_state[_COOKIE] = ""
    if why:
        say_why(why)


def reason() -> str | None:
    """Why the token that one had, or typed, is none."""
    said: str | None = st.session_state.get(_REASON)
    return said


def say_why(sentence: str) -> None:
    st.session_state[_REASON] = sentence


def take_reason() -> str | None:
    said = reason()
    st.session_state.pop(_REASON, None)
    return said


def take_cookie() -> str | None:
    """What the browser's cookie is to be from now on: "" is none, and None as it was."""
    token: str | None = st.session_state.pop(_COOKIE, None)
    return token


def ensure() -> None:
    """Before a click is followed, since the page that it was made on may be old.

    Raises AccessRefused where who is at the page would not be let in any more.
    """
    visit = visit_now()
    if visit is not None:
        visit.check()


def guarded(draw: Callable[P, None]) -> Callable[P, None]:
    """For dialogs and fragments, below their own decorator: they are drawn without the page around them."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            with suppress(StoreError):  # While it is away nobody can say; a reply that runs is followed meanwhile.
                ensure()
        except AccessRefused:
            st.rerun()
        draw(*args, **kwargs)

    return drawn
