"""One thread that writes: jobs for the store, done in order, away from the event loop."""

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")

_Job = tuple[Callable[[], Any], Future[Any]]


class Writer:
    """Does jobs, one at a time. Whoever makes it closes it.

    A thread of our own and not an executor: that takes no jobs while the interpreter shuts down, and it is then
    that the last replies are closed.
    """

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="windowseat-writer", daemon=True)
        self._thread.start()

    def do(self, job: Callable[[], T]) -> "asyncio.Future[T]":
        """Have the job done; await its result, or what it raised, on the loop that asks."""
        done: Future[T] = Future()
        self._jobs.put((job, done))
        return asyncio.wrap_future(done)

    def close(self) -> None:
        """Do what was asked for, then end the thread."""
        self._jobs.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (asked := self._jobs.get()) is not None:
            job, done = asked
            if not done.set_running_or_notify_cancel():
                continue
            try:
                result = job()
            except BaseException as error:  # noqa: BLE001 - it is raised where the job was asked for
                done.set_exception(error)
            else:
                done.set_result(result)
