"""A model that the Ollama server does not have: an offer to get it, and how far it is."""

from functools import partial

import streamlit as st

from agent import Agent, ModelMissing, Pull
from ui import state
from ui.jobs import Kind, draw_jobs, watch
from ui.words import OLLAMA, as_plain, model_in_words, size

_WATCHED = "pulls watched"


def draw_failure(agent: Agent, model: str, error: str, *, last: bool) -> None:
    """Why a reply failed; of a model that was missing, what became of it meanwhile."""
    name = model_in_words(model)
    missing = last and ModelMissing.is_said_by(error)
    if missing and any(pull.name == model.removeprefix(OLLAMA) for pull in agent.pulls()):
        st.info(f"{name} was not there. It is on its way: see below.", icon=":material/download:")
    elif missing and model in agent.models().names:
        st.info(f"{name} was not there. It is now: try again.", icon=":material/check:")
    else:
        st.error(as_plain(error), icon=":material/error:")


def draw_pull_offer(agent: Agent, model: str, key: str) -> None:
    """For a reply that failed because its model is not there."""
    if agent.can_pull(model):
        label = f"Get {model_in_words(model)}"
        pull = partial(begin_pull, agent, model)
        st.button(label, icon=":material/download:", type="primary", key=key, on_click=pull)


def begin_pull(agent: Agent, model: str) -> None:
    """Get a model; its end is told by `draw_pulls`, even if it comes before the page is drawn."""
    state.attempt(lambda: watch(_WATCHED, agent.pull(model)))


def draw_pulls(agent: Agent) -> None:
    """What is on its way, if anything is."""
    draw_jobs(Kind(_WATCHED, agent.pulls, _draw, lambda pull: f"{pull.name} is here now."))


def _draw(pull: Pull) -> None:
    step = pull.progress
    known = f"{size(step.done)} of {size(step.total)}" if step.done < step.total else step.doing
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"pulling {pull.name}"):
        st.progress(step.done / step.total if step.total else 0.0, text=as_plain(f"Getting {pull.name}: {known}"))
        st.button("Cancel", key=f"cancel {pull.name}", on_click=pull.cancel, type="tertiary")
