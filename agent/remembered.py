"""An answer of the Ollama server that is asked for again and again, and given again for some seconds."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

FRESH = 5.0
"""How long an answer of the Ollama server about its models is good, in seconds."""

SLOWNESS = 20
"""After a question that took a second, the next one waits as many seconds longer."""


class Remembered(Generic[T]):
    """Asks at most every FRESH seconds, and a server that takes long to say no less often. Any thread may ask."""

    def __init__(self, ask: Callable[[], T], first: T) -> None:
        """`first` is never given: it only stands there until it was asked."""
        self._ask = ask
        self._answer = first
        self._good_until = float("-inf")
        self._forgotten = False
        self._asking = threading.Lock()

    def __call__(self) -> T:
        with self._asking:
            began = time.monotonic()
            if self._forgotten or began > self._good_until:
                self._forgotten = False
                self._answer = self._ask()
                now = time.monotonic()
                self._good_until = now + FRESH + SLOWNESS * (now - began)
            return self._answer

    def forget(self) -> None:
        """Ask anew, also where somebody is asking now. Returns at once."""
        self._forgotten = True
