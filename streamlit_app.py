"""Windowseat: `streamlit run streamlit_app.py` serves the page, and the API under `/api`.

This file is both: the script that draws the page, at each of its runs, and the app that serves it. Which of them is
asked for shows in whether there is a run of a script. The server starts before what takes two seconds is imported.
"""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import cache, partial

import streamlit as st
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.runtime.scriptrunner import get_script_run_ctx

LATER = 5.0
"""Seconds that the API leaves to the first page, which people wait for."""

_one_at_a_time = threading.Lock()


def service() -> ASGIApp:
    """The API on the agent that the page has too, made once. Raises SettingsInvalid."""
    with _one_at_a_time:
        return _service()


@cache
def _service() -> ASGIApp:
    from agent import Settings, shared_agent  # noqa: PLC0415
    from api import make_service  # noqa: PLC0415

    return make_service(shared_agent, Settings.read())


async def api(scope: Scope, receive: Receive, send: Send) -> None:
    try:
        served = await asyncio.to_thread(service)
    except Exception:
        logging.getLogger("windowseat").exception("The API can't be served.")
        said = "The API can't be served: the log of the server says why."  # Who asks may be anybody.
        served = JSONResponse({"title": "Not available", "status": 503, "detail": said}, 503)
    await served(scope, receive, send)


class OurHosts:
    """Lets pages follow their session only where the address is one of ours; what else they fetch says nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        served = self._app
        if scope["type"] == "websocket":
            served = await asyncio.to_thread(self._restricted)
        await served(scope, receive, send)

    def _restricted(self) -> ASGIApp:
        from agent import Settings, SettingsInvalid  # noqa: PLC0415
        from api import restricted  # noqa: PLC0415

        with suppress(SettingsInvalid):  # The page says it.
            return restricted(self._app, Settings.read())
        return self._app


@asynccontextmanager
async def while_served(_: object) -> AsyncIterator[None]:
    """Import and open what the first page will need, while the browser still loads it; close it at the end."""
    ready = partial(_get_ready, asyncio.get_running_loop())
    threading.Thread(target=ready, name="windowseat-start", daemon=True).start()
    yield
    from agent import close_shared_agent  # noqa: PLC0415

    await asyncio.to_thread(close_shared_agent)


def _get_ready(loop: asyncio.AbstractEventLoop) -> None:
    with suppress(Exception):  # Whatever it is, who asks for it first is told.
        import ui  # noqa: F401, PLC0415
        from agent import close_shared_agent, close_when_interrupted, shared_agent  # noqa: PLC0415

        loop.call_soon_threadsafe(close_when_interrupted, close_shared_agent)
        shared_agent()
        time.sleep(LATER)
        service()


def places() -> list[str]:
    """Where the API is: at the root and, where the page has a path of its own there, below that."""
    base = str(st.get_option("server.baseUrlPath")).strip("/")
    return ["/api", f"/{base}/api"] if base else ["/api"]


if get_script_run_ctx(suppress_warning=True) is None:
    routes = [Mount(place, app=api) for place in places()]
    app = st.App("streamlit_app.py", routes=routes, middleware=[Middleware(OurHosts)], lifespan=while_served)
else:
    from agent import shared_agent
    from ui import draw

    draw(shared_agent)
