"""A body on the disk: however large it is, memory holds a little of it."""

import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

PORTION = 1 << 20
"""Bytes that are written at once."""

NAME = "file sent over HTTP"
"""It is shown, in the library and where the file is refused: a body has no name of its own."""

_ON_DISK = Path("/var/tmp")  # noqa: S108 - a folder of our own is made in it
"""Where `/tmp` is memory, this is none."""


@asynccontextmanager
async def spooled(request: Request) -> AsyncIterator[Path]:
    """The body as a file, until the end of the block. Raises HTTPException where the disk has no room."""
    folder = await run_in_threadpool(_folder)
    try:
        path = Path(folder.name) / NAME
        await _write(request.stream(), path)
        yield path
    finally:
        await run_in_threadpool(folder.cleanup)


def _folder() -> tempfile.TemporaryDirectory[str]:
    try:
        usual = tempfile.gettempdir()
        where = _ON_DISK if usual == "/tmp" and os.access(_ON_DISK, os.W_OK) else usual  # noqa: S108
        return tempfile.TemporaryDirectory(prefix="windowseat-", dir=where, ignore_cleanup_errors=True)
    except OSError as error:
        raise _no_room(error) from error


async def _write(body: AsyncIterator[bytes], path: Path) -> None:
    try:
        with await run_in_threadpool(path.open, "wb") as file:
            async for portion in _portions(body):
                await run_in_threadpool(file.write, portion)
    except ClientDisconnect as error:
        raise HTTPException(400, "The connection broke before the end of the file: nothing was taken in.") from error
    except OSError as error:
        raise _no_room(error) from error


async def _portions(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    portion = bytearray()
    async for chunk in body:
        portion += chunk
        if len(portion) >= PORTION:
            yield bytes(portion)
            portion.clear()
    yield bytes(portion)


def _no_room(error: OSError) -> HTTPException:
    return HTTPException(507, f"The file can't be put on the disk to be read: {error.strerror or error}.")
