"""Models on their way into memory."""

import streamlit as st

from agent import Agent, Loading
from ui import state
from ui.jobs import Kind, draw_jobs, watch
from ui.words import as_plain

_WATCHED = "loadings watched"


def begin_loading(agent: Agent, model: str) -> None:
    """Have it in memory; its end is told by `draw_loadings`, even if it comes before the page is drawn."""
    state.attempt(lambda: watch(_WATCHED, agent.begin_loading(model)))


def draw_loadings(agent: Agent) -> None:
    """What is on its way, if anything is."""
    draw_jobs(Kind(_WATCHED, agent.loadings, _draw, lambda loading: f"{loading.model} is in memory."))


def _draw(loading: Loading) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key=f"loading {loading.model}"):
        name, seconds = as_plain(loading.model), int(loading.duration.total_seconds())
        st.markdown(f":material/hourglass_top: Loading {name} into memory, {seconds:,} s so far")
        st.button("Cancel", key=f"cancel loading {loading.model}", on_click=loading.cancel, type="tertiary")
