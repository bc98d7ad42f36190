"""The tags of a session."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from agent import Agent, Conversation
from ui import state
from ui.dialogs import close_dialog
from ui.notices import told
from ui.words import as_plain


@st.dialog("Tags", icon=":material/label:", on_dismiss=close_dialog)
@told
def draw_tags(agent: Agent, chat: Conversation) -> None:
    """What is chosen counts at once."""
    tags = chat.session.tags
    key = f"tags of {chat.session_id}"
    st.session_state[key] = list(tags)
    st.multiselect(
        "Tags of this session",
        list(dict.fromkeys((*tags, *agent.tags()))),
        key=key,
        accept_new_options=True,
        placeholder="Choose, or type a new one",
        on_change=lambda: state.attempt(partial(_set, chat, tags, st.session_state[key])),
    )
    if notice := state.take_notice():
        st.error(as_plain(notice), icon=":material/error:")


def _set(chat: Conversation, before: Sequence[str], chosen: Sequence[str]) -> None:
    chat.tag(*(tag for tag in chosen if tag not in before))
    chat.untag(*(tag for tag in before if tag not in chosen))
