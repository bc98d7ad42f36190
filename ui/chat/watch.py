"""A look, now and then, at whether somebody else changed what is on the page: another tab, a program, a notebook."""

import streamlit as st

from agent import Agent, Conversation, WindowseatError
from ui.entrance import guarded

INTERVAL = 2.0
"""Seconds between two looks."""

LISTED = 30
"""Sessions of the list that are looked at."""

_SEEN, _DRAWN = "seen revision", "page was just drawn"


def draw_watch(agent: Agent, chat: Conversation, seen: object) -> None:
    """Have the page drawn again when a look is not like the one that was `seen` before it was drawn."""
    st.session_state[_SEEN] = seen
    st.session_state[_DRAWN] = True
    _watch(agent, chat)


@st.fragment(run_every=INTERVAL)
@guarded
def _watch(agent: Agent, chat: Conversation) -> None:
    just_drawn = st.session_state.pop(_DRAWN, False)
    if not just_drawn and look(agent, chat) != st.session_state.get(_SEEN):
        st.rerun()


def look(agent: Agent, chat: Conversation) -> object:
    """What stands for all that the page shows of this session, and of the list."""
    try:
        return chat.revision, agent.sessions(count=LISTED).sessions
    except WindowseatError as error:
        return str(error)
