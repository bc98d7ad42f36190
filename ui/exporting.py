"""Sessions taken along: one chooses the form, and the browser fetches the file from the API beside the page."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from agent import Agent, Export, Form, Session
from ui import browser, state
from ui.dialogs import close_dialog, confirm
from ui.notices import told
from ui.words import as_plain, count, title_of

_FORMS = {
    "json": ("JSON", "Everything, and can be imported again"),
    "markdown": ("Markdown", "The active path as text, to read and to edit"),
    "html": ("HTML", "The active path as one page, to share or print"),
    "pdf": ("PDF", "The active path as pages of paper"),
}
"""By the name of the form; one that is not here is called by its name."""

_CHOSEN = "export_form"


def address_of(key: str) -> str:
    """Where what is offered under the key is fetched: the API stands beside the page, whichever page one is on."""
    base = str(st.get_option("server.baseUrlPath")).strip("/")
    return f"{'/' if base else ''}{base}/api/v1/exports/{key}"


@st.dialog("Export", icon=":material/download:", on_dismiss=close_dialog)
@told
def draw_export(agent: Agent, sessions: Sequence[Session] = ()) -> None:
    """Offer these sessions, or all, in every form that there is."""
    place = st.empty()
    forms = list(Form)
    form = st.radio(
        "Form",
        forms,
        key=_CHOSEN,
        format_func=_called,
        captions=[_purpose(form) for form in forms],
        persist_state="session",
    )
    export = agent.begin_export([session.session_id for session in sessions] or None, form=form)
    place.markdown(_which(export, sessions))
    if export.total > 1:
        st.caption("All but JSON come as a zip, with a file for each session.")
    confirm("Download", partial(_download, agent, export), disabled=not export.total)


def _called(form: Form) -> str:
    return _FORMS.get(form.value, (as_plain(form.value), ""))[0]


def _purpose(form: Form) -> str:
    """What it is for; "" where that is not known."""
    return _FORMS.get(form.value, ("", ""))[1]


def _which(export: Export, sessions: Sequence[Session]) -> str:
    if len(sessions) == 1:
        return f"**{as_plain(title_of(sessions[0]))}**"
    if sessions:
        return count(len(sessions), "session")
    return (
        f"All {count(export.total, 'session')}, the archived ones too" if export.total else "There is no session yet."
    )


def _download(agent: Agent, export: Export) -> None:
    """The key is made at the click: it is good however long the dialog was open."""
    browser.download(address_of(agent.offer(export)))
    state.leave_done(f"Getting {export.file_name}.")
