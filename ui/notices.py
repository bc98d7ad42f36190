"""What the last click came to, told at the top of a page; and what goes wrong within a part of it."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import streamlit as st

from agent import WindowseatError
from ui import state
from ui.entrance import guarded
from ui.words import as_plain

P = ParamSpec("P")


def draw_notices(*, above: bool = True) -> None:
    """`above` the page; the chat, which one looks at from below, draws what did not work by itself."""
    if above and (notice := state.take_notice()):
        st.warning(as_plain(notice), icon=":material/info:")
    for done in state.take_done():
        st.toast(as_plain(done), icon=":material/check:")


def told(draw: Callable[P, None]) -> Callable[P, None]:
    """For dialogs and fragments, below their own decorator: what goes wrong in one is said there, in a sentence."""

    @wraps(draw)
    @guarded
    def drawn(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            draw(*args, **kwargs)
        except WindowseatError as error:
            st.error(as_plain(str(error)), icon=":material/error:")

    return drawn
