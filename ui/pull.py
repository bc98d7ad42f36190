"""A model that the Ollama server has not got: an offer to get it, and how far it is."""

from functools import partial

import streamlit as st

from agent import Agent, ModelMissing, Pull
from ui import state
from ui.words import as_plain, size

INTERVAL = 0.5
"""Seconds between two looks at what is on its way."""

_WATCHED = "pulls watched"


def draw_failure(agent: Agent, model: str, error: str, *, last: bool) -> None:
    """Why a reply failed; of a model that was missing, what became of it meanwhile."""
    name = as_plain(model.removeprefix("ollama:"))
    missing = last and ModelMissing.is_said_by(error)
    if missing and any(pull.name == model.removeprefix("ollama:") for pull in agent.pulls()):
        st.info(f"{name} was not there. It is on its way: see below.", icon=":material/download:")
    elif missing and model in agent.models().names:
        st.info(f"{name} was not there. It is now: try again.", icon=":material/check:")
    else:
        st.error(as_plain(error), icon=":material/error:")


def draw_pull_offer(agent: Agent, model: str, key: str) -> None:
    """For a reply that failed because its model is not there."""
    if agent.can_pull(model):
        label = f"Get {as_plain(model.removeprefix('ollama:'))}"
        pull = partial(state.attempt, partial(agent.pull, model))
        st.button(label, icon=":material/download:", type="primary", key=key, on_click=pull)


def draw_pulls(agent: Agent) -> None:
    """What is on its way, if anything is."""
    if agent.pulls() or st.session_state.get(_WATCHED):
        _follow(agent)


@st.fragment(run_every=INTERVAL)
def _follow(agent: Agent) -> None:
    running = agent.pulls()
    watched: list[Pull] = st.session_state.get(_WATCHED, [])
    st.session_state[_WATCHED] = list(running)
    if ended := [pull for pull in watched if not pull.running]:
        for pull in ended:
            state.attempt(pull.finish, f"{pull.name} is here now.")
        st.rerun()
    for pull in running:
        _draw(pull)


def _draw(pull: Pull) -> None:
    step = pull.progress
    known = f"{size(step.done)} of {size(step.total)}" if step.total else step.doing
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"pulling {pull.name}"):
        st.progress(step.done / step.total if step.total else 0.0, text=as_plain(f"Getting {pull.name}: {known}"))
        st.button("Cancel", key=f"cancel {pull.name}", on_click=pull.cancel, type="tertiary")
