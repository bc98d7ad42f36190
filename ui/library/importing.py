"""The dialog in which conversations are taken in: a file is looked through, and comes in when one has seen what would.

The import itself goes on whoever looks: where the dialog or the tab is closed, the library shows it, and its end.
"""

from functools import partial
from uuid import uuid4

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from agent import Agent, Importing, WindowseatError
from ui.dialogs import close_dialog, is_dialog_open, leave_if_closed, open_dialog
from ui.jobs import INTERVAL, Kind, draw_jobs, unwatch
from ui.library.last import draw_last
from ui.library.report import draw_report, name_of, program_of
from ui.library.sifting import forget_tags
from ui.library.taking import WATCHED, forget, look_through, refused, take_in, taking
from ui.notices import told
from ui.words import as_plain, count

_FIELD = "field for a file"


def open_import(agent: Agent) -> None:
    forget()
    open_dialog(partial(_draw, agent))


def draw_imports(agent: Agent) -> None:
    """What is being taken in for the owner, and what was last, where the dialog does not say it above."""
    if not is_dialog_open():
        forget()
    found = taking()
    if found is None or found.job is None:
        draw_jobs(Kind(WATCHED, partial(_running, agent), _draw_line, _said_at_end))
        draw_last(agent)


def _running(agent: Agent) -> list[Importing]:
    return [job for job in agent.imports() if not job.dry_run]


def _draw_line(job: Importing) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _draw_progress("Importing", job)
        st.button("Cancel", key=f"cancel import {id(job)}", on_click=job.cancel, type="tertiary")


def _said_at_end(job: Importing) -> str:
    forget_tags()
    return f"{name_of(job)}: {job.report}"


def _leave() -> None:
    forget()
    close_dialog()


@st.dialog("Import", width="medium", icon=":material/upload:", on_dismiss=_leave)
@told
def _draw(agent: Agent) -> None:
    found = taking()
    if sentence := refused():
        st.error(as_plain(sentence), icon=":material/error:")
    if found is None:
        _draw_choice(agent)
    elif (job := found.job or found.look).running:
        _follow(job)
    elif job.dry_run:
        _draw_look(agent, job)
    else:
        _draw_end(agent, job)
    leave_if_closed()


def _draw_choice(agent: Agent) -> None:
    st.markdown(
        "Conversations of **ChatGPT**, **Claude**, **Open WebUI** or **Windowseat**, as these programs export them "
        "(JSON, or the zip as it came), or the SQLite file in which **LangChain** keeps its messages. You see what "
        "would come in before anything does."
    )
    # Of a name of its own each time, so that the field is empty where another file is asked for.
    name = st.session_state.setdefault(_FIELD, f"file {uuid4().hex}")
    st.file_uploader("File", key=name, on_change=_receive, args=(agent, name), label_visibility="collapsed")
    st.caption(
        f"What is larger than {st.get_option('server.maxUploadSize'):,} MB, or in another database, comes in by "
        "`python -m storage import`, in a terminal on the machine that serves this page."
    )


def _receive(agent: Agent, name: str) -> None:
    file = st.session_state[name]
    if isinstance(file, UploadedFile):
        st.session_state.pop(_FIELD, None)
        look_through(agent, file)


def _draw_look(agent: Agent, look: Importing) -> None:
    """What would come in, and the ways on."""
    report = look.report
    st.markdown(f"**{as_plain(name_of(look))}**, from {program_of(report)}")
    draw_report(agent, report)
    sessions = report.new + report.grown
    with st.container(horizontal=True, horizontal_alignment="right"):
        st.button("Choose another file", on_click=forget)
        if sessions:
            label = f"Import {count(sessions, 'session')}"
            st.button(label, type="primary", key="import", on_click=take_in, args=(agent,))
        else:
            st.button("Done", type="primary", on_click=_leave)


def _draw_end(agent: Agent, job: Importing) -> None:
    """What came in, also where it broke off."""
    unwatch(WATCHED, job)
    agent.forget_import(job)
    forget_tags()
    try:
        job.finish()
    except WindowseatError as error:
        st.error(as_plain(str(error)), icon=":material/error:")
    draw_report(agent, job.report)
    with st.container(horizontal=True, horizontal_alignment="right"):
        st.button("Import another file", on_click=forget)
        st.button("Done", type="primary", on_click=_leave)


@st.fragment(run_every=INTERVAL)
@told
def _follow(job: Importing) -> None:
    if not job.running:
        st.rerun()
    _draw_progress("Looking through" if job.dry_run else "Importing", job)
    st.button("Cancel", key="cancel import", on_click=job.cancel)
    if not job.dry_run:
        st.caption("It goes on when you close this, and the library shows it. What came in stays if you cancel.")


def _draw_progress(doing: str, job: Importing) -> None:
    said = f"{doing} {name_of(job)}: {count(job.done, 'conversation')} so far"
    st.progress(job.fraction or 0.0, text=as_plain(said))
