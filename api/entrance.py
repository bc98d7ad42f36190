"""Who comes: a token, or this machine itself; and how often."""

import base64
from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends, Request
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from starlette.exceptions import HTTPException
from starlette.types import Scope

from agent import Agent, is_from_here

_COMES = "comes"


class Entrance:
    """Lets requests in, and gives each the agent of its owner."""

    def __init__(self) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    def admit(self, request: Request, agent: Agent) -> Agent:
        """Raises AccessRefused, and HTTPException for one who comes too often."""
        owner, number = who_comes(request.scope, request.headers, agent)
        request.scope["state"]["owner"] = owner
        self._count(number, agent.settings.requests_per_minute)
        return agent.of(owner)

    def _count(self, token: int | None, most: int) -> None:
        if token is None or most == 0:
            return
        if not self._limiter.hit(RateLimitItemPerMinute(most), str(token)):
            raise HTTPException(
                429, f"This token may make {most:,} requests in a minute: wait a little.", {"Retry-After": "10"}
            )


def who_comes(scope: Scope, headers: Mapping[str, str], agent: Agent) -> tuple[str, int | None]:
    """The owner, and the number of the token; asked once a request. Raises AccessRefused."""
    state: dict[str, tuple[str, int | None]] = scope["state"]
    if _COMES not in state:
        address = scope["client"][0] if scope.get("client") else ""
        state[_COMES] = agent.access.admit(token_of(headers), from_here=is_from_here(address, headers))
    return state[_COMES]


def token_of(headers: Mapping[str, str]) -> str | None:
    """That of `Authorization: Bearer`, or the password of `Basic`, which browsers can send; None without one."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    match scheme.lower():
        case "bearer":
            return given.strip() or None
        case "basic":
            try:
                return base64.b64decode(given, validate=True).decode().partition(":")[2] or None
            except ValueError:  # No base64, or no text in it.
                return given or None
        case _:
            return given or scheme or None


def admitted(request: Request) -> Agent:
    """That of the owner who asks. In a thread: it looks into the database."""
    opened: Agent = request.app.state.open_agent()
    entrance: Entrance = request.app.state.entrance
    return entrance.admit(request, opened)


Mine = Annotated[Agent, Depends(admitted)]
"""The agent of the owner who asks."""
