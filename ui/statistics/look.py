"""The themes that are looked at. Finding them takes longer than drawing them, and each click draws the page anew."""

from datetime import date
from typing import NamedTuple

import streamlit as st

from agent import Agent, Themes, Totals


class Look(NamedTuple):
    """Which themes are looked at: of a range of days, of all sessions or of one.

    `stored` and `head`, the last turn of that one, say what there was then: where something came, they are found anew.
    """

    since: date | None
    until: date | None
    stored: Totals
    session: str | None = None
    head: int | None = None


@st.cache_data(
    ttl=60,
    show_spinner=False,
    max_entries=100,
    hash_funcs={Agent: lambda agent: (agent.database, agent.owner)},
)
def themes_of(agent: Agent, look: Look) -> Themes:
    """What `stored` does not tell, such as a session that was archived, counts within a minute."""
    return agent.themes(since=look.since, until=look.until, session=look.session)
