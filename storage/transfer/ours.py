"""The sessions of a file that we wrote: a session a line, until a line is none; from there on by their brackets."""

from collections.abc import Iterator
from itertools import chain

from storage.transfer.cutting import OWN, Budget, Cut, Piece
from storage.transfer.files import CutShortError

_BEGINS, _ENDS = b'{"session_id":', b"},"

LONGEST_LINE = 64 << 20
"""Bytes of a line that is held before its end is seen."""


def sessions_in(begins: bytes, rest: Iterator[bytes], read: int) -> Iterator[Piece]:
    """Those of the list that `begins` begins with, after `read` bytes of the file.

    As we write them, it costs nothing but finding the ends of lines; any other way of writing them costs some time.
    """
    budget, lines = Budget.own(), _Lines(begins[1:], rest)
    for line in lines.whole():
        budget.pieces -= 1
        budget.check()
        yield Piece(line, own=True)
    cut = Cut(1, budget, limits=OWN, wrapped=True, read=read + lines.read)
    for piece in cut.all_of(chain([b"[" + lines.left], lines.rest)):
        yield piece._replace(own=True)


class _Lines:
    """What follows the beginning of a list. `left` and `rest` are what is left of it after the lines."""

    def __init__(self, begins: bytes, rest: Iterator[bytes]) -> None:
        self.left, self.rest = begins, rest
        self.read = 0

    def whole(self) -> Iterator[bytes]:
        """The lines that hold a session that another one follows."""
        if not self.left.startswith(b"\n" + _BEGINS):
            return
        held: list[bytes] = []
        length, self.read = 0, 1
        try:
            for chunk in chain([self.left[1:]], self.rest):
                *ends, begun = chunk.split(b"\n")
                for place, end in enumerate(ends):
                    line = b"".join([*held, end])
                    if not (line.startswith(_BEGINS) and line.endswith(_ENDS)):
                        self.left = b"\n".join([line, *ends[place + 1 :], begun])
                        return
                    self.read += len(line) + 1
                    yield line[: 1 - len(_ENDS)]
                    held, length = [], 0
                held.append(begun)
                length += len(begun)
                if length > LONGEST_LINE:
                    break
        except CutShortError as error:
            self.rest = _Broken(error)
        self.left = b"".join(held)


class _Broken(Iterator[bytes]):
    """Where reading broke off: it does so again for whoever reads on."""

    def __init__(self, error: CutShortError) -> None:
        self._error = error

    def __next__(self) -> bytes:
        raise self._error
