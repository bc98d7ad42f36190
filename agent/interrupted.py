"""Ending with the server: whoever interrupts it does not want to wait for replies that take minutes."""

import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType


def close_when_interrupted(close: Callable[[], object]) -> None:
    """Have `close` called, on a thread, as soon as the server is told to end; what listened before hears it too.

    The server itself first waits for all connections, and those that follow a reply end with the reply. To be called
    in the main thread; in another one, where no signal arrives, it does nothing.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(ValueError):
            signal.signal(number, _before(close, signal.getsignal(number)))


def _before(close: Callable[[], object], further: object) -> Callable[[int, FrameType | None], None]:
    def heard(number: int, frame: FrameType | None) -> None:
        threading.Thread(target=close, name="windowseat-end", daemon=True).start()
        if callable(further):
            further(number, frame)

    return heard
