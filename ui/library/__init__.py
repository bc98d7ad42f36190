"""The library: all sessions in a table, to sort, sift and select."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from agent import Agent, SessionPage, SessionPlace
from ui.dialogs import open_dialog
from ui.exporting import draw_export
from ui.library.bulk import draw_bar
from ui.library.cleaning import draw_cleaning
from ui.library.importing import draw_imports, open_import
from ui.library.sifting import clear_filters, draw_filters
from ui.library.table import Drawn, draw_table, drawn_last, remember, sort_by_head, turn_to

PAGE = 50


def draw_library(agent: Agent) -> None:
    _draw_heading(agent)
    draw_imports(agent)
    sort_by_head()
    drawn = drawn_last(draw_filters(agent))
    page = _read(agent, drawn)
    while not page.sessions and drawn.places:
        # All that was here has gone to other pages, or altogether.
        drawn = drawn.at(drawn.places[:-1])
        page = _read(agent, drawn)
    if not page.sessions:
        _draw_nothing(drawn)
        return
    bar = st.container()
    # Between bar and table, whose own buttons appear above its right corner.
    st.markdown(f":small[{_rows_in_words(drawn, page)}]")
    selected = draw_table(drawn, page.sessions)
    with bar:
        draw_bar(agent, selected)
    _draw_pages(drawn, page)


def _draw_heading(agent: Agent) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.header("Library", anchor=False, width="content")
        with st.container(horizontal=True, gap="xsmall", width="content"):  # On a phone they stand side by side.
            _draw_opener("Import…", ":material/upload:", "library_import", partial(open_import, agent))
            _draw_opener("Export all…", ":material/download:", "library_export", _opening(draw_export, agent))
            _draw_opener(
                "Clean up…", ":material/cleaning_services:", "library_clean_up", _opening(draw_cleaning, agent)
            )


def _opening(draw: Callable[[Agent], None], agent: Agent) -> Callable[[], None]:
    return partial(open_dialog, partial(draw, agent))


def _draw_opener(label: str, icon: str, key: str, click: Callable[[], None]) -> None:
    st.button(label, icon=icon, key=key, on_click=click)


def _read(agent: Agent, drawn: Drawn) -> SessionPage:
    wanted = drawn.wanted
    return agent.sessions(wanted.titled, wanted.filters, order=wanted.order, count=PAGE, after=drawn.after)


def _draw_nothing(drawn: Drawn) -> None:
    remember(drawn.at(()))
    if not drawn.wanted.sifts:
        st.markdown(
            "No session is in the list. One begins with the first prompt in the chat, and *Import…* takes in "
            "what other programs have kept."
        )
        return
    st.markdown("No session matches.")
    st.button("Reset the filters", icon=":material/filter_alt_off:", on_click=clear_filters)


def _draw_pages(drawn: Drawn, page: SessionPage) -> None:
    if not drawn.places and page.after is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="center"):
        _draw_turn("Previous", ":material/chevron_left:", drawn.places[:-1] if drawn.places else None)
        following = (*drawn.places, page.after) if page.after is not None else None
        _draw_turn("Next", ":material/chevron_right:", following)


def _draw_turn(label: str, icon: str, places: tuple[SessionPlace, ...] | None) -> None:
    st.button(
        label,
        icon=icon,
        key=f"library_{label.lower()}",
        disabled=places is None,
        on_click=turn_to,
        args=(places,),
    )


def _rows_in_words(drawn: Drawn, page: SessionPage) -> str:
    first = PAGE * len(drawn.places) + 1
    last = first + len(page.sessions) - 1
    return f"Rows {first:,}–{last:,}" + (f" of {last:,}" if page.after is None else "")
