"""What the model is told in a session, and how it answers."""

from typing import Any

import streamlit as st

from agent import Agent, Conversation, Session, SessionText
from ui.dialogs import close_dialog
from ui.notices import told
from ui.parameters import draw_parameters

NOBODY = ""


@st.dialog("Settings of this session", width="medium", icon=":material/tune:", on_dismiss=close_dialog)
@told
def draw_settings(agent: Agent, chat: Conversation, session: Session) -> None:
    """They count from the next prompt on. In a form: what is typed in it stays when the page is drawn anew."""
    before = _set(chat, session)
    with st.form("settings", border=False):
        after = _draw_fields(agent, before, f"settings of {session.session_id}")
        saved = st.form_submit_button("Save", type="primary")
    if saved:
        # Another tab may have changed the others meanwhile.
        chat.configure(**{name: value for name, value in after.items() if value != before[name]})
        close_dialog()
        st.rerun()


def _set(chat: Conversation, session: Session) -> dict[str, Any]:
    """By the names that `configure` knows."""
    return {
        "system_prompt": _text(session, "system_prompt"),
        "summary": _text(session, "summary"),
        "second_model": chat.second_model_of(session) or NOBODY,
        "parameters": session.settings.get("parameters", {}),
    }


def _draw_fields(agent: Agent, before: dict[str, Any], key: str) -> dict[str, Any]:
    return {
        "system_prompt": st.text_area(
            "System prompt", before["system_prompt"], help="What the model is told before the turns."
        ),
        "summary": st.text_area(
            "Summary", before["summary"], help="What was said before this session: the model is told it, too."
        ),
        "second_model": _draw_second(agent, before["second_model"]),
        "parameters": draw_parameters(before["parameters"], key),
    }


def _draw_second(agent: Agent, second: str) -> str:
    options = list(dict.fromkeys([NOBODY, *agent.models().names, second]))
    return st.selectbox(
        "Ask a second model too",
        options,
        options.index(second),
        format_func=lambda name: name or "No",
        help="Each prompt is then asked of both models, and their answers stand side by side.",
    )


def _text(session: Session, kind: str) -> str:
    said = session.settings.get(kind)
    return said.text if isinstance(said, SessionText) else ""
