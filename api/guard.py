"""What stands before every route: host names, foreign pages, size and kind of bodies, headers, a number."""

import re
import uuid
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent import WindowseatError, is_loopback
from api.bodies import Bodies, has_body
from api.logs import Log
from api.problems import MEDIA_TYPE, Refused, plain_problem

_NO_HOST = re.compile(r"[^\w.:\[\]-]")
_SAFE = {"GET", "HEAD", "OPTIONS"}
_OURS = {"same-origin", "none"}
"""What a browser says of where a request comes from, where that is our own page or the person."""

SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
NOTHING = "default-src 'none'; frame-ancestors 'none'"
DOCS = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "frame-ancestors 'none'"
)


class Hosts:
    """Refuses names that are not in the list: another one that leads here was made to lead here (DNS rebinding)."""

    def __init__(self, app: ASGIApp, names: Iterable[str]) -> None:
        self._app = app
        self._names = {"localhost", *(_named(name.strip()) for name in names if name.strip())}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"} or self._serves(Headers(scope=scope).get("host", "")):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await _refuse(send, 403, "This host name is not served here: add it to WINDOWSEAT_HOSTS if it is yours.")

    def _serves(self, host: str) -> bool:
        name = host_name(host)
        return name in self._names or is_loopback(name)


class Guard:
    """Refuses what foreign pages send and bodies that no route takes, and sets the headers of all answers."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        bodies: Callable[[Scope], Bodies],
        log: Log,
        admit: Callable[[Scope, Headers], object],
    ) -> None:
        """`bodies` says what a request may bring; `admit` raises WindowseatError for who may not come in."""
        self._app = app
        self._admit = admit
        self._bodies = bodies
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = scope.setdefault("state", {})["request_id"] = uuid.uuid4().hex
        send = _with_headers(send, request_id, is_docs=str(scope["path"]).rstrip("/").endswith("/docs"))
        with self._log.request(scope, request_id) as note:
            send = note.taking(send)
            bodies = self._bodies(scope)
            refusal = _foreign(scope["method"], headers) or bodies.refusal(headers)
            if refusal:
                await _refuse(send, *refusal)
                return
            if has_body(headers):
                receive = bodies.bounded(self._for_friends(scope, headers, receive))
            await self._app(scope, receive, send)

    def _for_friends(self, scope: Scope, headers: Headers, receive: Receive) -> Receive:
        """Asks who comes before their body is read: it may be large, and a framework reads it first of all."""
        asked = False

        async def after_admission() -> Message:
            nonlocal asked
            if not asked:
                asked = True
                try:
                    await run_in_threadpool(self._admit, scope, headers)
                except WindowseatError as error:
                    raise Refused(error) from error
            return await receive()

        return after_admission


def _foreign(method: str, headers: Headers) -> tuple[int, str] | None:
    """The status and the sentence, where a page of somebody else's would change something."""
    if method in _SAFE or is_own(headers):
        return None
    return 403, "Only pages of this server may change anything: this came from another one."


def is_own(headers: Headers) -> bool:
    """Whether it comes from a page of our own, or from no page at all."""
    if headers.get("sec-fetch-site", "none") not in _OURS:
        return False
    origin = headers.get("origin")
    return origin is None or _place(origin) == headers.get("host", "").lower()


def _place(origin: str) -> str:
    """Host and port; "" where it names none."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _named(given: str) -> str:
    """A name as a person may write it: with a port, in brackets, or as a whole address."""
    host = urlsplit(given).netloc if "://" in given else given
    return host_name(f"[{host}]" if host.count(":") > 1 and "[" not in host else host)


def host_name(host: str) -> str:
    """That of a Host header, without its port; "" where it is none."""
    if _NO_HOST.search(host):
        return ""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _with_headers(send: Send, request_id: str, *, is_docs: bool) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["X-Request-Id"] = request_id
            headers["Content-Security-Policy"] = DOCS if is_docs else NOTHING
            for name, value in SECURITY.items():
                headers.setdefault(name, value)
        await send(message)

    return sending


async def _refuse(send: Send, status: int, sentence: str) -> None:
    body = plain_problem(status, sentence).model_dump_json(exclude_none=True).encode()
    said = {
        "Content-Type": MEDIA_TYPE,
        "Content-Length": str(len(body)),
        "Content-Security-Policy": NOTHING,
        **SECURITY,
    }
    headers = [(name.lower().encode(), value.encode()) for name, value in said.items()]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
