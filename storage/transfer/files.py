"""Opening what is given: a file, or the files that matter in a ZIP archive. Nothing is ever unpacked onto the disk."""

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from storage.errors import TransferRefused
from storage.transfer.meter import Meter

MOST_BYTES = 4 << 30
"""Of all files of an archive that matter, unpacked. A file that is not packed is read however long it is."""

MOST_MEMBERS = 10_000
"""Files in an archive that matter. Those that don't (images, say) are counted by `MOST_DIRECTORY`."""

MOST_DIRECTORY = 16 << 20
"""Bytes of an archive's directory: some 100,000 names."""

MOST_RATIO = 200
"""How many times its size a file in an archive may unpack to: conversations do to 5 to 20 times."""

SPARED = 1 << 16
"""Bytes to which a file in an archive may unpack at any ratio."""

CHUNK = 1 << 16

_LARGE = 76
"""Bytes that stand before the end of an archive where its numbers need 64 bits."""

_CONVERSATIONS = re.compile(r"conversations(-\d+)?\.json", re.IGNORECASE)
_ANY = (".json", ".ndjson", ".jsonl")
_SQLITE = b"SQLite format 3\0"
_PACKED = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}


class CutShortError(Exception):
    """A file ends before its end, or is damaged there; in a sentence."""


@dataclass(frozen=True, slots=True)
class Part:
    """A file to read; `name` is "" where it is all there is."""

    name: str
    chunks: Iterator[bytes]


@contextmanager
def opened(path: Path, meter: Meter | None = None) -> Iterator[Iterator[Part]]:
    """The files to read, in order. Raises TransferRefused; their chunks raise CutShortError where they are damaged."""
    meter = meter or Meter()
    try:
        if not path.is_file():
            raise TransferRefused(f"There is no file “{path}”.")
        with path.open("rb") as file:
            begins = file.read(16)
            if begins.startswith((b"PK\3\4", b"PK\5\6")):
                with _archive(file, path.name) as archive:
                    members = _members(archive, path)
                    meter.total = sum(member.file_size for member in members)
                    yield (Part(one.filename, meter.over(_member_chunks(archive, one))) for one in members)
            else:
                meter.total = file.seek(0, 2)
                file.seek(0)
                yield iter([Part("", meter.over(iter(lambda: file.read(CHUNK), b"")))])
    except OSError as error:
        raise _unreadable(path, error) from error


def is_sqlite(path: Path) -> bool:
    """By how it begins; False where there is no such file. Raises TransferRefused."""
    try:
        with path.open("rb") as file:
            return file.read(len(_SQLITE)) == _SQLITE
    except (FileNotFoundError, IsADirectoryError):
        return False
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> TransferRefused:
    return TransferRefused(f"“{path.name}” can't be read: {error.strerror or error}.")


def _archive(file: IO[bytes], name: str) -> zipfile.ZipFile:
    if _directory_size(file) > MOST_DIRECTORY:
        raise TransferRefused(f"The archive “{name}” holds too many files.")
    try:
        return zipfile.ZipFile(file)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, struct.error) as error:
        raise TransferRefused(f"The archive “{name}” is not whole: get it again.") from error


def _directory_size(file: IO[bytes]) -> int:
    """As the archive's end states it: its reader would believe it and keep all of it in memory."""
    size = file.seek(0, 2)
    start = file.seek(max(0, size - (1 << 16) - 98))
    tail = file.read()
    file.seek(0)
    end = tail.rfind(b"PK\5\6")
    if end < 0 or len(tail) < end + 22:
        return 0
    stated: int = struct.unpack_from("<L", tail, end + 12)[0]
    if end >= _LARGE and tail[end - 20 :].startswith(b"PK\6\7"):
        stated = max(stated if stated < (1 << 32) - 1 else 0, struct.unpack_from("<Q", tail, end - _LARGE + 40)[0])
    return min(stated, start + end)


def _members(archive: zipfile.ZipFile, path: Path) -> list[zipfile.ZipInfo]:
    """The files with conversations by their names, else whatever is JSON. Their paths only tell them apart."""
    every = [member for member in archive.infolist() if _is_json(member)]
    named = [member for member in every if _CONVERSATIONS.fullmatch(PurePosixPath(member.filename).name)]
    chosen = sorted(named or every, key=lambda member: member.filename)
    if not chosen:
        raise TransferRefused(f"The archive “{path.name}” holds no JSON file.")
    if len(chosen) > MOST_MEMBERS:
        raise TransferRefused(f"The archive “{path.name}” holds more than {MOST_MEMBERS:,} JSON files.")
    if sum(member.compress_size for member in chosen) > path.stat().st_size:
        raise TransferRefused(f"The archive “{path.name}” is not whole: get it again.")
    if sum(member.file_size for member in chosen) > MOST_BYTES:
        raise TransferRefused(
            f"The archive “{path.name}” unpacks to more than {MOST_BYTES >> 30} GiB: unpack it first."
        )
    for member in chosen:
        _check_member(member, path)
    return chosen


def _is_json(member: zipfile.ZipInfo) -> bool:
    plain = PurePosixPath(member.filename)
    return plain.suffix.lower() in _ANY and not plain.name.startswith(".") and "__MACOSX" not in plain.parts


def _check_member(member: zipfile.ZipInfo, path: Path) -> None:
    if member.file_size > max(SPARED, MOST_RATIO * member.compress_size):
        raise TransferRefused(f"The archive “{path.name}” unpacks to far more than it is: it is no export.")
    if member.flag_bits & 1:
        raise TransferRefused(f"The archive “{path.name}” is locked with a password: unpack it first.")
    if member.compress_type not in _PACKED:
        raise TransferRefused(f"The archive “{path.name}” is packed in an unusual way: unpack it first.")


def _member_chunks(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    try:
        with archive.open(member) as file:
            while chunk := file.read(CHUNK):
                yield chunk
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError) as error:
        raise CutShortError("The archive is damaged here.") from error
