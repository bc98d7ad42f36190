"""What is set for a session: its title, its model and its window; and how one clears or deletes it."""

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from agent import Agent, Conversation, Session, WindowseatError
from ui import state
from ui.words import as_plain, count, title_of

RENAME = ":material/edit: Rename"
PIN, UNPIN = ":material/keep: Pin", ":material/keep_off: Unpin"
ARCHIVE, UNARCHIVE = ":material/archive: Archive", ":material/unarchive: Take out of the archive"
END, REOPEN = ":material/lock: End", ":material/lock_open: Reopen"
CLEAR = ":material/mop: Clear"
DELETE = ":material/delete: Delete"
AUTO = "auto"


def draw_title(chat: Conversation, session: Session) -> None:
    with st.container(horizontal=True, vertical_alignment="center", wrap=False):
        st.subheader(as_plain(title_of(session)), anchor=False)
        chosen = st.menu_button(
            "Session",
            _actions(session),
            icon=":material/more_horiz:",
            type="tertiary",
            key="session_menu",
        )
    if chosen == RENAME:
        _rename(chat, session)
    elif chosen == CLEAR:
        _clear(chat, session)
    elif chosen == DELETE:
        _delete(chat, session)
    elif chosen is not None:
        _label(chat, chosen)


def _actions(session: Session) -> list[str]:
    return [
        RENAME,
        UNPIN if session.pinned else PIN,
        UNARCHIVE if session.archived else ARCHIVE,
        REOPEN if session.ended_at else END,
        CLEAR,
        DELETE,
    ]


def _label(chat: Conversation, chosen: str) -> None:
    labels: dict[str, Callable[[], None]] = {
        PIN: chat.pin,
        UNPIN: partial(chat.pin, yes=False),
        ARCHIVE: chat.archive,
        UNARCHIVE: partial(chat.archive, yes=False),
        END: chat.end,
        REOPEN: chat.reopen,
    }
    state.attempt(labels[chosen])
    st.rerun()


def draw_choice(agent: Agent, model: str) -> None:
    """Where the choice of the model is left to us, say which it is, and why."""
    if model == AUTO:
        choice = agent.choose(AUTO)
        st.caption(f":material/auto_awesome: The model is **{as_plain(choice.model)}**. {as_plain(choice.why)}")


def settle_controls(chat: Conversation) -> None:
    """Let what was picked count before a prompt that was sent in the same moment; only what differs from the drawn."""
    drawn = st.session_state.get(_drawn_key(chat), {})
    picked = {"model": st.session_state.get(_model_key(chat)), "window_turns": st.session_state.get(_window_key(chat))}
    changes: dict[str, Any] = {name: value for name, value in picked.items() if name in drawn and value != drawn[name]}
    if changes:
        chat.configure(**changes)


def draw_controls(agent: Agent, chat: Conversation, session: Session) -> None:
    """The pickers take effect from the next prompt on, in mid-session too."""
    model, window = chat.model_of(session), chat.window_turns_of(session)
    model_key, window_key = _model_key(chat), _window_key(chat)
    st.session_state[model_key] = model
    st.session_state[window_key] = window
    st.session_state[_drawn_key(chat)] = {"model": model, "window_turns": window}
    st.selectbox(
        "Model",
        list(dict.fromkeys([AUTO, *agent.models().names, model])),
        key=model_key,
        format_func=lambda name: f"auto: {agent.choose(AUTO).model}" if name == AUTO else name,
        on_change=lambda: _configure(chat, model=st.session_state[model_key]),
        width="stretch",
    )
    st.number_input(
        "Window, in turns",
        min_value=0,
        max_value=1000,
        key=window_key,
        on_change=lambda: _configure(chat, window_turns=st.session_state[window_key]),
        width=155,
    )


def _drawn_key(chat: Conversation) -> str:
    return f"drawn for {chat.session_id}"


def _model_key(chat: Conversation) -> str:
    return f"model of {chat.session_id}"


def _window_key(chat: Conversation) -> str:
    return f"window of {chat.session_id}"


def _configure(chat: Conversation, **changes: Any) -> None:
    state.attempt(partial(chat.configure, **changes))


@st.dialog("Rename session", icon=":material/edit:")
def _rename(chat: Conversation, session: Session) -> None:
    with st.form("rename", border=False):
        title = st.text_input("Title", value=session.title, max_chars=200)
        if st.form_submit_button("Rename", type="primary"):
            try:
                chat.rename(title)
            except WindowseatError as error:
                st.error(as_plain(str(error)))
            else:
                st.rerun()


@st.dialog("Clear session?", icon=":material/mop:")
def _clear(chat: Conversation, session: Session) -> None:
    st.write(
        f"All {count(session.message_count, 'message')} of **{as_plain(title_of(session))}** will be deleted for good. "
        "The session itself stays, with its title, model and window."
    )
    _confirm("Clear", chat.clear)


@st.dialog("Delete session?", icon=":material/delete:")
def _delete(chat: Conversation, session: Session) -> None:
    st.write(
        f"**{as_plain(title_of(session))}** and its {count(session.message_count, 'message')} will be deleted for good."
    )
    _confirm("Delete", partial(_delete_now, chat))


def _delete_now(chat: Conversation) -> None:
    chat.delete()
    state.go_to(None)


def _confirm(label: str, act: Callable[[], None]) -> None:
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Cancel"):
            st.rerun()
        if st.button(label, type="primary", key="confirm"):
            try:
                act()
            except WindowseatError as error:
                st.error(as_plain(str(error)))
            else:
                st.rerun()
