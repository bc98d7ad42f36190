"""The pretended Ollama's memory: which models are loaded."""

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Lock

from tests.ollama_script import Script

KEEP = 300.0
"""Seconds that a model stays in memory after its last use, where no request says otherwise."""


class Memory:
    """Which models are loaded, until when, and for how many requests. Many threads ask at once."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._lock = Lock()
        self._loading: dict[str, int] = {}
        self._users: Counter[str] = Counter()
        self._keep: dict[str, float] = {}
        self._until: dict[str, float] = {}

    @contextmanager
    def using(self, name: str, context: int, keep: float | None, rest: Callable[[float], None]) -> Iterator[None]:
        """Have the model loaded with this context length, as soon as nobody uses it with another.

        `rest` waits; what it raises ends the waiting, and the load.
        """
        while not self._take(name, context):
            if self._begin(name, context):
                self._load(name, context, rest)
            else:
                rest(0.01)
        try:
            yield
        finally:
            self._leave(name, keep)

    def unload(self, name: str) -> None:
        """Take the model out of memory once nobody uses it."""
        with self._lock:
            self._keep[name] = 0
            self._until[name] = 0
            self._expire()

    def now(self) -> list[tuple[str, int, datetime]]:
        """Each model in memory, its context length, and when it expires; what expires last comes first."""
        with self._lock:
            self._expire()
            held = self._script.loaded | (self._loading if self._script.lists_loading else {})
            until = {name: self._until.get(name, time.time() + KEEP) for name in held}
        order = sorted(held, key=lambda name: until[name], reverse=True)
        return [(name, held[name], datetime.fromtimestamp(until[name], UTC)) for name in order]

    def _take(self, name: str, context: int) -> bool:
        with self._lock:
            self._expire()
            ready = name not in self._loading and self._script.loaded.get(name) == context
            self._users[name] += ready
            return ready

    def _begin(self, name: str, context: int) -> bool:
        with self._lock:
            if name in self._loading or self._users[name]:
                return False
            self._loading[name] = context
            for held in (self._script.loaded, self._keep, self._until):
                held.pop(name, None)
            return True

    def _load(self, name: str, context: int, rest: Callable[[float], None]) -> None:
        try:
            rest(self._script.loading)
            with self._lock:
                self._script.loaded[name] = context
                self._script.loads.append((name, context))
        finally:
            with self._lock:
                del self._loading[name]

    def _leave(self, name: str, keep: float | None) -> None:
        with self._lock:
            if keep is not None:
                self._keep[name] = keep
            self._users[name] -= 1
            self._until[name] = time.time() + self._keep.get(name, KEEP)
            self._expire()

    def _expire(self) -> None:
        for name in list(self._script.loaded):
            if not self._users[name] and self._until.get(name, math.inf) <= time.time():
                del self._script.loaded[name]
