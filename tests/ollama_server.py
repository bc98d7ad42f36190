"""A loopback server that speaks Ollama's own HTTP, with faults on demand; fakes stand at the wire and nowhere else.

python -m tests.ollama_server --port 11434      # to try the page without Ollama
"""

import argparse
import json
import socket
import sys
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain
from typing import Any, Self

from tests.ollama_lines import as_json, asked_in, chat_line, last_line, layers_of, shown, tag_of, written
from tests.ollama_memory import Memory
from tests.ollama_script import (
    INSTEAD,
    MIDWAY,
    Fault,
    Json,
    Model,
    Refused,
    Script,
    check,
    check_images,
    keep_of,
    spelled,
    tokens_of,
)

__all__ = ["Fault", "Model", "OllamaServer", "Script", "tokens_of"]


class OllamaServer:
    """The server, on a port of its own, as a context manager."""

    def __init__(self, script: Script | None = None, port: int = 0) -> None:
        self.script = script or Script()
        self._server = _Server(self.script, port)
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


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256  # with the usual 5, chats that begin at once would wait for each other

    def __init__(self, script: Script, port: int) -> None:
        self.script = script
        self.memory = Memory(script)
        self.closing = False
        self._connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Break off what is still open, as a process that ends does."""
        self.closing = True
        super().server_close()
        for connection in self._connections.copy():
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _CutOff(Exception):
    """The connection is to break here."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        match self.path:
            case "/":
                self._answer(200, "Ollama is running")
            case "/api/version":
                self.script.version_count += 1
                self._answer(200, {"version": "0.13.0"})
            case "/api/tags":
                self._answer(200, {"models": self._tags()})
            case "/api/ps":
                self.script.ps_count += 1
                self._answer(200, {"models": self._processes()})
            case _:
                self._answer(404, "404 page not found")

    def do_POST(self) -> None:
        try:
            self._post(self._body())
        except Refused as refused:
            self._answer(refused.status, {"error": refused.error})

    def do_DELETE(self) -> None:
        try:
            self._delete(self._body())
        except Refused as refused:
            self._answer(refused.status, {"error": refused.error})

    def _post(self, body: Json) -> None:
        match self.path:
            case "/api/show":
                self._show(body)
            case "/api/chat":
                self._chat(body)
            case "/api/generate":
                self._generate(body)
            case "/api/pull":
                self._pull(body)
            case _:
                self._answer(404, "404 page not found")

    def _tags(self) -> list[Json]:
        newest = sorted(self.script.models.items(), key=lambda named: named[1].modified_at, reverse=True)
        return [tag_of(name, model) for name, model in newest]

    def _processes(self) -> list[Json]:
        models = self.script.models
        return [
            tag_of(name, models[name])
            | {"size_vram": models[name].size, "context_length": context, "expires_at": written(expires)}
            for name, context, expires in self.server.memory.now()
            if name in models
        ]

    def _show(self, body: Json) -> None:
        asked = asked_in(body)
        self.script.shows.append(asked)
        name, model = self.script.find(asked)
        self._answer(200, shown(name, model))

    def _delete(self, body: Json) -> None:
        if self.path != "/api/delete":
            self._answer(404, "404 page not found")
            return
        name, _ = self.script.find(asked_in(body))
        self.script.forget(name)
        self._answer(200, "")

    def _chat(self, body: Json) -> None:
        messages = body.get("messages")
        (self.script.chats if messages else self.script.controls).append(body)
        with self._noticing(self.script.hang_ups):
            if messages:
                self._reply(body)
            else:
                self._control(body, {"message": {"role": "assistant", "content": ""}})

    def _generate(self, body: Json) -> None:
        if body.get("prompt"):
            raise Refused(501, "this server generates at /api/chat only")
        self.script.controls.append(body)
        with self._noticing(self.script.hang_ups):
            self._control(body, {"response": ""})

    def _control(self, body: Json, nothing: Json) -> None:
        """Load the model, or take it out of memory. Ollama answers as plain JSON, whatever `stream` says."""
        asked = asked_in(body)
        name, model = self.script.find(asked)
        if keep_of(body) == 0:
            self.server.memory.unload(name)
            reason = "unload"
        else:
            with self._loaded(name, model, body):
                reason = "load"
        self._answer(200, chat_line(asked, **nothing, done=True, done_reason=reason))

    def _reply(self, body: Json) -> None:
        name, model = self.script.find(asked_in(body))
        began = time.monotonic_ns()
        with self._loaded(name, model, body) as context:
            messages = self.script.fit(body["messages"], context)
            check_images(messages, model)
            used = min(self.script.tokens_of(messages), context)
            lines = self._lines(body, model, used, began)
            if body.get("stream") is False:
                self._send_whole(lines)
            else:
                self._send_stream(lines)

    @contextmanager
    def _loaded(self, name: str, model: Model, body: Json) -> Iterator[int]:
        """Have the model in memory, with the context length that comes out."""
        check(asked_in(body), model, body)
        keep = keep_of(body)
        self._fail_first()
        context = self.script.context_of(model, body)
        with self.server.memory.using(name, context, keep, self._rest):
            yield context

    def _fail_first(self) -> None:
        fault = self.script.fault
        if fault is Fault.SILENT_FIRST:
            self._wait_for_hang_up()
        if fault in INSTEAD:
            raise Refused(*INSTEAD[fault])

    def _lines(self, body: Json, model: Model, used: int, began: int) -> Iterator[Json | bytes]:
        """An answer's lines, at the script's pace, with what goes wrong midway."""
        asked, fault = asked_in(body), self.script.fault
        thoughts, words, reason = self.script.answer(model, body)
        pieces = [{"content": "", "thinking": word} for word in thoughts] + [{"content": word} for word in words]
        middle = len(thoughts) + max(len(words) // 2, min(len(words), 1))
        loaded = time.monotonic_ns()
        for place, piece in enumerate([*pieces, None]):
            if place == middle and fault in MIDWAY:
                yield from self._fail_midway(fault)
                return
            if piece is not None:
                self._rest(self.script.pause)
                yield chat_line(asked, message={"role": "assistant", **piece}, done=False)
        if fault is not Fault.NO_LAST_LINE:
            answered = time.monotonic_ns() - loaded
            yield last_line(asked, reason, used=used, said=len(pieces), load=loaded - began, answer=answered)

    def _fail_midway(self, fault: Fault | None) -> Iterator[Json | bytes]:
        match fault:
            case Fault.ERROR_MIDWAY:
                yield {"error": "an error was encountered while running the model: CUDA out of memory"}
            case Fault.NONSENSE:
                yield b"<html>Bad gateway</html>"
            case Fault.SILENT_MIDWAY:
                self._wait_for_hang_up()
            case _:
                raise _CutOff

    def _pull(self, body: Json) -> None:
        with self._noticing(self.script.pull_hang_ups):
            lines = self._pull_lines(asked_in(body))
            if body.get("stream") is False:
                self._send_last(lines)
            else:
                self._send_stream(lines)

    def _pull_lines(self, asked: str) -> Iterator[Json]:
        yield {"status": "pulling manifest"}
        name = spelled(self.script.pullable, asked)
        if name is None:
            yield {"error": "pull model manifest: file does not exist"}
            return
        if not (yield from self._download(name)):
            yield {"error": "max retries exceeded: EOF"}
            return
        yield {"status": "verifying sha256 digest"}
        yield {"status": "writing manifest"}
        size = self.script.pullable[name]
        self.script.models[spelled(self.script.models, name) or name] = Model(size=size, modified_at=datetime.now(UTC))
        yield {"status": "success"}

    def _download(self, name: str) -> Generator[Json, None, bool]:
        """Go on where the last download of the model stopped; False where it breaks."""
        script = self.script
        total = script.pullable[name]
        for layer in layers_of(name, total):
            yield layer.progress(script.downloaded.get(name, 0))
            while (come := script.downloaded.get(name, 0)) < layer.start + layer.size:
                self._rest(script.pull_pause)
                if script.fault is Fault.PULL_BROKEN and come >= total / 2:
                    return False
                script.downloaded[name] = min(come + script.pull_step, layer.start + layer.size)
                yield layer.progress(script.downloaded[name])
        return True

    def _send_stream(self, lines: Iterator[Json] | Iterator[Json | bytes]) -> None:
        """Send each line as it comes. Like Ollama's, the headers wait for the first."""
        try:
            first = next(lines, None)
            if isinstance(first, dict) and "error" in first:
                raise Refused(500, first["error"])
            self._begin_stream()
            for line in chain([first] if first is not None else [], lines):
                self._chunk(line if isinstance(line, bytes) else as_json(line))
        except _CutOff:
            self.close_connection = True
            return
        with suppress(ConnectionError):  # who hangs up now has the whole answer
            self.wfile.write(b"0\r\n\r\n")

    def _begin_stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _chunk(self, line: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\n\r\n" % (len(line) + 1, line))

    def _send_whole(self, lines: Iterator[Json | bytes]) -> None:
        """Send all of a chat's lines as one, when the last has come."""
        whole: Json = {}
        said: Json = {"content": "", "thinking": ""}
        try:
            for line in lines:
                if isinstance(line, bytes):
                    self._answer(200, line.decode())
                    return
                if "error" in line:
                    raise Refused(500, line["error"])
                whole = line
                said = {kind: text + line["message"].get(kind, "") for kind, text in said.items()}
        except _CutOff:
            self.close_connection = True
            return
        thinking = {"thinking": said["thinking"]} if said["thinking"] else {}
        message = {"role": "assistant", "content": said["content"], **thinking}
        self._answer(200, whole | {"message": message})

    def _send_last(self, lines: Iterator[Json]) -> None:
        *_, last = lines
        if "error" in last:
            raise Refused(500, last["error"])
        self._answer(200, last)

    def _rest(self, seconds: float) -> None:
        """Wait, and notice when the client hangs up meanwhile."""
        until = time.monotonic() + seconds
        self.connection.settimeout(seconds)
        try:
            if not self.connection.recv(1, socket.MSG_PEEK):
                raise ConnectionResetError
        except (TimeoutError, BlockingIOError):
            return
        finally:
            self.connection.settimeout(None)
        time.sleep(max(until - time.monotonic(), 0))

    def _wait_for_hang_up(self) -> None:
        while True:
            self._rest(60)

    @contextmanager
    def _noticing(self, hang_ups: list[float]) -> Iterator[None]:
        try:
            yield
        except ConnectionError:
            self.close_connection = True
            if not self.server.closing:
                hang_ups.append(time.monotonic())

    def _body(self) -> Json:
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not data:
            raise Refused(400, "missing request body")
        try:
            body: Json = json.loads(data)
        except ValueError as error:
            raise Refused(400, str(error)) from error
        return body

    def _answer(self, status: int, content: Json | str) -> None:
        data = content.encode() if isinstance(content, str) else as_json(content)
        self.send_response(status)
        self.send_header("Content-Type", "text/plain" if isinstance(content, str) else "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    @property
    def script(self) -> Script:
        return self.server.script

    def handle(self) -> None:
        with suppress(ConnectionError):  # between two requests, or with an answer that nobody waits for any more
            super().handle()

    def log_message(self, *_: object) -> None:
        """Say nothing: the tests' own output is enough."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve a pretended Ollama on loopback.")
    parser.add_argument("--port", type=int, default=11434)
    parser.add_argument("--pause", type=float, default=0.05, help="seconds between two words")
    parser.add_argument("--loading", type=float, default=3.0, help="seconds to load a model")
    options = parser.parse_args()
    words = tuple(f"{word} " for word in ("Paragraph with **bold** words.\n\n" * 20).split(" "))
    script = Script(
        words=words,
        pause=options.pause,
        loading=options.loading,
        models={
            "llama3.2:3b": Model(),
            "qwen3:8b": Model(size=5_200_000_000, capabilities=("completion", "tools", "thinking")),
            "llava:7b": Model(size=4_700_000_000, capabilities=("completion", "vision")),
        },
        thoughts=("The person ", "wants to see ", "how this looks, ", "so let me write ", "some paragraphs."),
        pullable={"mistral:7b": 4_100_000_000},
        pull_pause=0.3,
    )
    try:
        server = OllamaServer(script, options.port)
    except OSError as error:
        sys.exit(f"Port {options.port} can't be had ({error.strerror}): choose another with --port.")
    with server:
        print(f"Pretending to be Ollama at {server.url}; end with Ctrl+C.")
        threading.Event().wait()


if __name__ == "__main__":
    main()
