"""Models: the state of the Ollama server, what can be chosen, how one gets another, and the settings in force."""

from functools import partial

import streamlit as st

from agent import Agent, Catalogue, HeldModel, OllamaModel
from ui import state
from ui.models.defaults import draw_defaults
from ui.models.loading import begin_loading, draw_loadings
from ui.models.server import draw_server, held_in_words
from ui.pull import begin_pull, draw_pulls
from ui.words import AUTO, ECHO, OLLAMA, as_plain, size

PAGE = 12
"""Ollama models shown at first, and added with each click."""

_SHOWN = "models_shown"
_CHOSEN = "chosen_model"
_NAME = "model_to_get"
_ABILITIES = {"vision": "sees images", "thinking": "thinks", "tools": "uses tools"}
_ECHO = "Says your prompt again, and how many messages it got: to try things out, without any server."


def draw_models(agent: Agent) -> None:
    st.header("Models", anchor=False)
    catalogue = agent.models()
    draw_server(agent, catalogue)
    _draw_list(agent, catalogue)
    draw_loadings(agent)
    if catalogue.ollama is not None:
        _draw_get(agent)
    draw_pulls(agent)
    draw_defaults(agent)


def _draw_list(agent: Agent, catalogue: Catalogue) -> None:
    here = {f"{OLLAMA}{model.name}": model for model in catalogue.ollama or ()}
    held = {f"{OLLAMA}{model.name}": model for model in agent.in_memory() or ()}
    shown = st.session_state.get(_SHOWN, PAGE)
    hidden = list(here)[shown:]
    names = [AUTO, *(name for name in catalogue.names if name not in hidden), agent.settings.model]
    options = list(dict.fromkeys(names))
    if st.session_state.get(_CHOSEN) not in options:
        st.session_state[_CHOSEN] = agent.settings.model
    chosen = st.radio(
        "Models",
        options,
        key=_CHOSEN,
        format_func=as_plain,
        captions=[_caption(agent, catalogue, name, here.get(name), held.get(name)) for name in options],
        label_visibility="collapsed",
        width="stretch",
    )
    if hidden and st.button(f"More models ({len(hidden):,})", icon=":material/expand_more:", type="tertiary"):
        st.session_state[_SHOWN] = shown + PAGE
        st.rerun()
    _draw_actions(agent, chosen, here.get(chosen), held.get(chosen))


def _caption(agent: Agent, catalogue: Catalogue, name: str, here: OllamaModel | None, held: HeldModel | None) -> str:
    mark = "**the default** · " if name == agent.settings.model else ""
    if here is not None:
        return mark + _facts(agent, here, held)
    if name == AUTO:
        choice = agent.choose(AUTO)
        why = ", since no Ollama model is to be had." if catalogue.problem else f". {as_plain(choice.why)}"
        return f"{mark}Now {as_plain(choice.model)}{why}"
    if name == ECHO:
        return mark + _ECHO
    if name.startswith(OLLAMA):
        return f"{mark}The Ollama server does not have it."
    return mark + ("Comes with this program." if name in catalogue.names else "Through LangChain.")


def _facts(agent: Agent, model: OllamaModel, held: HeldModel | None) -> str:
    said = [", ".join(filter(None, (as_plain(model.parameters), as_plain(model.quantization), size(model.size))))]
    asked = f"asked for {agent.context_asked(model):,} tokens of context"
    said.append(asked + (f", made for {most:,}" if (most := model.facts.most_context) else ""))
    said.append(_abilities(model))
    said.append(f":material/memory: **in memory**{_with(held_in_words(held))}" if held else "not in memory")
    return " · ".join(said)


def _with(more: str) -> str:
    return f" with {more}" if more else ""


def _abilities(model: OllamaModel) -> str:
    if model.facts.abilities is None:
        return "abilities unknown"
    return ", ".join(words for name, words in _ABILITIES.items() if name in model.facts.abilities) or "text only"


def _draw_actions(agent: Agent, name: str, here: OllamaModel | None, held: HeldModel | None) -> None:
    with st.container(horizontal=True, key="model_actions"):
        begin = partial(state.attempt, partial(_begin, agent))
        st.button("Begin a session with it", icon=":material/add_comment:", type="primary", on_click=begin)
        if held is not None:
            st.button("Unload", icon=":material/eject:", on_click=_unload, args=(agent,))
        elif here is not None and name not in {loading.model for loading in agent.loadings()}:
            st.button("Load into memory", icon=":material/memory:", on_click=_load, args=(agent,))


def _chosen() -> str:
    """The one that is chosen when a button is clicked: that may be before the page was drawn with it."""
    return str(st.session_state[_CHOSEN])


def _begin(agent: Agent) -> None:
    chat = agent.begin()
    chat.configure(model=_chosen())
    state.choose(chat.session_id)


def _unload(agent: Agent) -> None:
    state.attempt(partial(agent.unload, _chosen()), f"{_chosen()} is out of memory.")


def _load(agent: Agent) -> None:
    begin_loading(agent, _chosen())


def _draw_get(agent: Agent) -> None:
    st.subheader("Get a model", anchor=False)
    with st.form("get_model", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        st.text_input("Name of the model", key=_NAME, placeholder="llama3.2:3b", max_chars=200)
        st.form_submit_button("Get it", icon=":material/download:", on_click=_get, args=(agent,))
    st.caption(
        "By its name on ollama.com, with the size behind the colon. What was cancelled or broke off goes on where it "
        "ended when you get it again."
    )


def _get(agent: Agent) -> None:
    begin_pull(agent, st.session_state[_NAME])
