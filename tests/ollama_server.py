"""A loopback server that speaks Ollama's own HTTP, with faults on demand; fakes stand at the wire and nowhere else.

python -m tests.ollama_server --port 11434      # to try the page without Ollama
"""

import argparse
import json
import select
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class Fault(Enum):
    """What goes wrong with a chat."""

    ERROR_FIRST = auto()  # 500 instead of a stream
    ERROR_MIDWAY = auto()  # {"error": ...} as a line of a stream that began with 200
    CUT = auto()  # the connection breaks in mid-stream
    NO_LAST_LINE = auto()  # the stream ends properly, but without its "done"
    LENGTH = auto()  # the server ends the answer at the end of its context
    BUSY = auto()  # 503: the queue is full
    NONSENSE = auto()  # a line that is no JSON


@dataclass
class Model:
    """A model on the server's disk."""

    size: int = 2_000_000_000
    modified_at: datetime = datetime(2026, 11, 1, tzinfo=UTC)
    capabilities: tuple[str, ...] = ("completion", "tools")
    context_length: int = 131_072


@dataclass
class Script:
    """How the server behaves. A test sets it at any time; what came in is in `chats` and `hang_ups`."""

    models: dict[str, Model] = field(default_factory=lambda: {"llama3.2:3b": Model()})
    words: tuple[str, ...] = ("Lisbon ", "is ", "lovely ", "in ", "May.")
    pause: float = 0.0
    loading: float = 0.0
    fault: Fault | None = None
    loaded: set[str] = field(default_factory=set)
    chats: list[dict[str, Any]] = field(default_factory=list)
    hang_ups: list[float] = field(default_factory=list)


class OllamaServer:
    """The server, on a port of its own, as a context manager."""

    def __init__(self, script: Script | None = None, port: int = 0) -> None:
        self.script = script or Script()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self.script))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(script: Script) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        pass

    Handler.script = script
    return Handler


class _Handler(BaseHTTPRequestHandler):
    script: Script
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        match self.path:
            case "/":
                self._answer(200, "Ollama is running")
            case "/api/version":
                self._answer(200, {"version": "0.13.0"})
            case "/api/tags":
                self._answer(200, {"models": [self._tag(name) for name in self.script.models]})
            case "/api/ps":
                self._answer(200, {"models": [self._process(name) for name in sorted(self.script.loaded)]})
            case _:
                self._answer(404, "404 page not found")

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
        match self.path:
            case "/api/show":
                self._show(body)
            case "/api/chat":
                self._chat(body)
            case _:
                self._answer(404, "404 page not found")

    def _tag(self, name: str) -> dict[str, Any]:
        model = self.script.models[name]
        return {
            "name": name,
            "model": name,
            "modified_at": model.modified_at.isoformat(),
            "size": model.size,
            "digest": f"{hash(name) & 0xFFFFFFFF:064x}",
            "details": {"format": "gguf", "family": "llama", "families": ["llama"], "parameter_size": "3.2B"},
        }

    def _process(self, name: str) -> dict[str, Any]:
        size = self.script.models[name].size
        return {**self._tag(name), "size_vram": size, "context_length": 4096, "expires_at": _now()}

    def _show(self, body: dict[str, Any]) -> None:
        model = self.script.models.get(body["model"])
        if model is None:
            self._answer(404, {"error": f"model '{body['model']}' not found"})
            return
        info = {"general.architecture": "llama", "llama.context_length": model.context_length}
        self._answer(200, {"capabilities": list(model.capabilities), "model_info": info, "details": {}})

    def _chat(self, body: dict[str, Any]) -> None:
        self.script.chats.append(body)
        name, fault = body["model"], self.script.fault
        if name not in self.script.models:
            self._answer(404, {"error": f"model '{name}' not found"})
        elif fault is Fault.BUSY:
            self._answer(503, {"error": "server busy, please try again.  maximum pending requests exceeded"})
        elif fault is Fault.ERROR_FIRST:
            self._answer(500, {"error": "llama runner process has terminated: exit status 2"})
        else:
            if name not in self.script.loaded:
                self._rest(self.script.loading)
                self.script.loaded.add(name)
            self._stream(name, len(body["messages"]))

    def _stream(self, name: str, messages: int) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            self._stream_lines(name, messages)
        except (BrokenPipeError, ConnectionResetError):
            self._hung_up()

    def _stream_lines(self, name: str, messages: int) -> None:
        words, fault = self.script.words, self.script.fault
        for place, word in enumerate(words):
            if place and place == len(words) // 2 and fault is not None and self._fail(fault):
                return
            self._rest(self.script.pause)
            self._line({"model": name, "created_at": _now(), "message": {"role": "assistant", "content": word}})
        if fault is not Fault.NO_LAST_LINE:
            last = _last_line(name, messages, len(words))
            self._line(last | {"done_reason": "length"} if fault is Fault.LENGTH else last)
        self.wfile.write(b"0\r\n\r\n")

    def _fail(self, fault: Fault) -> bool:
        """Fail in mid-stream; True where nothing more is to be sent."""
        match fault:
            case Fault.ERROR_MIDWAY:
                self._line({"error": "an error was encountered while running the model: CUDA out of memory"})
                self.wfile.write(b"0\r\n\r\n")
            case Fault.CUT:
                self.close_connection = True
                self.connection.close()
            case Fault.NONSENSE:
                self._raw(b"<html>Bad gateway</html>\n")
                self.wfile.write(b"0\r\n\r\n")
            case _:
                return False
        return True

    def _line(self, content: dict[str, Any]) -> None:
        self._raw(json.dumps({"done": False, **content} if "error" not in content else content).encode() + b"\n")

    def _raw(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def _rest(self, seconds: float) -> None:
        """Wait, and notice when the client hangs up meanwhile."""
        readable, _, _ = select.select([self.connection], [], [], seconds)
        if readable:
            raise ConnectionResetError

    def _hung_up(self) -> None:
        self.script.hang_ups.append(time.monotonic())
        self.close_connection = True

    def _answer(self, status: int, content: dict[str, Any] | str) -> None:
        data = (content if isinstance(content, str) else json.dumps(content)).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain" if isinstance(content, str) else "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def handle(self) -> None:
        try:
            super().handle()
        except (ConnectionResetError, BrokenPipeError, ValueError):
            self._hung_up()

    def log_message(self, *_: object) -> None:
        """Say nothing: the tests' own output is enough."""


def _last_line(name: str, messages: int, words: int) -> dict[str, Any]:
    return {
        "model": name,
        "created_at": _now(),
        "message": {"role": "assistant", "content": ""},
        "done": True,
        "done_reason": "stop",
        "total_duration": 1_000_000_000,
        "load_duration": 1_000_000,
        "prompt_eval_count": 10 * messages,
        "prompt_eval_duration": 100_000_000,
        "eval_count": words,
        "eval_duration": 800_000_000,
    }


def _now() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve a pretended Ollama on loopback.")
    parser.add_argument("--port", type=int, default=11434)
    parser.add_argument("--pause", type=float, default=0.05, help="seconds between two words")
    parser.add_argument("--loading", type=float, default=3.0, help="seconds to load a model")
    options = parser.parse_args()
    words = tuple(f"{word} " for word in ("Paragraph with **bold** words.\n\n" * 20).split(" "))
    script = Script(words=words, pause=options.pause, loading=options.loading)
    with OllamaServer(script, options.port) as server:
        print(f"Pretending to be Ollama at {server.url}; end with Ctrl+C.")
        threading.Event().wait()


if __name__ == "__main__":
    main()
