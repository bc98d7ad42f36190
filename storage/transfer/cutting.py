"""Cutting the conversations out of a stream of JSON, with nothing else kept.

A fault costs the piece that it is in: what is too long or nested too deeply is left out while it streams by.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Self

from storage.transfer.brackets import Brackets
from storage.transfer.files import CutShortError

BLANK = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one conversation: bytes of its JSON, objects and lists inside of each other, objects and lists, commas."""

    length: int
    nesting: int
    values: int
    commas: int


FOREIGN = Limits(64 << 20, 200, 2_000_000, 6_000_000)

OWN = Limits(512 << 20, 200, 6_000_000, 24_000_000)
"""A session of ours has its images with it, and may have a million messages."""

MOST_VALUES = 50_000_000
"""Objects and lists in all that is given: they say how long it takes to read."""

MOST_PIECES = 200_000
"""Conversations in all that is given."""

MOST_SESSIONS = 10_000_000
"""Of our own in a file."""


@dataclass(slots=True)
class Budget:
    """What may still come, of all files of an archive together."""

    values: int = MOST_VALUES
    pieces: int = MOST_PIECES

    @classmethod
    def own(cls) -> Self:
        return cls(MOST_SESSIONS * 1000, MOST_SESSIONS)

    def check(self) -> None:
        if self.values < 0 or self.pieces < 0:
            raise CutShortError("There is too much in this file: what follows is not read.")


class Piece(NamedTuple):
    """A conversation's JSON, or the sentence that says why there is none. One that is `own` is a session of ours."""

    content: bytes
    fault: str = ""
    own: bool = False


class Cut:
    """Cuts out what stands at a depth of `base` brackets, after `read` bytes that were read before.

    What comes after the list of a wrapper is of no interest.
    """

    def __init__(
        self, base: int, budget: Budget, *, limits: Limits = FOREIGN, wrapped: bool = False, read: int = 0
    ) -> None:
        self._base, self._budget, self._limits, self._wrapped = base, budget, limits, wrapped
        self._read = read
        self.begin_line()

    def begin_line(self) -> None:
        """Forget what is not whole."""
        self._brackets = Brackets()
        self._depth = 0
        self._ended = self._junk = False
        self._begin()

    def _begin(self, *, inside: bool = False) -> None:
        self._inside, self._content = inside, bytearray()
        self._length = self._deepest = self._values = 0

    def all_of(self, chunks: Iterator[bytes]) -> Iterator[Piece]:
        end = "The file ends in the middle of it, after {:,} bytes."
        try:
            for chunk in chunks:
                yield from self.feed(chunk)
        except CutShortError as error:
            end = str(error)
        end = end.format(self._read)
        yield from self.finish(end)
        if self._depth > 0 and not self._inside:
            yield Piece(b"", f"The list has no end. {end}")

    def feed(self, chunk: bytes) -> Iterator[Piece]:
        start = 0
        for at, opens in self._brackets.of(chunk):
            if not self._inside:
                self._between(chunk[start:at])
                start = at + 1
            if opens:
                if self._depth == self._base and not self._ended:
                    yield from self._stray()
                    self._begin(inside=True)
                    start = at
                self._open()
            elif self._close():
                self._keep(chunk[start : at + 1])
                yield self._piece()
                self._begin()
                start = at + 1
        (self._keep if self._inside else self._between)(chunk[start:])
        self._read += len(chunk)
        self._budget.check()

    def finish(self, end: str) -> Iterator[Piece]:
        yield from self._stray()
        if self._inside:
            yield Piece(b"", end)

    def _open(self) -> None:
        self._depth += 1
        self._values += 1
        self._budget.values -= 1
        self._deepest = max(self._deepest, self._depth - self._base)
        self._junk = self._junk or (self._ended and not self._wrapped)

    def _close(self) -> bool:
        """Whether a piece ends with this bracket."""
        self._depth = max(0, self._depth - 1)
        self._ended = self._ended or self._depth < self._base
        return self._inside and self._depth == self._base

    def _between(self, gap: bytes) -> None:
        if gap and not (self._wrapped and self._ended):
            self._junk = self._junk or bool(gap.translate(None, BLANK + b","))

    def _stray(self) -> Iterator[Piece]:
        if self._junk:
            self._junk = False
            yield Piece(b"", "Something stands here that is no conversation.")

    def _keep(self, part: bytes) -> None:
        self._length += len(part)
        if self._fault():
            self._content.clear()
        else:
            self._content += part

    def _piece(self) -> Piece:
        self._budget.pieces -= 1
        fault = self._fault()
        return Piece(b"" if fault else bytes(self._content), fault)

    def _fault(self) -> str:
        most = self._limits
        if self._length > most.length:
            return too_long(most)
        if self._deepest > most.nesting:
            return f"Its values are nested more than {most.nesting} deep."
        return f"It holds more than {most.values:,} values." if self._values > most.values else ""


def too_long(most: Limits) -> str:
    return f"It is longer than {most.length >> 20} MiB."
