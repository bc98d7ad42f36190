"""The keyboard: every shortcut, and the page that lists them."""

import streamlit as st

from agent import Agent

NEW_SESSION = "Ctrl+Shift+O"
SEARCH = "Ctrl+K"
STOP = "Escape"
PREVIOUS_SESSION = "Alt+Up"
NEXT_SESSION = "Alt+Down"

_EVERYWHERE = (
    (NEW_SESSION, "Begin a new session"),
    (SEARCH, "Search in all sessions"),
    (PREVIOUS_SESSION, "Go to the session above in the list"),
    (NEXT_SESSION, "Go to the session below in the list"),
)
_CHAT = (
    ("Enter", "Send the prompt"),
    ("Shift+Enter", "Begin a new line in it"),
    (STOP, "Stop the reply that runs"),
    ("Escape", "Close a dialog or a menu; the reply goes on"),
)
_AROUND = (
    ("Tab, Shift+Tab", "Go to the next control, or to the one before"),
    ("Up, Down", "Choose among the sessions, the hits of a search, and in a menu"),
    ("Space, Enter", "Press what has the focus"),
)


def draw_keys(_agent: Agent) -> None:
    st.header("Keyboard", anchor=False)
    st.caption("On a Mac, Alt is the Option key. The shortcuts work while you write, too.")
    for heading, rows in (("Everywhere", _EVERYWHERE), ("In the chat", _CHAT), ("To get around", _AROUND)):
        st.subheader(heading, anchor=False)
        lines = [f"| `{keys}` | {what} |" for keys, what in rows]
        st.markdown("\n".join(["| Keys | What they do |", "|---|---|", *lines]))
