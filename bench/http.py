"""Two hundred replies at once over HTTP: sent, followed as events, and stored, by a server in a process of its own."""

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Self

from bench.fill import PROMPT
from bench.replies import CROWD, REPLIES, SPREAD, TOKENS, delays_of, pauses
from bench.wire import Token, Wire, tokens_of
from tests.browser import free_port

_DATA = b'data: {"text": '


def run() -> None:
    print(
        f"\n{REPLIES} replies at once over HTTP, begun over {SPREAD:.0f} s, {TOKENS} tokens each, 20 a second: delays "
        "from the model's server to the client in ms, memory of ours in MB"
    )
    columns = ("p50", "p95", "p99", "max", "complete", "stored", "before", "peak")
    print(f"{'':<18} {' '.join(f'{column:>8}' for column in columns)}")
    with Wire(CROWD) as wire, tempfile.TemporaryDirectory() as folder, _Server(folder, wire.url) as server:
        before = server.memory("VmRSS")
        read = asyncio.run(_crowd(server.port))
        delays = sorted(delay for tokens in read for delay in delays_of(tokens))
        shown = [delays[int(share * (len(delays) - 1))] for share in (0.5, 0.95, 0.99, 1)]
        complete = sum(len(tokens) == TOKENS for tokens in read)
        figures = (*shown, complete, server.stored(), before, server.memory("VmHWM"))
        print(f"{'over HTTP':<18} {' '.join(f'{figure:>8.4g}' for figure in figures)}")


class _Server:
    """`uvicorn api:app`, as a context manager."""

    def __init__(self, folder: str, ollama: str) -> None:
        self.port = free_port()
        self._environment = {
            **os.environ,
            "WINDOWSEAT_DATABASE_URL": f"sqlite:///{folder}/windowseat.db",
            "WINDOWSEAT_MODEL": f"ollama:{CROWD}",
            "OLLAMA_HOST": ollama,
        }

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "uvicorn", "api:app", f"--port={self.port}", "--log-level=warning"]
        self._process = subprocess.Popen(command, env=self._environment, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while True:
            try:
                self._ask("/health")
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            else:
                return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()

    def memory(self, which: str) -> float:
        """In MB."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        found = re.search(rf"{which}:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) / 1000

    def stored(self) -> int:
        """How many turns are complete and have all their tokens."""
        recent = self._ask(f"/v1/turns/recent?limit={REPLIES}")
        return sum(of["turn"]["status"] == "complete" and len(of["turn"]["reply"].split()) == TOKENS for of in recent)

    def _ask(self, path: str) -> list[dict[str, dict[str, str]]]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            found: list[dict[str, dict[str, str]]] = json.load(answer)
            return found


async def _crowd(port: int) -> list[list[Token]]:
    async with asyncio.TaskGroup() as group:
        tasks = []
        for number, pause in enumerate(pauses()):
            await asyncio.sleep(pause)
            tasks.append(group.create_task(_one(port, f"talk-{number}")))
    return [task.result() for task in tasks]


async def _one(port: int, session: str) -> list[Token]:
    """One client, as lean as one can be: the server and 200 of these share two cores."""
    await _post(port, "/v1/sessions", {"session_id": session})
    return await _post(port, f"/v1/sessions/{session}/turns", {"prompt": PROMPT}, "text/event-stream")


async def _post(port: int, path: str, body: dict[str, str], accept: str = "application/json") -> list[Token]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    sent = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: {accept}\r\n"
    writer.write(f"{head}Connection: close\r\nContent-Length: {len(sent)}\r\n\r\n".encode() + sent)
    status = await reader.readline()
    assert b" 201 " in status, status
    tokens: list[Token] = []
    while line := await reader.readline():
        if line.startswith(_DATA):
            tokens += tokens_of(json.loads(line.removeprefix(b"data: "))["text"])
    writer.close()
    return tokens
