"""A zip file that is sent away while it is written."""

import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import IO

_READABLE = 0o644 << 16
_YEARS = range(1980, 2108)
"""Those that the format can say."""

_HUGE = 2**30


class _Collected:
    """A file that somebody empties while it is written."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._length = 0

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        self._length += len(data)
        return len(data)

    def tell(self) -> int:
        return self._length

    def flush(self) -> None:
        pass

    def taken(self) -> bytes:
        found, self._parts = b"".join(self._parts), []
        return found


class File:
    """What goes into the zip: the pieces of its content are asked for one after the other.

    `size` is about how many bytes there will be; `packed` says that it can't be packed any more.
    """

    def __init__(
        self, name: str, at: datetime, content: Iterable[bytes], *, size: int = 0, packed: bool = False
    ) -> None:
        self.content = content
        self.is_huge = size > _HUGE
        self.info = zipfile.ZipInfo(name, _moment(at))
        self.info.external_attr = _READABLE
        self.info.create_system = 3
        self.info.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED


def zipped(files: Iterable[File]) -> Iterator[bytes]:
    """The archive, in pieces; the same bytes for the same files."""
    collected = _Collected()
    with zipfile.ZipFile(_as_file(collected), "w") as archive:
        for file in files:
            with archive.open(file.info, "w", force_zip64=file.is_huge) as entry:
                for piece in file.content:
                    entry.write(piece)
                    yield collected.taken()
    yield collected.taken()


def _as_file(collected: _Collected) -> IO[bytes]:
    return collected  # type: ignore[return-value] # zipfile writes and tells, and no more


def _moment(at: datetime) -> tuple[int, int, int, int, int, int]:
    """In the nearest year that can be said, and always UTC's: a zip has no time zones."""
    at = at.astimezone(UTC)
    year = min(max(at.year, _YEARS[0]), _YEARS[-1])
    return year, at.month, min(at.day, 28) if year != at.year else at.day, at.hour, at.minute, at.second
