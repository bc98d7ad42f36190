"""The service: routes, guards and errors, put together for an agent."""

import asyncio
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from agent import Agent, Settings, WindowseatError, close_when_interrupted, collect_seldom
from api import problems
from api.bodies import Bodies, of_a_file, of_json
from api.docs import add_docs
from api.earlier import earlier
from api.entrance import Entrance, admitted, who_comes
from api.guard import Guard, Hosts
from api.logs import Log
from api.metrics import Metrics
from api.problems import MEDIA_TYPE, plain_problem
from api.routes import version_1
from api.routes.transfer import IMPORT
from api.routes.watch import figures, health

API = "/api"
"""Under which the service is reached too, where it is served alone."""

_ABOUT = """Conversations that remember, with language models on your own machine.

Version 1 is under `/v1`. Errors are problem documents (RFC 9457). Where there are tokens, every route but `/health`
and `/health/ready` wants one: `Authorization: Bearer …`. The routes of the four earlier back ends are under `earlier`.
"""


def make_service(open_agent: Callable[[], Agent], settings: Settings) -> ASGIApp:
    """The app for an agent that somebody else opens and closes. `open_agent` gives the same one each time.

    It is opened at once, so that its replies are counted from the first; where that fails, a request tries again.
    """
    metrics = Metrics()
    routes = FastAPI(
        title="Windowseat",
        version="1",
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        openapi_url=None,
    )
    routes.state.open_agent = opened = _watched(open_agent, metrics)
    with suppress(WindowseatError):
        opened()
    routes.state.entrance, routes.state.metrics = Entrance(), metrics
    routes.include_router(health)
    routes.include_router(figures)
    routes.include_router(version_1)
    routes.include_router(earlier(debug=settings.debug_routes))
    add_docs(routes, Depends(admitted))
    _handle_errors(routes)
    served = restricted(_ApiToo(routes), settings)
    return Guard(
        served,
        bodies=_bodies(settings),
        log=Log(metrics),
        admit=lambda scope, headers: who_comes(scope, headers, opened()),
    )


def restricted(app: ASGIApp, settings: Settings) -> ASGIApp:
    """The app for those host names only that the settings allow."""
    return Hosts(app, settings.hosts.split(","))


class _ApiToo:
    """Serves at the root and under `/api`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if _is_under_api(_path(scope)):
            # In place: what stands around this reads the route from it.
            scope["root_path"] = str(scope.get("root_path", "")) + API
        await self._app(scope, receive, send)


def _path(scope: Scope) -> str:
    """Below where the service is mounted."""
    return str(scope.get("path", "")).removeprefix(str(scope.get("root_path", "")))


def _is_under_api(path: str) -> bool:
    return path == API or path.startswith(f"{API}/")


def _bodies(settings: Settings) -> Callable[[Scope], Bodies]:
    usual, file = of_json(settings), of_a_file(settings)

    def of(scope: Scope) -> Bodies:
        path = _path(scope)
        route = path.removeprefix(API) if _is_under_api(path) else path
        return file if (scope["method"], route) == ("POST", IMPORT) else usual

    return of


def _watched(open_agent: Callable[[], Agent], metrics: Metrics) -> Callable[[], Agent]:
    """Have the replies of the agent counted, from when it is first asked for."""
    known: list[Agent] = []
    one_at_a_time = threading.Lock()

    def opened() -> Agent:
        agent = open_agent()
        with one_at_a_time:
            if not known:
                known.append(agent)
                agent.watch(metrics.count_reply)
                metrics.look_at(lambda: agent.running)
        return agent

    return opened


def _handle_errors(routes: FastAPI) -> None:
    handlers: Iterable[tuple[type[Exception], Callable[..., Any]]] = (
        (WindowseatError, problems.answer_error),
        (problems.ReplyFailed, problems.answer_failed_reply),
        (problems.ImportFailed, problems.answer_failed_import),
        (RequestValidationError, problems.answer_invalid),
        (HTTPException, problems.answer_http),
        (Exception, problems.answer_mistake),
    )
    for kind, handler in handlers:
        routes.add_exception_handler(kind, handler)


_NOT_OPEN = JSONResponse(
    plain_problem(503, "This server does not run its apps' lifespan, which opens the database: have it on.").model_dump(
        exclude_none=True
    ),
    503,
    media_type=MEDIA_TYPE,
)


class _Shell:
    """Opens its agent and makes the service when the server starts, not when it is imported; closes it at the end."""

    def __init__(self) -> None:
        self._service: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await (self._service or _NOT_OPEN)(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            agent = await asyncio.to_thread(self._open)
        except WindowseatError as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        close_when_interrupted(agent.close)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await asyncio.to_thread(agent.close)
        await send({"type": "lifespan.shutdown.complete"})

    def _open(self) -> Agent:
        settings = Settings.read()
        collect_seldom()
        agent = Agent(settings)
        self._service = make_service(lambda: agent, settings)
        return agent


app = _Shell()
