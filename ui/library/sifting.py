"""Which sessions the library shows, and in what order."""

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

import streamlit as st

from agent import Agent, Order, SessionFilters
from ui.times import zone

ORDERS = {
    Order.ACTIVITY: "Last used",
    Order.CREATION: "Begun",
    Order.TITLE: "Title",
    Order.MESSAGES: "Messages",
}
STATES = {
    "In the list": SessionFilters(),
    "Archived": SessionFilters(archived=True),
    "Ended": SessionFilters(archived=None, ended=True),
    "Pinned": SessionFilters(archived=None, pinned=True),
    "All": SessionFilters(archived=None),
}
WIDTH = 165
"""In pixels: two stand side by side on a phone."""

IN_THE_LIST = "In the list"
TITLED, TAG, STATE, ORDER = "library_titled", "library_tag", "library_state", "library_order"
SINCE, UNTIL = "library_since", "library_until"


@dataclass(frozen=True, slots=True)
class Wanted:
    titled: str
    filters: SessionFilters
    order: Order

    @property
    def sifts(self) -> bool:
        """Whether some of the sessions in the list are left out, or others are asked for."""
        return bool(self.titled) or self.filters != SessionFilters()


def draw_filters(agent: Agent) -> Wanted:
    with st.container(horizontal=True, gap="small"):
        titled = st.text_input("Words of the title", key=TITLED, type="search", live=True, persist_state="session")
        tag = _draw_tag(agent)
        state = st.selectbox("Show", list(STATES), key=STATE, persist_state="session", width=WIDTH)
        order = st.selectbox(
            "Sort by",
            list(ORDERS),
            key=ORDER,
            format_func=lambda order: ORDERS[order],
            help="Sorts all sessions, as a click on the head of a column does; its menu sorts only those on this page. "
            "By last use, the pinned come first.",
            persist_state="session",
            width=WIDTH,
        )
    with st.container(horizontal=True, gap="small"):
        since = _draw_day("Last used since", SINCE)
        until = _draw_day("Last used until", UNTIL)
    return Wanted(titled.strip(), sifted(state, tag, since, until), order)


def _draw_day(label: str, key: str) -> date | None:
    day: date | None = st.date_input(
        label, value=None, key=key, format="YYYY-MM-DD", persist_state="session", width=WIDTH
    )
    return day


def sifted(state: str, tag: str | None, since: date | None, until: date | None) -> SessionFilters:
    """Both days are of the browser's calendar and included."""
    return replace(
        STATES[state],
        tag=tag,
        since=None if since is None else _beginning(since),
        until=None if until is None else _beginning(until + timedelta(days=1)),
    )


def clear_filters() -> None:
    """Show the list as it is without any; the order stays. To be called before they are drawn."""
    st.session_state.update({TITLED: "", TAG: None, STATE: IN_THE_LIST, SINCE: None, UNTIL: None})


def _draw_tag(agent: Agent) -> str | None:
    tags = tags_of(agent)
    chosen = st.session_state.get(TAG)
    tag: str | None = st.selectbox(
        "Tag",
        [*tags, *([chosen] if chosen is not None and chosen not in tags else [])],
        index=None,
        key=TAG,
        format_func=lambda tag: f"{tag} ({tags.get(tag, 0):,})",
        placeholder="Any",
        persist_state="session",
        width=WIDTH,
    )
    return tag


def forget_tags() -> None:
    """Have them counted anew."""
    tags_of.clear()


@st.cache_data(
    ttl=60,
    show_spinner=False,
    max_entries=100,
    hash_funcs={Agent: lambda agent: (agent.database, agent.owner)},
)
def tags_of(agent: Agent) -> dict[str, int]:
    """All tags, and how many sessions have each. Counting them in a large store takes longer than drawing the page."""
    return agent.tags()


def _beginning(day: date) -> datetime:
    return datetime.combine(day, time(), zone())
