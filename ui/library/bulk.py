"""What one does with the sessions that are selected in the library, with all of them at once."""

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from agent import Agent, Conversation, Session, SessionBusy, SessionNotFound, WindowseatError
from ui import state
from ui.dialogs import close_dialog, confirm, open_dialog
from ui.exporting import draw_export
from ui.library.sifting import forget_tags
from ui.notices import told
from ui.words import as_plain, count, title_of

NAMED, FEW = 10, 3
"""How many titles are said."""

Act = Callable[[Session], object]

ARCHIVED, UNARCHIVED = "Archived {}.", "Took {} out of the archive."
PINNED, UNPINNED = "Pinned {}.", "Unpinned {}."
TAGGED, DELETED = "Changed the tags of {}.", "Deleted {} for good."
"""What is said when it is done, of how many."""


class NotAllDone(WindowseatError):
    """Says with how many it was done, and why not with the others."""


def draw_bar(agent: Agent, selected: Sequence[Session]) -> None:
    """It keeps its place when nothing is selected, so that the table does not move under one's hand."""
    none = not selected
    archived = not none and all(session.archived for session in selected)
    pinned = not none and all(session.pinned for session in selected)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{count(len(selected), 'session')} selected**" if selected else "No session selected")
        _draw_open(selected)
        _draw_opener("Tag…", ":material/sell:", "library_tag_selected", partial(_tag, agent, selected), disabled=none)
        _draw_label(
            ("Take out of the archive", ":material/unarchive:") if archived else ("Archive", ":material/archive:"),
            "library_archive_selected",
            selected,
            lambda session: agent.find(session.session_id).archive(yes=not archived),
            UNARCHIVED if archived else ARCHIVED,
        )
        _draw_label(
            ("Unpin", ":material/keep_off:") if pinned else ("Pin", ":material/keep:"),
            "library_pin_selected",
            selected,
            lambda session: agent.find(session.session_id).pin(yes=not pinned),
            UNPINNED if pinned else PINNED,
        )
        export = partial(draw_export, agent, selected)
        _draw_opener("Export…", ":material/download:", "library_export_selected", export, disabled=none)
        delete = partial(_delete, agent, selected)
        _draw_opener("Delete…", ":material/delete:", "library_delete_selected", delete, disabled=none)


def _draw_opener(label: str, icon: str, key: str, dialog: Callable[[], None], *, disabled: bool) -> None:
    st.button(label, icon=icon, key=key, disabled=disabled, on_click=open_dialog, args=(dialog,))


def _draw_open(selected: Sequence[Session]) -> None:
    st.button(
        "Open",
        icon=":material/chat:",
        key="library_open_selected",
        disabled=len(selected) != 1,
        on_click=state.choose,
        args=(selected[0].session_id if selected else "",),
    )


def _draw_label(label: tuple[str, str], key: str, selected: Sequence[Session], act: Act, said: str) -> None:
    st.button(
        label[0],
        icon=label[1],
        key=key,
        disabled=not selected,
        on_click=state.attempt,
        args=(partial(do_with_all, selected, act, said), done_with(selected, said)),
    )


@st.dialog("Tag sessions", icon=":material/sell:", on_dismiss=close_dialog)
@told
def _tag(agent: Agent, selected: Sequence[Session]) -> None:
    st.markdown(f"{count(len(selected), 'session')}: {as_plain(in_words(selected, FEW))}")
    known = list(agent.tags())
    theirs = sorted({tag for session in selected for tag in session.tags})
    with st.form("tag", border=False):
        added = st.multiselect(
            "Add",
            known,
            key="library_tags_added",
            accept_new_options=True,
            placeholder="Choose, or write a new one",
            select_all=False,
        )
        taken = st.multiselect(
            "Take off", theirs, placeholder="Choose" if theirs else "They have none", key="library_tags_taken"
        )
        submitted = st.form_submit_button("Change tags", type="primary")
    if submitted:
        finish(partial(change_tags, agent, selected, added, taken), done_with(selected, TAGGED))
        close_dialog()
        st.rerun()


@st.dialog("Delete sessions?", icon=":material/delete:", on_dismiss=close_dialog)
@told
def _delete(agent: Agent, selected: Sequence[Session]) -> None:
    messages = sum(session.message_count for session in selected)
    st.write(f"{count(len(selected), 'session')} with {count(messages, 'message')} will be deleted for good:")
    st.markdown(titles_below(selected))
    act = partial(finish, partial(delete_all, agent, selected), done_with(selected, DELETED))
    confirm(f"Delete {count(len(selected), 'session')}", act)


def finish(act: Callable[[], object], done: str) -> None:
    """Have it said on the page what was done, in part or in full. Raises why nothing was."""
    try:
        act()
    except NotAllDone as error:
        state.leave_notice(str(error))
    else:
        state.leave_done(done)


def change_tags(agent: Agent, sessions: Sequence[Session], added: Sequence[str], taken: Sequence[str]) -> None:
    """Raises what `do_with_all` raises, and PromptRefused for what is no tag."""
    if not added and not taken:
        raise NoTag
    try:
        do_with_all(sessions, lambda session: _change_tags(agent.find(session.session_id), added, taken), TAGGED)
    finally:
        forget_tags()


class NoTag(WindowseatError):
    def __init__(self) -> None:
        super().__init__("Choose a tag to add, or one to take off.")


def _change_tags(chat: Conversation, added: Sequence[str], taken: Sequence[str]) -> None:
    chat.tag(*added)
    chat.untag(*taken)


def delete_all(agent: Agent, sessions: Sequence[Session]) -> None:
    """Raises NotAllDone where some are still there, or were gone before."""
    try:
        kept = set(agent.delete(*(session.session_id for session in sessions)).kept)
    finally:
        forget_tags()
    if kept:
        left = [session for session in sessions if session.session_id in kept]
        _raise_not_all(sessions, *_parted(agent, left), DELETED)


def _parted(agent: Agent, sessions: Sequence[Session]) -> tuple[list[Session], list[Session]]:
    """Those that are still there, and those that are not."""
    there: list[Session] = []
    gone: list[Session] = []
    for session in sessions:
        try:
            agent.find(session.session_id)
        except SessionNotFound:
            gone.append(session)
        else:
            there.append(session)
    return there, gone


def do_with_all(sessions: Sequence[Session], act: Act, said: str) -> None:
    """Do it with each that can be found and is not busy.

    Raises NotAllDone where that was not all of them; what goes wrong otherwise ends it, and is raised as it is where
    nothing had been done yet.
    """
    busy: list[Session] = []
    gone: list[Session] = []
    for done, session in enumerate(sessions):
        try:
            act(session)
        except SessionBusy:
            busy.append(session)
        except SessionNotFound:
            gone.append(session)
        except WindowseatError as error:
            did = done - len(busy) - len(gone)
            if not did:
                raise
            raise NotAllDone(f"{_done_with_some(did, sessions, said)} Then this went wrong: {error}") from error
    if busy or gone:
        _raise_not_all(sessions, busy, gone, said)


def _raise_not_all(sessions: Sequence[Session], busy: Sequence[Session], gone: Sequence[Session], said: str) -> None:
    did = len(sessions) - len(busy) - len(gone)
    raise NotAllDone(f"{_done_with_some(did, sessions, said)}{_why_busy(busy)}{_why_gone(gone)}")


def done_with(sessions: Sequence[Session], said: str) -> str:
    return said.format(count(len(sessions), "session"))


def _done_with_some(did: int, sessions: Sequence[Session], said: str) -> str:
    return said.format(f"{did:,} of {count(len(sessions), 'session')}") if did else "Nothing was done."


def _why_busy(busy: Sequence[Session]) -> str:
    return f" A reply runs in {in_words(busy)}: wait for it or stop it, then try again." if busy else ""


def _why_gone(gone: Sequence[Session]) -> str:
    return f" Deleted meanwhile: {in_words(gone)}." if gone else ""


def in_words(sessions: Sequence[Session], most: int = NAMED) -> str:
    """Such as “A”, “B” and 3 more."""
    named = [f"“{title_of(session)}”" for session in sessions[:most]]
    if more := len(sessions) - len(named):
        return f"{', '.join(named)} and {more:,} more"
    return " and ".join(filter(None, [", ".join(named[:-1]), named[-1]]))


def titles_below(sessions: Sequence[Session]) -> str:
    """A list in Markdown."""
    lines = [f"- {as_plain(title_of(session))}" for session in sessions[:NAMED]]
    if more := len(sessions) - len(lines):
        lines.append(f"- and {more:,} more")
    return "\n".join(lines)
