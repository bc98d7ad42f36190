"""What goes on in the background and is watched from the page: its end is told once, to whoever watched it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import streamlit as st

from agent import WindowseatError
from ui import state
from ui.notices import told

INTERVAL = 0.5
"""Seconds between two looks at what is on its way."""


class Job(Protocol):
    @property
    def running(self) -> bool: ...

    def finish(self) -> object:
        """Raises what went wrong."""
        ...


J = TypeVar("J", bound=Job)


@dataclass(frozen=True, slots=True)
class Kind(Generic[J]):
    """What there is to know of jobs of a kind: which are running, how one is drawn, and what is said at its end."""

    key: str
    running: Callable[[], Sequence[J]]
    draw: Callable[[J], None]
    done: Callable[[J], str]


def watch(key: str, job: Job) -> None:
    """From now on, even if it ends before the page is drawn."""
    st.session_state[key] = [*st.session_state.get(key, []), job]


def unwatch(key: str, job: Job) -> None:
    """Its end was told some other way."""
    st.session_state[key] = [watched for watched in st.session_state.get(key, []) if watched is not job]


def draw_jobs(kind: Kind[J]) -> None:
    """What is on its way, if anything is."""
    if kind.running() or st.session_state.get(kind.key):
        _follow(kind)


@st.fragment(run_every=INTERVAL)
@told
def _follow(kind: Kind[J]) -> None:
    running = kind.running()
    if ended := _take_ended(kind.key, running):
        _tell(kind, ended)
        st.rerun()
    for job in running:
        kind.draw(job)


def _tell(kind: Kind[J], ended: Iterable[J]) -> None:
    failed: list[str] = []
    for job in ended:
        try:
            job.finish()
        except WindowseatError as error:
            failed.append(str(error))
        else:
            state.leave_done(kind.done(job))
    if failed:
        state.leave_notice(" ".join(failed))


def _take_ended(key: str, running: Iterable[J]) -> list[J]:
    """Those watched that have ended since the last look; what is `running` is watched from now on."""
    watched: list[J] = st.session_state.get(key, [])
    ended = [job for job in watched if not job.running]
    st.session_state[key] = list(dict.fromkeys([*(job for job in watched if job not in ended), *running]))
    return ended
