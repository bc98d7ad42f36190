"""A process of its own that speaks enough of Ollama's HTTP, at a pace that the model's name tells.

`wire:100x200` answers with 200 tokens at 100 a second, `wire:0x200` as quickly as it can. A token's text is the time
when it was written, by the clock that all processes share, so that whoever reads it can tell how long it took.
"""

import asyncio
import json
import re
import subprocess
import sys
import time
from contextlib import suppress
from functools import partial
from typing import Any, NamedTuple, Self

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\n%s\r\n\r\n"
_AT = "2026-01-01T00:00:00Z"


class Wire:
    """The server, as a context manager; `models` are those on its disk and in its memory."""

    def __init__(self, *models: str) -> None:
        self._models = models

    def __enter__(self) -> Self:
        # It ends with its input, so also where nobody is left to end it.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.wire", *self._models], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()


class Token(NamedTuple):
    """When it was written and when it was read, in ns."""

    written: int
    read: int


def tokens_of(text: str) -> list[Token]:
    """Those of a text that is read now."""
    now = time.monotonic_ns()
    return [Token(int(word), now) for word in text.split()]


async def _serve(models: list[str]) -> None:
    server = await asyncio.start_server(partial(_converse, models), "127.0.0.1", 0, backlog=1024)
    async with server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.read)


async def _converse(models: list[str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer what comes on one connection until the client closes it."""
    with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
        while True:
            path, body = await _request(reader)
            if path == "/api/chat":
                await _stream(body["model"], writer)
            else:
                kind, answer = _answer(path, models)
                writer.write(_HEAD % (kind, b"Content-Length: %d" % len(answer)) + answer)
    writer.close()


async def _request(reader: asyncio.StreamReader) -> tuple[str, dict[str, Any]]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    length = re.search(r"\ncontent-length: *(\d+)", head, re.IGNORECASE)
    body = await reader.readexactly(int(length[1])) if length else b""
    return head.split(" ", 2)[1], json.loads(body or b"{}")


def _answer(path: str, models: list[str]) -> tuple[bytes, bytes]:
    """The kind of content, and the content."""
    about = [{"name": name, "model": name, "modified_at": _AT, "size": 1, "context_length": 8192} for name in models]
    known: dict[str, Any] = {
        "/api/show": {
            "capabilities": ["completion"],
            "model_info": {"general.architecture": "llama", "llama.context_length": 131_072},
        },
        "/api/tags": {"models": about},
        "/api/ps": {"models": about},
    }
    return (b"application/json", json.dumps(known[path]).encode()) if path in known else (b"text/plain", _RUNS)


_RUNS = b"Ollama is running"


async def _stream(model: str, writer: asyncio.StreamWriter) -> None:
    rate, count = map(int, model.removeprefix("wire:").split("x"))
    start, end = _line(model, "TOKEN").split(b"TOKEN")
    writer.write(_HEAD % (b"application/x-ndjson", b"Transfer-Encoding: chunked"))
    began = time.monotonic()
    for number in range(count):
        if rate:
            # To a deadline and not for a while, so that what is late once is not late for ever.
            await asyncio.sleep(began + number / rate - time.monotonic())
        writer.write(_chunk(b"%b%d %b" % (start, time.monotonic_ns(), end)))
        await writer.drain()
    counts = {"done": True, "done_reason": "stop", "prompt_eval_count": 50, "eval_count": count}
    writer.write(_chunk(_line(model, "", **counts)) + _chunk(b""))


def _line(model: str, content: str, **more: Any) -> bytes:
    message = {"role": "assistant", "content": content}
    line = {"model": model, "created_at": _AT, "message": message, "done": False, **more}
    return json.dumps(line).encode() + b"\n"


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1:]))
