"""What a browser session takes in: a file, the look through it, and the import itself."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from agent import Agent, Importing, TransferRefused, WindowseatError
from ui import entrance, jobs
from ui.library.upload import Upload, received

WATCHED = "imports watched"
_TAKING, _REFUSED = "what is taken in", "why a file was refused"
_GONE = "The connection to the page broke off meanwhile, and the file was let go: choose it again."


@dataclass(frozen=True, slots=True)
class Taking:
    """`job` is the import, once it is asked for."""

    upload: Upload
    look: Importing
    job: Importing | None = None


def taking() -> Taking | None:
    """Where a look through a file failed or was cancelled, there is none."""
    found: Taking | None = st.session_state.get(_TAKING)
    if found is None or found.job is not None or found.look.running:
        return found
    try:
        if not found.upload.is_there:
            raise TransferRefused(_GONE)
        if not found.look.finish().cancelled:
            return found
    except WindowseatError as error:
        forget()
        st.session_state[_REFUSED] = str(error)
    else:
        forget()
    return None


def refused() -> str:
    """Why the last file, or step, was; "" where it was not."""
    sentence: str = st.session_state.get(_REFUSED, "")
    return sentence


def look_through(agent: Agent, file: UploadedFile) -> None:
    """Begin to, with a file that came from the browser."""

    def look() -> None:
        upload = received(file)
        st.session_state[_TAKING] = Taking(upload, agent.begin_import(upload.path, dry_run=True))

    forget()
    _attempt(look)


def take_in(agent: Agent) -> None:
    """Begin to take in what was looked through; its end is told, even if it comes elsewhere."""

    def take() -> None:
        found = taking()
        if found is not None and found.job is None:  # A second click may come before the first is followed.
            job = agent.begin_import(found.upload.path)
            found.upload.read_by(job)
            st.session_state[_TAKING] = replace(found, job=job)
            jobs.watch(WATCHED, job)

    _attempt(take)


def forget() -> None:
    """Give up a look. An import goes on, and keeps its file."""
    st.session_state.pop(_REFUSED, None)
    found: Taking | None = st.session_state.pop(_TAKING, None)
    if found is not None:
        found.look.cancel()
        found.upload.remove()


def _attempt(act: Callable[[], None]) -> None:
    """What goes wrong is said in the dialog, which lies above what is said on the page."""
    try:
        entrance.ensure()
        act()
    except WindowseatError as error:
        st.session_state[_REFUSED] = str(error)
