"""The imports that run, of all owners."""

import threading
import time
from pathlib import Path

from agent.errors import AgentClosed
from agent.importing import PATIENCE, Importing
from storage import Store


class Imports:
    """Shared by an agent and its views, and closed with the agent."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._running: set[Importing] = set()
        self._closed = False
        self._lock = threading.Lock()

    def begin(self, owner: str, source: Path | str, *, dry_run: bool, table: str | None) -> Importing:
        """Raises TransferRefused, AgentClosed."""
        job = Importing(self._store, owner, source, dry_run=dry_run, table=table, ended=self._forget)
        with self._lock:
            if self._closed:
                raise AgentClosed
            self._running.add(job)
        job.begin()
        return job

    def of(self, owner: str) -> tuple[Importing, ...]:
        with self._lock:
            return tuple(job for job in self._running if job.owner == owner)

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

    def _forget(self, job: Importing) -> None:
        with self._lock:
            self._running.discard(job)
