"""Windowseat's page: `draw` draws it, from an agent that somebody else has wired."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from agent import AccessRefused, Agent, WindowseatError
from ui import browser, entrance, state
from ui.chat import draw_chat, settle
from ui.dialogs import draw_dialog
from ui.keys import draw_keys
from ui.models import draw_models
from ui.notices import draw_notices
from ui.sidebar import draw_picker
from ui.signing import draw_cookie, draw_entrance, draw_guard, draw_sign_out
from ui.statistics import draw_statistics
from ui.templates import draw_templates
from ui.words import as_plain

__all__ = ["draw"]

_WIDE = "Library"
"""The page with a table of many columns."""


def draw(open_agent: Callable[[], Agent]) -> None:
    """Draw the page that the address asks for. What goes wrong is said in one sentence."""
    st.set_page_config(page_title="Windowseat", page_icon=str(Path(__file__).parent / "icon.svg"))
    try:
        everybodys = open_agent()
        try:
            agent = entrance.come_in(everybodys)
        except AccessRefused as refused:
            _draw_before_entrance(everybodys, refused)
        else:
            _draw_page(agent)
        draw_cookie()
        browser.draw_wanted()
    except WindowseatError as error:
        st.error(as_plain(str(error)), icon=":material/error:")
        st.button("Try again", icon=":material/refresh:")


def _draw_before_entrance(agent: Agent, refused: AccessRefused) -> None:
    """In place of every page, so that one who is let in is where the address leads."""
    st.navigation(_pages(None), position="hidden")
    st.set_page_config(layout="centered")
    draw_entrance(agent, refused)


def _draw_page(agent: Agent) -> None:
    chat, *others = _pages(agent)
    page = st.navigation([chat, *others], position="top")
    # Said on every page: what one sets stays on for the next.
    st.set_page_config(layout="wide" if page.title == _WIDE else "centered")
    if reason := entrance.take_reason():
        state.leave_notice(reason)
    if page is chat and state.ADDRESS not in st.query_params:
        settle(agent)  # Before the list of sessions is drawn, in which it stands.
    draw_picker(agent, chat)
    draw_sign_out()
    if state.take_choice() and page is not chat:
        st.switch_page(chat, query_params=state.address())
    draw_notices(above=page is not chat)
    page.run()
    draw_dialog()
    if page is not chat:
        draw_guard()


def _pages(agent: Agent | None) -> list[StreamlitPage]:
    """Without an agent they are blank, and only there for their addresses."""
    pages: list[tuple[str, Callable[[Agent], None], str]] = [
        ("Chat", draw_chat, "chat"),
        (_WIDE, _draw_library, "inventory_2"),
        ("Statistics", draw_statistics, "bar_chart"),
        ("Templates", draw_templates, "article"),
        ("Models", draw_models, "memory"),
        ("Keyboard", draw_keys, "keyboard"),
    ]
    return [
        st.Page(
            partial(draw, agent) if agent else _draw_nothing,
            title=title,
            url_path=title.lower(),
            icon=f":material/{icon}:",
            default=title == "Chat",
        )
        for title, draw, icon in pages
    ]


def _draw_nothing() -> None:
    pass


def _draw_library(agent: Agent) -> None:
    from ui.library import draw_library  # noqa: PLC0415 - its tables want pandas, which the chat can do without

    draw_library(agent)
