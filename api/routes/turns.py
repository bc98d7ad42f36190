"""Turns: sent, read, followed, asked again, marked, stopped."""

from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Response, status
from fastapi.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from agent import Conversation, Reply
from api import streams
from api.entrance import Mine
from api.routes.parts import Chat, Limit, Responses, TurnId
from api.schemas import (
    MOST,
    Again,
    AllTurns,
    Alternatives,
    ContextShown,
    Edit,
    Marking,
    PromptGiven,
    Rating,
    RecentShown,
    Send,
    SessionShown,
    Turns,
    TurnShown,
)

router = APIRouter(prefix="/v1", tags=["turns"])

_AGAIN = Again()
"""For a request without a body."""

_EVENTS: Responses = {
    200: {"content": streams.CONTENT},
    204: {"description": "`Last-Event-ID` was that of the end: there is nothing more to come."},
}
_SENT: Responses = {
    201: {
        "model": TurnShown,
        "content": streams.CONTENT,
        "description": "The finished turn; or its events, where `Accept: text/event-stream` was sent.",
    }
}
Accept = Annotated[str, Header(description="text/event-stream for the reply as it is written.")]


@router.post("/sessions/{session_id}/turns", status_code=status.HTTP_201_CREATED, responses=_SENT, response_model=None)
async def send(
    chat: Chat,
    given: Send,
    accept: Accept = "application/json",
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=200)] = None,
) -> TurnShown | Response:
    """Ask. The prompt is on the disk before the model is asked, and the reply goes on whoever stops listening.

    A prompt that was sent with the same `Idempotency-Key` before is not asked again: its reply is given.
    """
    reply = await run_in_threadpool(
        lambda: chat.start(
            given.prompt,
            images=given.opened,
            model=given.model,
            beside=given.beside,
            idempotency_key=idempotency_key,
            data=given.data,
        )
    )
    return await _answered(chat, reply, accept)


@router.get("/sessions/{session_id}/turns")
def list_turns(
    chat: Chat,
    limit: Limit = 50,
    before: Annotated[int | None, Query(ge=1, le=MOST, description="A turn: those before it.")] = None,
) -> Turns:
    """The newest turns of the active path, oldest first."""
    turns = chat.turns(limit, before=before)
    data = chat.data_of(turns)
    further = turns[0].id if turns and turns[0].depth > 1 else None
    return Turns(turns=[TurnShown.of(chat.session_id, turn, data.get(turn.id)) for turn in turns], before=further)


@router.get("/sessions/{session_id}/branches")
def list_all_turns(chat: Chat, limit: Limit = 50, after: Annotated[int, Query(ge=0, le=MOST)] = 0) -> AllTurns:
    """The turns of all branches, in the order in which they were made; `parent_id` makes the tree of them."""
    turns = chat.turns_of_all_branches(limit + 1, after=after)
    shown = turns[:limit]
    data = chat.data_of(shown)
    further = shown[-1].id if len(turns) > limit else None
    return AllTurns(turns=[TurnShown.of(chat.session_id, turn, data.get(turn.id)) for turn in shown], after=further)


@router.get("/turns/recent")
def list_recent(agent: Mine, limit: Limit = 10) -> list[RecentShown]:
    """The last turns of all sessions, the newest first."""
    return [RecentShown.of(recent) for recent in agent.recent(limit)]


@router.get("/sessions/{session_id}/turns/{turn_id}")
def read(chat: Chat, turn_id: TurnId) -> TurnShown:
    """A turn of whichever branch, with its receipt."""
    return streams.shown(chat, turn_id)


@router.get("/sessions/{session_id}/turns/{turn_id}/context")
def read_context(chat: Chat, turn_id: TurnId) -> ContextShown | None:
    """What was sent to the model, made again from the receipt; null for a turn that another program wrote."""
    context = chat.context(turn_id)
    return None if context is None else ContextShown.of(context)


@router.get(
    "/sessions/{session_id}/turns/{turn_id}/images/{place}",
    responses={200: {"content": {"image/*": {}}}},
    response_class=Response,
)
def read_image(chat: Chat, turn_id: TurnId, place: Annotated[int, Path(ge=0, le=100)]) -> Response:
    """An image of the prompt, by its place among them from 0."""
    turn = chat.turn(turn_id)
    shown, files = turn.messages[0].images, chat.images(turn)
    if place >= len(files):
        raise HTTPException(404, f"There is no image {place} here: the prompt has {len(files)}, counted from 0.")
    return Response(files[place].content, media_type=shown[place].media_type)


@router.get("/sessions/{session_id}/turns/{turn_id}/events", responses=_EVENTS, response_class=Response)
async def follow(
    chat: Chat, turn_id: TurnId, last_event_id: Annotated[str | None, Header(max_length=40)] = None
) -> Response:
    """Follow a reply, from its beginning or from after the event `Last-Event-ID`. Any number may.

    Events: `turn`, then `text` and `thinking` with more of it, then `end` with the whole turn; `problem` where that
    can't be read.
    """
    if last_event_id is not None and last_event_id.endswith(streams.ENDED):
        return Response(status_code=status.HTTP_204_NO_CONTENT)  # So a browser's EventSource comes no more.
    source = await streams.source_of(chat, turn_id)
    return streams.stream(chat, source, streams.Place.of(last_event_id))


@router.get("/sessions/{session_id}/turns/{turn_id}/alternatives")
def read_alternatives(chat: Chat, turn_id: TurnId) -> Alternatives:
    """The branches that part here."""
    found = chat.siblings(turn_id)
    return Alternatives(turn_ids=list(found.turn_ids), place=found.place)


@router.post("/sessions/{session_id}/turns/{turn_id}/choose")
def choose(chat: Chat, turn_id: TurnId) -> SessionShown:
    """Go on from the branch with this turn, where it was last used."""
    chat.switch(turn_id)
    return SessionShown.of(chat.session)


@router.post(
    "/sessions/{session_id}/turns/{turn_id}/regenerate",
    status_code=status.HTTP_201_CREATED,
    responses=_SENT,
    response_model=None,
)
async def regenerate(
    chat: Chat, turn_id: TurnId, given: Again = _AGAIN, accept: Accept = "application/json"
) -> TurnShown | Response:
    """Ask the same again, of another model if one is named, beside the turn: both are kept."""
    reply = await run_in_threadpool(chat.regenerate, turn_id, model=given.model)
    return await _answered(chat, reply, accept)


@router.post(
    "/sessions/{session_id}/turns/{turn_id}/continue",
    status_code=status.HTTP_201_CREATED,
    responses=_SENT,
    response_model=None,
)
async def continue_(
    chat: Chat, turn_id: TurnId, given: Again = _AGAIN, accept: Accept = "application/json"
) -> TurnShown | Response:
    """Have a reply go on where it ended: what comes is another beside it, that begins with the same text."""
    reply = await run_in_threadpool(chat.continue_, turn_id, model=given.model)
    return await _answered(chat, reply, accept)


@router.post(
    "/sessions/{session_id}/turns/{turn_id}/edit",
    status_code=status.HTTP_201_CREATED,
    responses=_SENT,
    response_model=None,
)
async def edit(chat: Chat, turn_id: TurnId, given: Edit, accept: Accept = "application/json") -> TurnShown | Response:
    """Ask something else in the turn's place, beside it: both are kept."""
    reply = await run_in_threadpool(lambda: chat.edit(turn_id, given.prompt, images=given.opened, model=given.model))
    return await _answered(chat, reply, accept)


@router.post("/sessions/{session_id}/turns/{turn_id}/stop", status_code=status.HTTP_202_ACCEPTED)
def stop(chat: Chat, turn_id: TurnId) -> TurnShown:
    """Hang up on the model and keep the text so far; nothing happens to a turn that has ended."""
    running = chat.running
    if running is not None and running.turn_id == turn_id:
        running.stop()
        running.wait_for_end(1.0)
    return streams.shown(chat, turn_id)


@router.put("/sessions/{session_id}/turns/{turn_id}/rating")
def rate(chat: Chat, turn_id: TurnId, given: Rating) -> TurnShown:
    chat.rate(turn_id, given.rating)
    return streams.shown(chat, turn_id)


@router.put("/sessions/{session_id}/turns/{turn_id}/mark")
def mark(chat: Chat, turn_id: TurnId, given: Marking) -> TurnShown:
    """Pin it into the window, exclude it, or take either back. Counts from the next prompt on."""
    chat.mark(turn_id, given.mark)
    return streams.shown(chat, turn_id)


@router.post("/sessions/{session_id}/preview")
def preview(chat: Chat, given: PromptGiven) -> ContextShown:
    """What would be sent with this prompt now, with its receipt: nothing is sent or kept."""
    return ContextShown.of(chat.preview(given.prompt, images=given.opened, model=given.model))


async def _answered(chat: Conversation, reply: Reply, accept: str) -> TurnShown | Response:
    """The events at once, or the turn once it has ended."""
    if streams.MEDIA_TYPE in accept:
        answer = streams.stream(chat, reply, streams.Place())
        answer.status_code = status.HTTP_201_CREATED
        return answer
    await streams.ended(reply)
    return await run_in_threadpool(streams.shown, chat, reply.turn_id)
