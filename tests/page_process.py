"""The page's server as a process, begun in either of two ways: typed into a shell, or forked for a test."""

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import ForkServerContext
from pathlib import Path
from types import ModuleType
from typing import Protocol

ROOT = Path(__file__).parent.parent
IMPORTED = ("streamlit.web.cli", "streamlit.web.server.starlette", "altair", "pandas", "agent", "api", "ui")


class Process(Protocol):
    def kill(self) -> None: ...

    def terminate(self) -> None: ...

    def wait(self, timeout: float | None = None) -> object: ...


class Begin(Protocol):
    def __call__(self, port: int, environment: dict[str, str]) -> Process:
        """Begin a server of the page on that port of loopback, with these variables besides those that are set."""
        ...


def run(port: int, environment: dict[str, str]) -> Process:
    """As a person does."""
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", f"--server.port={port}"]
    return subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}, stdout=subprocess.DEVNULL)


def fork(port: int, environment: dict[str, str]) -> Process:
    """From a process that has imported everything: what takes seconds is done once for all tests."""
    forks = multiprocessing.get_context("forkserver")
    return _Forked(forks, port, environment)


class _Forked:
    def __init__(self, forks: ForkServerContext, port: int, environment: dict[str, str]) -> None:
        forks.set_forkserver_preload([*IMPORTED])
        self._process = forks.Process(target=_serve, args=(port, environment), daemon=True)
        with _without_main():
            self._process.start()

    def kill(self) -> None:
        self._process.kill()

    def terminate(self) -> None:
        self._process.terminate()

    def wait(self, timeout: float | None = None) -> None:
        self._process.join(timeout)
        if self._process.is_alive():
            raise TimeoutError(f"The page's server still runs after {timeout} seconds.")


@contextmanager
def _without_main() -> Iterator[None]:
    """A child runs the main module of its parent first, and AppTest leaves the script that it tested in that place."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _serve(port: int, environment: dict[str, str]) -> None:
    os.environ.update(environment)
    os.chdir(ROOT)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    from streamlit.web import cli  # noqa: PLC0415 - who forks does not need it

    cli.main(["run", "streamlit_app.py", f"--server.port={port}"], standalone_mode=False)
