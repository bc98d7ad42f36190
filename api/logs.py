"""One line of JSON a request: what was asked of which route, by whom, how it ended and how long it took.

Neither what was said nor keys nor the words of a search are in it: of an address only the route's pattern.
"""

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import structlog
from starlette.types import Message, Scope, Send

from api.problems import BrokenOff

if TYPE_CHECKING:
    from api.metrics import Metrics

UNKNOWN = "(none)"
"""For a path or method that is none of ours: whatever a stranger writes there stays out of logs and figures."""

_METHODS = {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"}


class Note:
    """What is known of one request."""

    def __init__(self) -> None:
        self.status = 0
        self.answered = False

    def taking(self, send: Send) -> Send:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
            await send(message)
            self.answered = message["type"] == "http.response.body" and not message.get("more_body")

        return sending


class Log:
    """Writes to standard error, and counts."""

    def __init__(self, metrics: "Metrics") -> None:
        # Uvicorn's own line has the whole address in it, with the words of a search.
        logging.getLogger("uvicorn.access").disabled = True
        self._metrics = metrics
        self._log = structlog.wrap_logger(
            structlog.WriteLogger(sys.stderr),
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )

    def _say(self, event: str, **fields: Any) -> None:
        say = {"mistake": self._log.exception, "broken_off": self._log.warning}.get(event, self._log.info)
        with suppress(OSError, ValueError):  # Nobody may be left at the other end of standard error.
            say(event, **fields)

    @contextmanager
    def request(self, scope: Scope, request_id: str) -> Iterator[Note]:
        """Follow a request. A mistake ends here if it was answered: further out, it would only break the connection."""
        note, began = Note(), time.monotonic()
        try:
            yield note
        except Exception as error:
            more = {"error": str(error)} if isinstance(error, BrokenOff) else {}
            self._say("broken_off" if more else "mistake", request_id=request_id, route=route_of(scope), **more)
            note.status = note.status or 500
            if not note.answered:
                raise
        finally:
            took = time.monotonic() - began
            method = scope["method"] if scope["method"] in _METHODS else UNKNOWN
            self._metrics.count_request(method, route_of(scope), note.status, took)
            self._say(
                "request",
                request_id=request_id,
                method=method,
                route=route_of(scope),
                status=note.status or None,
                seconds=round(took, 4),
                owner=scope["state"].get("owner"),
            )


def route_of(scope: Scope) -> str:
    """The pattern of the route that served it."""
    return getattr(scope.get("route"), "path", UNKNOWN)
