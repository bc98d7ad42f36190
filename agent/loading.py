"""A model on its way into memory: waited for by anybody, cancelled by anybody."""

import time
from concurrent.futures import CancelledError, Future, wait
from datetime import timedelta

from agent.errors import LoadCancelled

PATIENCE = 1.0
"""Seconds of one wait: a wait without an end can't be interrupted from the keyboard everywhere."""


class Loading:
    """It goes on whoever looks."""

    def __init__(self, model: str, load: Future[None]) -> None:
        self.model = model
        self._load = load
        self._began = time.monotonic()

    @property
    def running(self) -> bool:
        return not self._load.done()

    @property
    def duration(self) -> timedelta:
        """How long ago it began."""
        return timedelta(seconds=time.monotonic() - self._began)

    def finish(self) -> None:
        """Wait for the end. Raises ModelError, LoadCancelled; interrupting the wait cancels."""
        try:
            while self.running:
                wait([self._load], PATIENCE)
            self._load.result()
        except CancelledError as error:
            raise LoadCancelled(self.model) from error
        except KeyboardInterrupt:
            self.cancel()
            raise

    def cancel(self) -> None:
        """Hang up on the server, which gives up loading it. Returns at once."""
        self._load.cancel()

    def __repr__(self) -> str:
        return f"<Loading of {self.model}>"
