"""What is done by itself once a day, beside everything else."""

import logging
import threading
from collections.abc import Callable

from storage import StoreError

LOOK_AGAIN = 3600.0
"""Seconds from one look whether a day has passed to the next."""

log = logging.getLogger(__name__)


class Daily:
    """A thread that does a job at once and then every hour; the job knows whether it is time. Who makes it closes it.

    What goes wrong is logged, and tried again an hour later.
    """

    def __init__(self, job: Callable[[], object]) -> None:
        self._job = job
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="windowseat-daily", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Wait for the job, if it is being done."""
        self._closing.set()
        self._thread.join()

    def _work(self) -> None:
        while True:
            try:
                self._job()
            except StoreError as error:
                log.warning("The daily clean-up could not be done: %s", error)
            except Exception:
                log.exception("The daily clean-up failed.")
            if self._closing.wait(LOOK_AGAIN):
                return
