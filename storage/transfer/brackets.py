"""Where the objects and lists of a JSON text begin and end, found while it streams by, with nothing built."""

import re
from collections.abc import Iterator

# Possessive, so that no text makes them go back: the time is that of reading it once.
_STRING = rb'[^"\\]*+(?:\\.[^"\\]*+)*+'
_BETWEEN = re.compile(rb'(?:[^\[\]{}"]++|"' + _STRING + rb'")*+', re.DOTALL)
_REST_OF_STRING = re.compile(_STRING, re.DOTALL)
_QUOTE = ord('"')


class Brackets:
    """Remembers between chunks whether it is inside of a string."""

    def __init__(self) -> None:
        self._inside = self._escaped = False

    def of(self, chunk: bytes) -> Iterator[tuple[int, bool]]:
        """The place of each bracket outside of strings, and whether it opens. The chunk must be read to its end."""
        at = 1 if self._escaped and chunk else 0
        self._escaped = self._escaped and not chunk
        if self._inside:
            at = self._leave(chunk, at)
        while at < len(chunk):
            at = _end(_BETWEEN, chunk, at)
            if at == len(chunk):
                return
            if chunk[at] == _QUOTE:
                at = self._leave(chunk, at + 1)
            else:
                yield at, chunk[at] in b"[{"
                at += 1

    def _leave(self, chunk: bytes, at: int) -> int:
        """Go to the end of the string, which may lie in a later chunk."""
        at = _end(_REST_OF_STRING, chunk, at)
        self._inside = at == len(chunk) or chunk[at] != _QUOTE
        self._escaped = self._inside and at < len(chunk)
        return len(chunk) if self._inside else at + 1


def _end(pattern: re.Pattern[bytes], chunk: bytes, at: int) -> int:
    found = pattern.match(chunk, at)
    return found.end() if found else at
