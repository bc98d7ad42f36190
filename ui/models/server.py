"""The Ollama server: its state in a line or, where none answers, what to do."""

from datetime import UTC, datetime, timedelta

import streamlit as st

from agent import Agent, Catalogue, HeldModel, OllamaModel
from ui.times import moment_in_words
from ui.words import as_plain, count, size

FOREVER = timedelta(days=365)
"""What is kept for longer stays until it is unloaded: Ollama names a moment in some centuries."""

_UNREACHED = """
- **Not installed?** Get Ollama from ollama.com. It runs on this machine, and needs no account.
- **Not running?** Start its app or, in a terminal: `ollama serve`
- **Somewhere else?** Windowseat looks at `{host}`, {where}. Set `OLLAMA_HOST` in the environment or in the file `.env`,
  such as `OLLAMA_HOST=http://192.168.1.20:11434`, and start Windowseat again.
- **Windowseat in Docker?** Then the machine around it is `OLLAMA_HOST=http://host.docker.internal:11434`; on Linux
  start the container with `--add-host=host.docker.internal:host-gateway` too. Ollama itself has to listen for others:
  `OLLAMA_HOST=0.0.0.0 ollama serve`

Until then **echo** answers, without any server.
"""


def draw_server(agent: Agent, catalogue: Catalogue) -> None:
    if catalogue.ollama is None:
        st.warning(as_plain(catalogue.problem), icon=":material/cloud_off:")
        st.markdown(_what_to_do(agent))
        st.button("Look again", icon=":material/refresh:", on_click=agent.look_again)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(_state(agent, catalogue, catalogue.ollama))
        st.button("Look again", icon=":material/refresh:", type="tertiary", on_click=agent.look_again)
    if not catalogue.ollama:
        st.info("It has no model yet: get one below or, in a terminal, with `ollama pull llama3.2:3b`")


def held_in_words(held: HeldModel) -> str:
    """Such as “8,192 tokens of context, until 21 Nov 2026, 16:30”; "" where the server says neither."""
    said = [f"{held.context:,} tokens of context"] if held.context else []
    left = held.until - datetime.now(UTC) if held.until else timedelta()
    if held.until and timedelta() < left < FOREVER:
        said.append(f"until {moment_in_words(held.until)}")
    elif left >= FOREVER:
        said.append("until it is unloaded")
    return ", ".join(said)


def _what_to_do(agent: Agent) -> str:
    is_set = any(setting.is_set for setting in agent.defaults if setting.variable == "OLLAMA_HOST")
    where = "which is what `OLLAMA_HOST` says" if is_set else "the usual place, since `OLLAMA_HOST` is not set"
    return _UNREACHED.format(host=agent.settings.ollama_host, where=where)


def _state(agent: Agent, catalogue: Catalogue, models: tuple[OllamaModel, ...]) -> str:
    said = [f"**Ollama {as_plain(catalogue.version)}** at `{agent.settings.ollama_host}`"]
    said.append(f"{count(len(models), 'model')}, {size(sum(model.size for model in models))}")
    held = agent.in_memory()
    if held is not None:
        said.append(", ".join(map(_held, held)) or "none in memory")
    return ":material/check_circle: " + " · ".join(said)


def _held(held: HeldModel) -> str:
    more = held_in_words(held)
    return f"**{as_plain(held.name)}** in memory" + (f" ({more})" if more else "")
