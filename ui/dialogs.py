"""The dialog that is open: it stays so when the page is drawn anew, as it is when a reply ends or another tab acts."""

from collections.abc import Callable

import streamlit as st

from agent import WindowseatError
from ui import state
from ui.words import as_plain

_OPEN = "open dialog"
_PLACE = "where the dialog was opened"


def open_dialog(draw: Callable[[], None]) -> None:
    """Have this dialog drawn until it is closed, or one goes to another session. Its `on_dismiss` is `close_dialog`."""
    st.session_state[_OPEN] = draw
    st.session_state[_PLACE] = state.address()


def is_dialog_open() -> bool:
    return _OPEN in st.session_state


def close_dialog() -> None:
    st.session_state.pop(_OPEN, None)


def draw_dialog() -> None:
    """Once in each run, at its end."""
    if is_dialog_open() and st.session_state[_PLACE] != state.address():
        close_dialog()
    draw: Callable[[], None] | None = st.session_state.get(_OPEN)
    if draw is not None:
        draw()


def leave_if_closed() -> None:
    """At the end of a dialog in which a callback may have closed it: draw the page without."""
    if not is_dialog_open():
        st.rerun()


def confirm(label: str, act: Callable[[], object], *, disabled: bool = False) -> None:
    """At the end of a dialog: its two ways out. What goes wrong is said there, and the dialog stays."""
    with st.container(horizontal=True, horizontal_alignment="right"):
        cancelled = st.button("Cancel")
        confirmed = st.button(label, type="primary", key="confirm", disabled=disabled)
    if confirmed:
        try:
            with st.spinner("At work…"):
                act()
        except WindowseatError as error:
            st.error(as_plain(str(error)), icon=":material/error:")
            return
    if cancelled or confirmed:
        close_dialog()
        st.rerun()
