"""What the two database engines do each in its own way."""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, ClassVar

import sqlalchemy as sa

from storage.errors import StoreError

LOCK_PATIENCE = 10.0
"""How long a writer waits for others, in seconds, before it raises StoreLocked."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an engine's words mean: which error it is, what is the matter, what one can do.

    `words` is a regular expression; the first meaning that fits counts.
    """

    words: str
    kind: type[StoreError]
    matter: str
    advice: str


class Engine(ABC):
    """SQLite or PostgreSQL. Everything else in the package is the same for both."""

    meanings: ClassVar[tuple[Meaning, ...]]

    integrity_checks: ClassVar[tuple[tuple[str, str], ...]] = ()
    """What the engine can say of its own files: a name, and SQL whose rows other than “ok” are what is wrong."""

    @abstractmethod
    def make(self, url: sa.URL) -> sa.Engine:
        """A pool of connections, none of them open yet. Raises OSError."""

    @abstractmethod
    def one_writer(self) -> AbstractContextManager[None]:
        """Held while a transaction writes."""

    @abstractmethod
    def begin_to_read(self, driver: Any) -> None:
        """Begin a transaction that sees one consistent state."""

    @abstractmethod
    def begin_to_write(self, driver: Any) -> None:
        """Begin a transaction that may write, and wait until it may."""
