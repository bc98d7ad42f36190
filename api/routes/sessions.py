"""Sessions: made, listed, changed, ended, cleared, forked, deleted."""

from typing import Annotated

from fastapi import APIRouter, Query, Response, status

from agent import Conversation, Order, SessionFilters, SessionNotFound
from api.cursors import Cursors
from api.entrance import Mine
from api.routes.parts import Chat, Limit, Moment
from api.schemas import DeletedShown, Fork, Many, NewSession, SessionChange, Sessions, SessionShown

router = APIRouter(prefix="/v1", tags=["sessions"])

_NEW, _FORK = NewSession(), Fork()
"""For a request without a body."""


@router.post("/sessions", status_code=status.HTTP_201_CREATED, responses={200: {"model": SessionShown}})
def create(agent: Mine, response: Response, given: NewSession = _NEW) -> SessionShown:
    """Start a session. One of that name that is there already is given with status 200, and left as it is."""
    found = None if given.session_id is None else _find(agent, given.session_id)
    if found is not None:
        response.status_code = status.HTTP_200_OK
        return SessionShown.of(found.session)
    agent.check_settings(**given.settings)  # Before there is a session that would be left as it is the next time.
    chat = agent.conversation(given.session_id, template=given.template)
    given.apply(chat)
    return SessionShown.of(chat.session)


@router.get("/sessions")
def list_sessions(
    agent: Mine,
    titled: Annotated[str, Query(max_length=1000, description="Words of the title; the last may be begun only.")] = "",
    tag: Annotated[str | None, Query(max_length=200)] = None,
    archived: Annotated[bool | None, Query(description="Those that are, or those that are not.")] = False,
    pinned: bool | None = None,
    ended: bool | None = None,
    since: Moment = None,
    until: Moment = None,
    order: Order = Order.ACTIVITY,
    limit: Limit = 50,
    after: Annotated[str | None, Query(max_length=4000)] = None,
    every: Annotated[bool, Query(description="Both, whatever `archived` says.")] = False,
) -> Sessions:
    """A page of sessions, by default those that are not archived, the pinned first and then the last used."""
    wanted = SessionFilters(titled, tag, None if every else archived, pinned, ended, since, until)
    words = Cursors(agent, f"sessions {order} {wanted}")
    page = agent.sessions("", wanted, order=order, count=limit, after=words.taken(after))
    return Sessions.of(page, words.given(page.after))


@router.get("/sessions/current")
def read_current(agent: Mine) -> SessionShown | None:
    """The session used last, of those that were neither ended nor archived; null where there is none."""
    found = agent.current()
    return None if found is None else SessionShown.of(found)


@router.get("/sessions/active")
def list_active(
    agent: Mine, limit: Limit = 50, after: Annotated[str | None, Query(max_length=4000)] = None
) -> Sessions:
    """Those used within the idle time and not ended."""
    words = Cursors(agent, "active sessions")
    page = agent.active(count=limit, after=words.taken(after))
    return Sessions.of(page, words.given(page.after))


@router.post("/sessions/delete")
def delete_many(agent: Mine, given: Many) -> DeletedShown:
    """Delete sessions for good. Those in which a reply runs are kept, and named."""
    return DeletedShown.model_validate(agent.delete(*given.session_ids), from_attributes=True)


@router.get("/sessions/{session_id}")
def read(chat: Chat) -> SessionShown:
    return SessionShown.of(chat.session)


@router.patch("/sessions/{session_id}")
def change(chat: Chat, given: SessionChange) -> SessionShown:
    """Set what is given; what is left out stays. Counts from the next prompt on."""
    given.apply(chat)
    return SessionShown.of(chat.session)


@router.delete("/sessions/{session_id}", status_code=status.HTTP_204_NO_CONTENT)
def delete(chat: Chat) -> None:
    """Delete it and all that is in it; a reply that runs is stopped first."""
    chat.delete()


@router.post("/sessions/{session_id}/end")
def end(chat: Chat) -> SessionShown:
    """Let it take no prompt any more, until it is reopened. A reply that runs goes on."""
    chat.end()
    return SessionShown.of(chat.session)


@router.post("/sessions/{session_id}/reopen")
def reopen(chat: Chat) -> SessionShown:
    chat.reopen()
    return SessionShown.of(chat.session)


@router.post("/sessions/{session_id}/clear")
def clear(chat: Chat) -> SessionShown:
    """Delete all turns and keep the session."""
    chat.clear()
    return SessionShown.of(chat.session)


@router.post(
    "/sessions/{session_id}/fork", status_code=status.HTTP_201_CREATED, responses={200: {"model": SessionShown}}
)
def fork(agent: Mine, chat: Chat, response: Response, given: Fork = _FORK) -> SessionShown:
    """A new session that begins with a copy of the active path.

    One of that name that is there already is given with status 200, and left as it is.
    """
    if given.session_id is not None and _find(agent, given.session_id) is not None:
        response.status_code = status.HTTP_200_OK
    return SessionShown.of(chat.fork(given.session_id, turn_id=given.turn_id).session)


def _find(agent: Mine, session_id: str) -> Conversation | None:
    try:
        return agent.find(session_id)
    except SessionNotFound:
        return None
