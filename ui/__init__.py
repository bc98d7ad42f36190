"""Windowseat's page: `draw` draws it, from an agent that somebody else has wired."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import streamlit as st

from agent import Agent, WindowseatError
from ui import state
from ui.chat import draw_chat
from ui.picker import draw_picker
from ui.stats import draw_stats
from ui.words import as_plain

__all__ = ["draw"]


def draw(open_agent: Callable[[], Agent]) -> None:
    """Draw the page that the address asks for. What goes wrong is said in one sentence."""
    st.set_page_config(page_title="Windowseat", page_icon=str(Path(__file__).parent / "icon.svg"))
    try:
        agent = open_agent()
        chat = st.Page(partial(draw_chat, agent), title="Chat", url_path="chat", default=True, icon=":material/chat:")
        stats = st.Page(
            partial(draw_stats, agent), title="Statistics", url_path="statistics", icon=":material/bar_chart:"
        )
        page = st.navigation([chat, stats], position="top")
        draw_picker(agent, chat)
        if state.take_choice() and page is not chat:
            st.switch_page(chat, query_params=dict(st.query_params))
        page.run()
    except WindowseatError as error:
        st.error(as_plain(str(error)), icon=":material/error:")
        st.button("Try again", icon=":material/refresh:")
