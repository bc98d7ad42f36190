"""An empty session: what one could begin with."""

from functools import partial

import streamlit as st

from agent import Agent, Conversation, Session
from ui import state
from ui.chat.recent import ask, draw_prompts, draw_recent
from ui.words import as_plain

_USUAL = (
    "Explain how a bicycle stays upright.",
    "Write a haiku about a window seat.",
    "What should I ask you to find out what you remember?",
)


def draw_welcome(agent: Agent, chat: Conversation, session: Session) -> None:
    settings = session.settings
    st.markdown(
        as_plain(settings.get("welcome", ""))
        or "Write something below. Every turn is kept, and a line shows where the model's view of it begins."
    )
    st.caption("Begin with")
    draw_prompts(settings.get("openings", _USUAL), ":material/lightbulb:", "opening", partial(_begin, chat))
    draw_recent(agent, "welcome")
    _draw_templates(agent, chat, settings.get("template"))


def _begin(chat: Conversation, opening: str) -> None:
    state.attempt(partial(ask, chat, opening))


def _draw_templates(agent: Agent, chat: Conversation, used: str | None) -> None:
    names = [template.name for template in agent.templates()]
    st.session_state["template"] = used if used in names else None
    st.pills(
        "Or begin with a template",
        names,
        key="template",
        format_func=as_plain,
        on_change=lambda: _use(agent, chat, st.session_state["template"]),
    )


def _use(agent: Agent, chat: Conversation, name: str | None) -> None:
    state.attempt(lambda: chat.use(None if name is None else agent.template(name)))
