"""The imports that run, of all owners, and of each owner the last one that ended."""

import threading
import time
from pathlib import Path

from agent.errors import AgentClosed
from agent.importing import PATIENCE, Importing
from storage import Store

OWNERS = 200
"""Of as many an end is kept, the newest."""


class Imports:
    """Shared by an agent and its views, and closed with the agent."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._running: set[Importing] = set()
        self._last: dict[str, Importing] = {}
        self._closed = False
        self._lock = threading.Lock()

    def begin(self, owner: str, source: Path | str, *, dry_run: bool, table: str | None, awaited: bool) -> Importing:
        """Of one that is `awaited` the end is not kept. Raises TransferRefused, AgentClosed."""
        ended = self._leave if awaited or dry_run else self._keep
        job = Importing(self._store, owner, source, dry_run=dry_run, table=table, ended=ended)
        with self._lock:
            if self._closed:
                raise AgentClosed
            self._running.add(job)
        job.begin()
        return job

    def of(self, owner: str) -> tuple[Importing, ...]:
        with self._lock:
            return tuple(job for job in self._running if job.owner == owner)

    def last(self, owner: str) -> Importing | None:
        with self._lock:
            return self._last.get(owner)

    def forget(self, job: Importing) -> None:
        """Leaves one that ended after it."""
        with self._lock:
            if self._last.get(job.owner) is job:
                del self._last[job.owner]

    def close(self) -> None:
        """Cancel all, and wait until they have ended."""
        with self._lock:
            self._closed = True
            running = [*self._running]
        for job in running:
            job.cancel()
        until = time.monotonic() + PATIENCE
        for job in running:
            job.wait(max(0.0, until - time.monotonic()))

    def _leave(self, job: Importing) -> None:
        with self._lock:
            self._running.discard(job)

    def _keep(self, job: Importing) -> None:
        with self._lock:
            self._running.discard(job)
            self._last.pop(job.owner, None)
            self._last[job.owner] = job
            if len(self._last) > OWNERS:
                del self._last[next(iter(self._last))]
