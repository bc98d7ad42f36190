"""Following a reply over HTTP: server-sent events, put together for 50 ms, that go on where a reader left off."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from agent import Conversation, Reply, Status, Turn, WindowseatError
from api.problems import ReplyFailed, problem_of
from api.schemas import TurnShown

TICK = 0.05
"""Seconds for which text is put together."""

ELSEWHERE = 0.2
"""Seconds from one look into the database to the next, for a reply that runs in another process."""

ALIVE = 15.0
"""Seconds of silence after which a comment says that there is still somebody here."""

MEDIA_TYPE = "text/event-stream"
_FIELDS = {name: {"type": "string"} for name in ("id", "event", "data")}
CONTENT: dict[str, Any] = {MEDIA_TYPE: {"itemSchema": {"type": "object", "properties": _FIELDS, "required": ["data"]}}}
"""How the document of the service describes events."""

ENDED = "-end"
"""With this an event's id says that there is nothing more to come."""

HEADERS = {"X-Accel-Buffering": "no"}  # Else nginx keeps what is to be seen now.


@dataclass(slots=True)
class Place:
    """How much of a reply, and of its thinking, a reader has, in characters."""

    text: int = 0
    thinking: int = 0

    @classmethod
    def of(cls, event_id: str | None) -> "Place":
        """From a `Last-Event-ID`; the beginning for what is none of ours."""
        text, _, thinking = (event_id or "").partition("-")
        readable = text.isdecimal() and thinking.isdecimal() and len(text) + len(thinking) < 30  # noqa: PLR2004
        return cls(int(text), int(thinking)) if readable else cls()

    def __str__(self) -> str:
        return f"{self.text}-{self.thinking}"


def stream(chat: Conversation, source: Reply | Turn, place: Place) -> StreamingResponse:
    """The events of a reply that runs or of a turn that has ended, from a place on.

    A reader that goes away ends nothing, and one that is slow gets more at once.
    """
    events = _running(chat, source, place) if isinstance(source, Reply) else _ended(chat, source, place)
    return StreamingResponse(events, media_type=MEDIA_TYPE, headers=HEADERS)


async def ended(reply: Reply) -> None:
    """Wait for the end. Raises ReplyFailed."""
    while reply.running:
        await _wait(reply, Place(len(reply.text), len(reply.thinking)))
    try:
        reply.raise_failure()
    except WindowseatError as error:
        raise ReplyFailed(reply.turn_id, error) from error


async def source_of(chat: Conversation, turn_id: int) -> Reply | Turn:
    """The reply, while it runs; else the turn. Raises TurnNotFound."""
    while True:
        running = await run_in_threadpool(lambda: chat.running)
        if running is not None and running.turn_id == turn_id:
            return running
        turn = await run_in_threadpool(chat.turn, turn_id)
        if turn.status is not Status.RUNNING:
            return turn
        await asyncio.sleep(TICK)


async def _running(chat: Conversation, reply: Reply, place: Place) -> AsyncIterator[str]:
    yield event("turn", {"turn_id": reply.turn_id, "session_id": chat.session_id, "model": reply.model}, place)
    loop = asyncio.get_running_loop()
    said_at = loop.time()
    while True:
        is_last = not reply.running
        for news in _news(reply.thinking_since(place.thinking), reply.since(place.text), place):
            said_at = loop.time()
            yield news
        if is_last:
            break
        if loop.time() - said_at > ALIVE:
            said_at = loop.time()
            yield ":\n\n"
        await _wait(reply, place)
    yield await _end(chat, reply.turn_id, place)


async def _ended(chat: Conversation, turn: Turn, place: Place) -> AsyncIterator[str]:
    yield event("turn", {"turn_id": turn.id, "session_id": chat.session_id, "model": turn.model}, place)
    for news in _news(turn.thinking[place.thinking :], turn.reply[place.text :], place):
        yield news
    yield await _end(chat, turn.id, place)


async def _wait(reply: Reply, place: Place) -> None:
    if reply.elsewhere:
        # It looks, and does not wait: of the threads, every other request wants one too.
        await run_in_threadpool(reply.wait_for_more, place.text, place.thinking, 0.0)
    await asyncio.sleep(ELSEWHERE if reply.elsewhere else TICK)


def _news(thinking: str, text: str, place: Place) -> list[str]:
    """The events for what is new, and the place moved behind it."""
    events = []
    if thinking:
        place.thinking += len(thinking)
        events.append(event("thinking", {"text": thinking}, place))
    if text:
        place.text += len(text)
        events.append(event("text", {"text": text}, place))
    return events


async def _end(chat: Conversation, turn_id: int, place: Place) -> str:
    """The turn as it is kept; or what keeps us from reading it."""
    try:
        turn = await run_in_threadpool(shown, chat, turn_id)
    except WindowseatError as error:
        return event("problem", problem_of(error).model_dump(exclude_none=True), place)
    return event("end", turn.model_dump(mode="json"), f"{place}{ENDED}")


def shown(chat: Conversation, turn_id: int) -> TurnShown:
    """The turn, with what a client keeps with it. Raises TurnNotFound."""
    turn = chat.turn(turn_id)
    return TurnShown.of(chat.session_id, turn, chat.data_of([turn]).get(turn_id))


def event(name: str, data: dict[str, Any], place: object) -> str:
    """One event. In ASCII: many who read lines take U+2028 and its like for the end of one."""
    return f"id: {place}\nevent: {name}\ndata: {json.dumps(data)}\n\n"
