"""An export as the answer to a request: a file that a browser saves, sent while it is made."""

import re
from collections.abc import AsyncIterator, Iterable, Iterator
from urllib.parse import quote

from fastapi.concurrency import iterate_in_threadpool, run_in_threadpool
from fastapi.responses import StreamingResponse

from agent import Export, WindowseatError
from api.problems import BrokenOff

_NOT_PLAIN = re.compile(r"[^A-Za-z0-9_. -]")


PORTION = 1 << 16
"""Bytes that are sent at once: to send takes far longer than to make a line, as a form gives them out."""


async def attachment(export: Export) -> StreamingResponse:
    """The file, of a length that nobody knows yet; it ends well only if it is whole.

    Raises StoreError and TransferRefused where it can't even begin.
    """
    pieces = _portions(export)
    first = await run_in_threadpool(next, pieces, b"")
    headers = {"Content-Disposition": disposition(export.file_name)}
    return StreamingResponse(_sent(first, pieces), media_type=export.media_type, headers=headers)


def _portions(pieces: Iterable[bytes]) -> Iterator[bytes]:
    waiting: list[bytes] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece)
        if size >= PORTION:
            yield b"".join(waiting)
            waiting, size = [], 0
    yield b"".join(waiting)


async def _sent(first: bytes, rest: Iterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    try:
        async for piece in iterate_in_threadpool(rest):
            yield piece
    except WindowseatError as error:
        raise BrokenOff(type(error).__name__) from None


def disposition(file_name: str) -> str:
    """`Content-Disposition` (RFC 6266): a plain name too, for those who can't read the other."""
    plain = _NOT_PLAIN.sub("_", file_name)
    said = f'attachment; filename="{plain}"'
    return said if plain == file_name else f"{said}; filename*=UTF-8''{quote(file_name, safe='')}"
