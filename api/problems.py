"""What went wrong, as HTTP says it: one table from the error tree to statuses, and problem documents (RFC 9457)."""

import re
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from agent import (
    AccessRefused,
    AgentClosed,
    LoadCancelled,
    ModelBusy,
    ModelError,
    ModelTimeout,
    ModelUnavailable,
    ModelUnknown,
    OfferGone,
    PromptRefused,
    PullCancelled,
    SessionBusy,
    SessionEnded,
    SessionNotFound,
    SettingsInvalid,
    StoreError,
    TemplateExists,
    TemplateNotFound,
    TextRefused,
    TokenUnknown,
    TokenWanted,
    TooManyPinned,
    TooManyWaiting,
    TransferRefused,
    TurnNotFound,
    WaitingGone,
    WindowseatError,
)
from api.schemas import Problem

MEDIA_TYPE = "application/problem+json"

# The first that fits counts.
_STATUSES: tuple[tuple[type[WindowseatError], int], ...] = (
    (TokenWanted, 401),
    (TokenUnknown, 401),
    (AccessRefused, 403),
    (SessionNotFound, 404),
    (TurnNotFound, 404),
    (TemplateNotFound, 404),
    (WaitingGone, 404),
    (OfferGone, 404),
    (SessionBusy, 409),
    (SessionEnded, 409),
    (TemplateExists, 409),
    (TooManyPinned, 409),
    (TooManyWaiting, 409),
    (PullCancelled, 409),
    (LoadCancelled, 409),
    (PromptRefused, 422),
    (SettingsInvalid, 422),
    (TextRefused, 422),
    (TransferRefused, 422),
    (ModelUnknown, 422),
    (ModelBusy, 503),
    (ModelUnavailable, 503),
    (ModelTimeout, 504),
    (ModelError, 502),
    (StoreError, 503),
    (AgentClosed, 503),
)
STATUSES = sorted({status for _, status in _STATUSES} | {400, 405, 413, 415, 429})

DOCUMENTED: dict[str, Any] = {
    "description": "A problem document.",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
ERRORS: dict[int | str, dict[str, Any]] = dict.fromkeys(STATUSES, DOCUMENTED)
"""What every route may answer. The schema comes into the document by `api.docs`: FastAPI would call it plain JSON."""

_TITLES = {
    400: "Malformed request",
    401: "Token wanted",
    403: "Not allowed",
    404: "Not found",
    405: "No such method here",
    409: "Conflict",
    413: "Too large",
    415: "Wrong kind of body",
    422: "Not acceptable",
    429: "Too many requests",
    500: "Mistake of ours",
    502: "The model failed",
    503: "Not available",
    504: "The model took too long",
    507: "No room",
}


_INSTEAD = {
    "Not Found": "There is nothing at this address: /docs, here or under /api, shows which addresses there are.",
    "Method Not Allowed": "This address does not take that method: the header Allow names those that it takes.",
    "There was an error parsing the body": "The body can't be read: send JSON in UTF-8, without numbers or nesting "
    "beyond reason.",
}
"""For what the framework says by itself."""

LONGEST = 1000
"""Characters of a sentence."""

_NAME_SHOWN = 60
"""How much of a field's name is repeated, in characters: it may be one that a client made up."""


class ReplyFailed(Exception):
    """The reply of a turn that is kept failed; `error` says why. It is the client's answer where it waited for it."""

    def __init__(self, turn_id: int, error: WindowseatError) -> None:
        super().__init__(str(error))
        self.turn_id = turn_id
        self.error = error


class ImportFailed(Exception):
    """An import that had begun failed; `error` says why, `came` what came in nevertheless, "" for nothing."""

    def __init__(self, error: WindowseatError, came: str) -> None:
        super().__init__(str(error))
        self.problem = problem_of(error, came and f"Until then: {came}")


class BrokenOff(Exception):
    """An answer ended in the middle. Nobody answers it: a connection that breaks tells the client that it is not whole.

    It names the error's kind alone: what the error says may hold the name of a session, and logs hold none.
    """


class Refused(HTTPException):
    """An error of the tree, while a body is read: the framework lets nothing but its own kind through as it is."""

    def __init__(self, error: WindowseatError) -> None:
        super().__init__(status_of(error), str(error))
        self.error = error


def status_of(error: WindowseatError) -> int:
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)


def problem_of(error: WindowseatError, more: str = "") -> Problem:
    """The document for an error of the tree; its type names the error's class. `more` stands after its sentence."""
    called = re.sub(r"(?<!^)(?=[A-Z])", "-", type(error).__name__).lower()
    status = status_of(error)
    detail = _shortened(f"{error} {more}".strip())
    return Problem(type=f"urn:windowseat:{called}", title=_TITLES[status], status=status, detail=detail)


def _shortened(sentence: str) -> str:
    """Some repeat what was given, which may be long."""
    return sentence if len(sentence) <= LONGEST else f"{sentence[:LONGEST]}…"


def plain_problem(status: int, detail: str) -> Problem:
    """One that is of HTTP alone."""
    return Problem(title=_TITLES.get(status, "Error"), status=status, detail=detail)


def answer(request: Request, problem: Problem, headers: dict[str, str] | None = None, **more: Any) -> JSONResponse:
    """The document, or `{"detail": ...}` where an earlier back end's client asks."""
    if problem.status == 401:  # noqa: PLR2004
        headers = {"WWW-Authenticate": _way_in(request)} | (headers or {})
    if is_of_earlier(request):
        return JSONResponse({"detail": problem.detail}, problem.status, headers)
    document = problem.model_dump(exclude_none=True) | more
    return JSONResponse(document, problem.status, headers, media_type=MEDIA_TYPE)


def is_of_earlier(request: Request) -> bool:
    """Whether the route that was asked for is one of an earlier back end."""
    route = request.scope.get("route")
    return "earlier" in (getattr(route, "tags", None) or ())


def _way_in(request: Request) -> str:
    # A browser asks a person for a name and a password only if it is told so: the password is the token.
    to_read = request.url.path.endswith(("/docs", "/openapi.json", "/metrics"))
    return 'Basic realm="Windowseat: any name, and a token as the password"' if to_read else "Bearer"


async def answer_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, WindowseatError)  # noqa: S101 - it is registered for nothing else
    return answer(request, problem_of(error))


async def answer_failed_reply(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ReplyFailed)  # noqa: S101
    return answer(request, problem_of(error.error), turn_id=error.turn_id)


async def answer_failed_import(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ImportFailed)  # noqa: S101
    return answer(request, error.problem)


async def answer_invalid(request: Request, error: Exception) -> JSONResponse:
    """In a sentence each, without what was sent: it may be a secret, or what JSON can't hold."""
    assert isinstance(error, RequestValidationError)  # noqa: S101
    said = [_sentence(problem) for problem in error.errors()[:5]]
    unparsed = any(problem["type"] == "json_invalid" for problem in error.errors())
    return answer(request, plain_problem(400 if unparsed else 422, " ".join(said)))


def _sentence(problem: dict[str, Any]) -> str:
    place, *names = map(str, problem["loc"])
    if problem["type"] == "json_invalid":
        return f"The body is no JSON: {problem['ctx']['error']}, at character {names[0]}."
    where = ".".join(name[:_NAME_SHOWN] for name in names) or f"The {place}"
    said = str(problem["msg"]).removeprefix("Value error, ").removesuffix(".")
    return f"{where}: {said}.".encode(errors="replace").decode()


async def answer_http(request: Request, error: Exception) -> JSONResponse:
    """Those that the framework raises by itself: no such route, no such method, a body that is none."""
    assert isinstance(error, HTTPException)  # noqa: S101
    if isinstance(error, Refused):
        return answer(request, problem_of(error.error))
    said = _INSTEAD.get(str(error.detail), str(error.detail))
    return answer(request, plain_problem(error.status_code, said), dict(error.headers or {}))


async def answer_mistake(request: Request, error: Exception) -> JSONResponse:
    del error  # It is logged, and nobody else's business.
    return answer(request, plain_problem(500, "This is a mistake in Windowseat: its log says more."))
