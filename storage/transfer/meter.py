"""How far reading has come."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(slots=True)
class Meter:
    """Of bytes of a file, or of the unpacked files of an archive, or of rows of a table. Any thread may look at it.

    `total` is 0 until it is known. At the end `done` is `total`.
    """

    done: int = 0
    total: int = 0

    def over(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """The same chunks, counted when the next one is asked for."""
        for chunk in chunks:
            yield chunk
            self.done += len(chunk)
