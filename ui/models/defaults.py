"""The settings in force."""

import streamlit as st

from agent import Agent, Setting
from ui.words import as_plain


def draw_defaults(agent: Agent) -> None:
    st.subheader("Defaults", anchor=False)
    st.caption(
        "What holds where a session says nothing else. It is set in the environment or in the file .env, and read when "
        "Windowseat starts."
    )
    st.markdown("\n".join(map(_line, agent.defaults)))


def _line(setting: Setting) -> str:
    """A list and no table: the names alone are as wide as a phone."""
    value = f"`{setting.value.replace('`', ' ')}`" if setting.value else "not set"
    mark = ", set" if setting.is_set else ""
    return f"- **{as_plain(setting.variable)}**: {value}{mark}  \n  {as_plain(setting.says)}"
