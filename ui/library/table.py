"""Sessions as a table in which some can be selected.

The browser knows what is selected by the number of the row alone. So a table is only ever drawn again with the same
sessions in the same rows; with others it is a new one, in which those that were selected and are still there are.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from agent import Order, Session, SessionPlace
from ui.library.sifting import ORDER, Wanted
from ui.words import count, title_of

TITLE, TAGS, MARKS = "Title", "Tags", "Marks"
MESSAGES, TURNS, USED, BEGUN = "Messages", "Turns", "Last used", "Begun"
SORTED = {USED: Order.ACTIVITY, BEGUN: Order.CREATION, TITLE: Order.TITLE, MESSAGES: Order.MESSAGES}
ROW, ROWS = 35, 14
"""How high a row is, in pixels; how many are seen at a time."""

_DRAWN = "library_drawn"


@dataclass(frozen=True, slots=True)
class Drawn:
    """What was drawn last: `places` are where the pages before it ended, `rows` the names of its sessions."""

    wanted: Wanted
    places: tuple[SessionPlace, ...] = ()
    rows: tuple[str, ...] = ()
    number: int = 0

    @property
    def key(self) -> str:
        return f"library {self.number}"

    @property
    def after(self) -> SessionPlace | None:
        return self.places[-1] if self.places else None

    def at(self, places: tuple[SessionPlace, ...]) -> "Drawn":
        """Another page, with nothing selected in it."""
        return replace(self, places=places, rows=())


def sort_by_head() -> None:
    """By the column whose head was clicked, all sessions: to be called before the filters are drawn.

    Where columns can be selected, Streamlit does not sort the page itself.
    """
    drawn: Drawn | None = st.session_state.get(_DRAWN)
    for column in _chosen(drawn, "columns") if drawn else ():
        if column in SORTED:
            st.session_state[ORDER] = SORTED[column]


def drawn_last(wanted: Wanted) -> Drawn:
    """The first page, where something else is wanted now."""
    drawn: Drawn | None = st.session_state.get(_DRAWN)
    if drawn is None:
        return Drawn(wanted)
    return drawn if drawn.wanted == wanted else Drawn(wanted, number=drawn.number)


def remember(drawn: Drawn) -> None:
    st.session_state[_DRAWN] = drawn


def turn_to(places: tuple[SessionPlace, ...]) -> None:
    """Have another page drawn by the next run."""
    drawn: Drawn = st.session_state[_DRAWN]
    remember(drawn.at(places))


def draw_table(drawn: Drawn, sessions: Sequence[Session]) -> list[Session]:
    """Those that are selected, in the order of the table."""
    rows = tuple(session.session_id for session in sessions)
    before = set(_selected(drawn))
    if rows != drawn.rows or _chosen(drawn, "columns"):
        drawn = replace(drawn, rows=rows, number=drawn.number + 1)
    remember(drawn)
    st.dataframe(
        to_frame(sessions),
        key=drawn.key,
        on_select="rerun",
        selection_mode=["multi-row", "single-column"],
        selection_default={"selection": {"rows": [row for row, name in enumerate(rows) if name in before]}},
        hide_index=True,
        column_config=_columns(),
        height=ROW * (min(len(rows), ROWS) + 1) + 3,
        alt=f"{count(len(rows), 'session')}, one a row",
    )
    selected = set(_selected(drawn))
    return [session for session in sessions if session.session_id in selected]


def to_frame(sessions: Sequence[Session]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            TITLE: [title_of(session) for session in sessions],
            TAGS: [list(session.tags) for session in sessions],
            MARKS: [", ".join(marks_of(session)) for session in sessions],
            USED: [session.last_activity for session in sessions],
            MESSAGES: [session.message_count for session in sessions],
            TURNS: [session.depth for session in sessions],
            BEGUN: [session.created_at for session in sessions],
        }
    )


def marks_of(session: Session) -> list[str]:
    marks = {
        "running": session.running,
        "pinned": session.pinned,
        "archived": session.archived,
        "ended": session.ended_at is not None,
    }
    return [mark for mark, is_so in marks.items() if is_so]


def _selected(drawn: Drawn) -> list[str]:
    """The names of the sessions that are selected in what was drawn."""
    return [drawn.rows[row] for row in _chosen(drawn, "rows") if row < len(drawn.rows)]


def _chosen(drawn: Drawn, what: str) -> list[Any]:
    chosen: list[Any] = st.session_state.get(drawn.key, {}).get("selection", {}).get(what, [])
    return chosen


def _columns() -> dict[str, ColumnConfig | str | None]:
    zone = st.context.timezone
    return {
        TITLE: st.column_config.TextColumn(width=240),
        TAGS: st.column_config.ListColumn(width=130),
        MARKS: st.column_config.TextColumn(width=110),
        USED: st.column_config.DatetimeColumn(width=160, format="localized", timezone=zone),
        MESSAGES: st.column_config.NumberColumn(width=80, format="localized"),
        TURNS: st.column_config.NumberColumn(width=60, format="localized"),
        BEGUN: st.column_config.DatetimeColumn(width=160, format="localized", timezone=zone),
    }
