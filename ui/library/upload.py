"""A file that came from the browser: on the disk, as long as somebody needs it."""

import re
import shutil
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from weakref import WeakSet, finalize

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from agent import Importing, TransferRefused

_NO_NAME = re.compile(r"[^\w.() -]+")
LONGEST = 80


class Upload:
    """It goes with whoever holds it last, with the process, and before that when it is removed."""

    def __init__(self, name: str, content: IO[bytes]) -> None:
        """Raises TransferRefused where there is no room for it."""
        self._reader: Importing | None = None
        with _refusing():
            folder = tempfile.mkdtemp(prefix="windowseat-")
        self._end = finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self.path = Path(folder) / _safe(name)
        try:
            with _refusing(), self.path.open("wb") as file:
                shutil.copyfileobj(content, file)
        except TransferRefused:
            self.remove()
            raise

    @property
    def is_there(self) -> bool:
        return self._end.alive

    def read_by(self, job: Importing) -> None:
        """Keep it until the end of this import, and no longer, whoever else wants it to go or to stay."""
        self._reader = job
        threading.Thread(target=self._wait, name="windowseat-upload", daemon=True).start()

    def remove(self) -> None:
        if self._reader is None:
            self._end()

    def _wait(self) -> None:
        while self._reader is not None and self._reader.running:
            self._reader.wait()
        self._end()


def received(file: UploadedFile) -> Upload:
    """Put it on the disk, and out of the server's memory, where Streamlit would hold it as long as the tab is open."""
    try:
        upload = Upload(file.name, file)
    finally:
        file.close()
        _forget(file.file_id)
    _of_browser_session().add(upload)
    return upload


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise TransferRefused(f"The file can't be kept for reading: {error.strerror or error}.") from error


def _safe(name: str) -> str:
    """One that stays in its folder, and is still known to whoever sent it."""
    return _NO_NAME.sub("_", name)[-LONGEST:].lstrip(". ") or "file"


def _forget(file_id: str) -> None:
    context = get_script_run_ctx()
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        context.uploaded_file_mgr.remove_file(context.session_id, file_id)


def _remove_all(uploads: Iterable[Upload]) -> None:
    for upload in uploads:
        upload.remove()


@st.cache_resource(scope="session", on_release=_remove_all, show_spinner=False)
def _of_browser_session() -> WeakSet[Upload]:
    """Removed when its connection ends: what else a browser session remembers may stay for as long as the process."""
    return WeakSet()
