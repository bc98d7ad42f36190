"""What is set for a session: its title, its model and its window; and how one exports, clears or deletes it."""

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from agent import Agent, Conversation, Session
from ui import browser, state
from ui.chat.labels import draw_tags
from ui.chat.settings import draw_settings
from ui.dialogs import close_dialog, confirm, open_dialog
from ui.exporting import draw_export
from ui.notices import told
from ui.words import AUTO, MOST_TURNS, as_plain, count, title_of

RENAME = ":material/edit: Rename"
TAGS = ":material/label: Tags…"
SETTINGS = ":material/tune: Settings…"
PIN, UNPIN = ":material/keep: Pin", ":material/keep_off: Unpin"
ARCHIVE, UNARCHIVE = ":material/archive: Archive", ":material/unarchive: Take out of the archive"
EXPORT = ":material/download: Export…"
END, REOPEN = ":material/lock: End", ":material/lock_open: Reopen"
CLEAR = ":material/mop: Clear"
DELETE = ":material/delete: Delete"

_RENAMED, _RESIZED = "renamed session", "window was resized"


def draw_title(agent: Agent, chat: Conversation, session: Session) -> None:
    if st.session_state.get(_RENAMED) == session.session_id:
        _draw_rename(chat, session)
        return
    with st.container(horizontal=True, vertical_alignment="center", wrap=False):
        st.subheader(as_plain(title_of(session)), anchor=False)
        chosen = st.menu_button(
            "Session",
            _actions(session),
            icon=":material/more_horiz:",
            type="tertiary",
            key="session_menu",
        )
    if chosen is not None:
        _act(agent, chat, session, chosen)
    if session.tags:
        with st.container(horizontal=True, gap="xsmall"):
            for tag in session.tags:
                st.badge(as_plain(tag), icon=":material/label:", color="gray")


def _draw_rename(chat: Conversation, session: Session) -> None:
    """In the title's place; Enter saves it."""
    with (
        st.form("rename", border=False),
        st.container(horizontal=True, vertical_alignment="bottom", key="renamed_title"),
    ):
        st.text_input("Title", value=session.title, max_chars=200, key="title", label_visibility="collapsed")
        st.form_submit_button("Rename", type="primary", on_click=lambda: _rename(chat, st.session_state["title"]))
        st.form_submit_button("Cancel", on_click=lambda: st.session_state.pop(_RENAMED))


def _rename(chat: Conversation, title: str) -> None:
    def rename() -> None:
        chat.rename(title)
        st.session_state.pop(_RENAMED)

    state.attempt(rename)


def _actions(session: Session) -> list[str]:
    return [
        RENAME,
        TAGS,
        SETTINGS,
        UNPIN if session.pinned else PIN,
        UNARCHIVE if session.archived else ARCHIVE,
        EXPORT,
        REOPEN if session.ended_at else END,
        CLEAR,
        DELETE,
    ]


def _act(agent: Agent, chat: Conversation, session: Session, chosen: str) -> None:
    """Open what was chosen from the menu, or do it."""
    dialogs: dict[str, Callable[[], None]] = {
        TAGS: partial(draw_tags, agent, chat),
        SETTINGS: partial(draw_settings, agent, chat, session),
        EXPORT: partial(draw_export, agent, [session]),
        CLEAR: partial(_clear, chat, session),
        DELETE: partial(_delete, chat, session),
    }
    if chosen in dialogs:
        open_dialog(dialogs[chosen])
    else:
        state.attempt(_labels(chat)[chosen])
        st.rerun()


def _labels(chat: Conversation) -> dict[str, Callable[[], None]]:
    return {
        RENAME: partial(_begin_to_rename, chat),
        PIN: chat.pin,
        UNPIN: partial(chat.pin, yes=False),
        ARCHIVE: chat.archive,
        UNARCHIVE: partial(chat.archive, yes=False),
        END: chat.end,
        REOPEN: chat.reopen,
    }


def _begin_to_rename(chat: Conversation) -> None:
    st.session_state[_RENAMED] = chat.session_id
    browser.focus(".st-key-renamed_title input")


def draw_choice(agent: Agent, model: str) -> None:
    """Where the choice of the model is left to us, say which it is, and why."""
    if model == AUTO:
        choice = agent.choose(AUTO)
        st.caption(f":material/auto_awesome: The model is **{as_plain(choice.model)}**. {as_plain(choice.why)}")


def settle_controls(chat: Conversation) -> None:
    """Let a model that was picked count before a prompt that was sent in the same moment."""
    picked, drawn = st.session_state.get(_model_key(chat)), st.session_state.get(_drawn_key(chat))
    if picked and drawn and picked != drawn:
        chat.configure(model=picked)


def draw_model(agent: Agent, chat: Conversation, session: Session) -> None:
    """It takes effect from the next prompt on, in mid-session too."""
    key, model = _model_key(chat), chat.model_of(session)
    st.session_state[key] = model
    st.session_state[_drawn_key(chat)] = model
    st.selectbox(
        "Model",
        list(dict.fromkeys([AUTO, *agent.models().names, model])),
        key=key,
        format_func=lambda name: f"auto: {agent.choose(AUTO).model}" if name == AUTO else name,
        on_change=lambda: _configure(chat, model=st.session_state[key]),
        label_visibility="collapsed",
        width=220,
    )


def draw_window(chat: Conversation, session: Session) -> bool:
    """The same of how many turns the model sees. Give whether it was changed just now."""
    key, window = _window_key(chat), chat.window_turns_of(session)
    st.session_state[key] = window
    st.number_input(
        "Window, in turns",
        min_value=0,
        max_value=MOST_TURNS,
        key=key,
        on_change=lambda: _set_window(chat, st.session_state[key]),
        help=f"How many turns before the prompt the model sees, 0 to {MOST_TURNS:,}.",
    )
    return bool(st.session_state.pop(_RESIZED, False))


def _set_window(chat: Conversation, window: int) -> None:
    _configure(chat, window_turns=window)
    st.session_state[_RESIZED] = True


def _drawn_key(chat: Conversation) -> str:
    return f"drawn for {chat.session_id}"


def _model_key(chat: Conversation) -> str:
    return f"model of {chat.session_id}"


def _window_key(chat: Conversation) -> str:
    return f"window of {chat.session_id}"


def _configure(chat: Conversation, **changes: Any) -> None:
    state.attempt(partial(chat.configure, **changes))


@st.dialog("Clear session?", icon=":material/mop:", on_dismiss=close_dialog)
@told
def _clear(chat: Conversation, session: Session) -> None:
    st.write(
        f"All {count(session.message_count, 'message')} of **{as_plain(title_of(session))}** will be deleted for good. "
        "The session itself stays, with its title, model and window."
    )
    confirm("Clear", chat.clear)


@st.dialog("Delete session?", icon=":material/delete:", on_dismiss=close_dialog)
@told
def _delete(chat: Conversation, session: Session) -> None:
    st.write(
        f"**{as_plain(title_of(session))}** and its {count(session.message_count, 'message')} will be deleted for good."
    )
    confirm("Delete", partial(_delete_now, chat, title_of(session)))


def _delete_now(chat: Conversation, title: str) -> None:
    chat.delete()
    state.go_to(None)
    state.leave_done(f"Deleted “{title}”.")
