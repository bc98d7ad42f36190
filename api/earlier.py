"""The routes of four earlier back ends, with their fields, defaults and statuses, on the same agent as version 1.

They keep their own words; `docs/earlier.md` says what each is in version 1, and what was chosen where their documents
say nothing. Every path is taken with and without a slash at its end.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Body, Depends, Path, Query
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Discriminator, Field, StringConstraints, Tag
from starlette.exceptions import HTTPException

from agent import (
    Agent,
    Conversation,
    Order,
    Receipt,
    Reply,
    Sender,
    Session,
    SessionBusy,
    SessionEnded,
    SessionFilters,
    SessionNotFound,
    SessionPage,
    Status,
    Turn,
)
from api.entrance import Mine
from api.problems import STATUSES
from api.routes.parts import NAME, Limit
from api.schemas import MOST, ContextShown, Detail, Key, Name, ReceiptShown, Shown, Text
from api.streams import ended

PAGE = 200
"""Turns or sessions that are read at once, where all of them are wanted."""

_DOCUMENTED: dict[str, Any] = {
    "description": "What went wrong, in a sentence.",
    "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{Detail.__name__}"}}},
}
_ERRORS: dict[int | str, dict[str, Any]] = dict.fromkeys(STATUSES, _DOCUMENTED)
"""The schema comes into the document by `api.docs`: a model given here is built for each route and status."""


class _WithAndWithoutSlash(APIRouter):
    """Takes each path with and without a slash at its end; the documents' own is the one that is shown."""

    def add_api_route(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().add_api_route(path, endpoint, **options)
        other = path.removesuffix("/") if path.endswith("/") else f"{path}/"
        super().add_api_route(other, endpoint, **options | {"include_in_schema": False})


_routes = _WithAndWithoutSlash(tags=["earlier"], responses=_ERRORS)
_debugging = _WithAndWithoutSlash(tags=["earlier"], responses=_ERRORS)


def earlier(*, debug: bool) -> APIRouter:
    """All of them; those under `/debug` only if asked for."""
    together = APIRouter()
    together.include_router(_routes)
    if debug:
        together.include_router(_debugging)
    return together


# What they have in common


class _Asked(BaseModel):
    """A request. Fields that it does not know are ignored, as the earlier back ends did."""

    model_config = ConfigDict(frozen=True)


async def _answered(start: Callable[[], tuple[Conversation, Reply]]) -> tuple[Conversation, Turn]:
    """The session, and the turn once it has ended. Raises ReplyFailed."""
    chat, reply = await run_in_threadpool(start)
    await ended(reply)
    return chat, await run_in_threadpool(chat.turn, reply.turn_id)


def _begun(agent: Agent, session_id: str | None, prompt: str, window_turns: int | None = None) -> Conversation:
    """The session, or a new one with that window; none is made for a prompt that nobody would take."""
    agent.check_prompt(prompt)
    if session_id is not None:
        with suppress(SessionNotFound):
            return agent.find(session_id)
    chat = agent.conversation(session_id)
    if window_turns is not None:
        chat.configure(window_turns=window_turns)
    return chat


def _start(chat: Conversation, prompt: str, data: dict[str, Any] | None = None) -> tuple[Conversation, Reply]:
    """Ask; a session that was ended is reopened."""
    try:
        return chat, chat.start(prompt, data=data)
    except SessionEnded:
        chat.reopen()
        return chat, chat.start(prompt, data=data)


def _pages(chat: Conversation) -> list[tuple[Turn, ...]]:
    """The turns of the active path, oldest first."""
    pages = [chat.turns(PAGE)]
    while pages[-1] and pages[-1][0].depth > 1:
        pages.append(chat.turns(PAGE, before=pages[-1][0].id))
    return pages[::-1]


def _every(give: Callable[..., SessionPage]) -> list[Session]:
    """The sessions of all pages of a list, in its order."""
    found: list[Session] = []
    after = None
    while True:
        page = give(count=PAGE, after=after)
        found += page.sessions
        if (after := page.after) is None:
            return found


def _all_sessions(agent: Agent) -> list[Session]:
    """Archived and ended ones too, the newest first."""
    return _every(partial(agent.sessions, "", SessionFilters(archived=None), order=Order.CREATION))


def _of_key(agent: Agent, said: str) -> Conversation:
    """The session with that number, spelled as we spell it. Raises SessionNotFound."""
    if not (said.isascii() and said.isdecimal() and not said.startswith("0") and int(said) <= MOST):
        raise SessionNotFound(said)
    return agent.find_key(int(said))


# The first: a window of messages, given back with each reply (POST /chat)


class ChatMessage(_Asked):
    session_id: Name
    message: Text


class HistoryMessage(Shown):
    role: Literal["user", "assistant"]
    content: str


class ChatReply(Shown):
    reply: str
    history: list[HistoryMessage] = Field(description="What the model saw, with this message as the last.")


_ONE_TURN = 1
"""Its last three messages: those of one turn, and the prompt."""

_ROLES: dict[str, Any] = {"Human": "user", "AI": "assistant"}


async def _remember(agent: Agent, given: ChatMessage) -> ChatReply:
    chat, turn = await _answered(
        lambda: _start(_begun(agent, given.session_id, given.message, _ONE_TURN), given.message)
    )
    return ChatReply(reply=turn.reply, history=await run_in_threadpool(_seen, chat, turn))


def _seen(chat: Conversation, turn: Turn) -> list[HistoryMessage]:
    """What the model was sent, without what it was told of the session and without steps of tools."""
    context = chat.context(turn.id)
    sent = () if context is None else ContextShown.of(context).messages
    return [
        HistoryMessage(role=_ROLES[message.sender], content=message.content)
        for message in sent
        if message.sender in _ROLES and message.content
    ]


# The second: exchanges with the user's name and the time (POST /chat, GET /chat/history/…)


class ChatRequest(_Asked):
    user_message: Text
    user_name: Annotated[str, StringConstraints(max_length=200)] = "User"
    session_id: Name = "default"


class ConversationEntry(Shown):
    user_message: str
    bot_reply: str
    user_name: str
    timestamp: str = Field(description="When the message was sent: “2025-11-09 19:55:43”, by this machine's clock.")

    @classmethod
    def of(cls, turn: Turn, data: dict[str, Any]) -> Self:
        return cls(
            user_message=turn.prompt, bot_reply=turn.reply, user_name=_user_name(data), timestamp=_local(turn.opened_at)
        )


class ChatResponse(ConversationEntry):
    session_id: str


class HistoryStats(Shown):
    total_messages: int = Field(description="Exchanges.")
    first_message_time: str | None
    last_message_time: str | None


def _which(given: Any) -> str | None:
    """Which back end's body it is: None for what is neither or both."""
    tags = [tag for tag in ("message", "user_message") if isinstance(given, dict) and tag in given]
    return tags[0] if len(tags) == 1 else None


Spoken = Annotated[
    Annotated[ChatMessage, Tag("message")] | Annotated[ChatRequest, Tag("user_message")],
    Discriminator(
        _which,
        custom_error_type="neither_body",
        custom_error_message="Send either session_id and message, or user_message with user_name and session_id",
    ),
    Body(),
]


@_routes.post("/chat")
async def say(agent: Mine, given: Spoken) -> ChatReply | ChatResponse:
    """Ask, and wait for the reply. `message` gets `reply` and `history`; `user_message` gets the exchange."""
    return await (_remember(agent, given) if isinstance(given, ChatMessage) else _exchange(agent, given))


async def _exchange(agent: Agent, given: ChatRequest) -> ChatResponse:
    data = {"user_name": given.user_name}
    chat, turn = await _answered(
        lambda: _start(_begun(agent, given.session_id, given.user_message), given.user_message, data)
    )
    return ChatResponse(session_id=chat.session_id, **ConversationEntry.of(turn, data).model_dump())


@_routes.get("/chat/history/{session_id}")
def chat_history(agent: Mine, session_id: Annotated[str, NAME]) -> list[ConversationEntry]:
    """All exchanges of a session, oldest first."""
    chat = _found(agent, session_id, f"No conversation history found for session '{session_id}'")
    return [entry for page in _pages(chat) for entry in _entries(chat, page)]


@_routes.get("/chat/history/{session_id}/stats")
def chat_stats(agent: Mine, session_id: Annotated[str, NAME]) -> HistoryStats:
    chat = _found(agent, session_id, "Session not found")
    newest = [turn for turn in chat.turns(2) if turn.status is not Status.RUNNING]
    if not newest:
        return HistoryStats(total_messages=0, first_message_time=None, last_message_time=None)
    first = chat.turns(1, last=1) or newest
    return HistoryStats(
        total_messages=newest[-1].depth,
        first_message_time=_local(first[0].opened_at),
        last_message_time=_local(newest[-1].opened_at),
    )


def _found(agent: Agent, session_id: str, otherwise: str) -> Conversation:
    try:
        return agent.find(session_id)
    except SessionNotFound as error:
        raise HTTPException(404, otherwise) from error


def _entries(chat: Conversation, turns: Sequence[Turn]) -> list[ConversationEntry]:
    data = chat.data_of(turns)
    return [ConversationEntry.of(turn, data.get(turn.id, {})) for turn in turns if turn.status is not Status.RUNNING]


def _user_name(data: dict[str, Any]) -> str:
    """What was kept with the turn may be another client's, and anything."""
    name = data.get("user_name")
    return name if isinstance(name, str) else "User"


def _local(moment: datetime) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


class DebugSessions(Shown):
    total_sessions: int
    session_ids: list[str] = Field(description="The oldest first.")
    total_messages: int = Field(description="Exchanges.")


class Cleared(Shown):
    status: Literal["cleared"] = "cleared"
    kept: list[str] | None = Field(default=None, description="Sessions in which a reply runs, if there are any.")


@_debugging.get("/debug/sessions")
def debug_sessions(agent: Mine) -> DebugSessions:
    found = _all_sessions(agent)[::-1]
    return DebugSessions(
        total_sessions=len(found),
        session_ids=[session.session_id for session in found],
        total_messages=sum(session.depth - session.running for session in found),
    )


@_debugging.post("/debug/clear", response_model_exclude_none=True)
def debug_clear(agent: Mine) -> Cleared:
    """Delete all sessions of who asks, for good, but for those in which a reply runs."""
    deleted = agent.delete(*(session.session_id for session in _all_sessions(agent)))
    return Cleared(kept=list(deleted.kept) or None)


# The third: sessions of a user, with their interactions (/sessions/…, POST /chat/send)


class SessionStart(_Asked):
    context_summary: Text | None = Field(default=None, description="What was said before: the model is told it.")


class ChatSend(_Asked):
    message: Text
    session_id: Annotated[Key, Field(strict=True)] | Name | None = Field(
        default=None, description="The number or name of a session; without it the current one, or a new one."
    )


class UserSession(Shown):
    id: int
    session_id: str = Field(description="Its name; paths take this and the number.")
    user_id: str = Field(description="Whose it is.")
    title: str
    session_start: datetime
    session_end: datetime | None
    context_summary: str | None

    @classmethod
    def of(cls, session: Session) -> Self:
        summary = session.settings.get("summary")
        return cls(
            id=session.key,
            session_id=session.session_id,
            user_id=session.owner,
            title=session.title,
            session_start=session.created_at,
            session_end=session.ended_at,
            context_summary=summary.text or None if summary else None,
        )


class InteractionMetadata(Shown):
    model: str
    status: Status
    input_tokens: int | None
    output_tokens: int | None
    seconds: float | None = Field(description="From the question to the end of the response.")
    rating: int | None


class UserInteraction(Shown):
    id: int
    session_id: int
    user_question: str
    ai_response: str
    context_used: ReceiptShown | None = Field(description="What the response was made from.")
    created_at: datetime
    interaction_metadata: InteractionMetadata

    @classmethod
    def of(cls, key: int, turn: Turn) -> Self:
        receipt = Receipt.of(turn)
        same = {name: getattr(turn, name) for name in ("model", "status", "input_tokens", "output_tokens", "rating")}
        seconds = turn.duration.total_seconds() if turn.duration else None
        return cls(
            id=turn.id,
            session_id=key,
            user_question=turn.prompt,
            ai_response=turn.reply,
            context_used=None if receipt is None else ReceiptShown.of(receipt),
            created_at=turn.opened_at,
            interaction_metadata=InteractionMetadata(**same, seconds=seconds),
        )


class ChatSent(Shown):
    response: str
    session: UserSession
    interaction: UserInteraction


def _numbered(agent: Mine, session_id: Annotated[str, NAME]) -> Conversation:
    """A number is one of ours first, then a name. Raises SessionNotFound."""
    with suppress(SessionNotFound):
        return _of_key(agent, session_id)
    return agent.find(session_id)


def _named(agent: Agent, session_id: int | str) -> Conversation:
    """In JSON a number is a number, and a text a name. Raises SessionNotFound."""
    return agent.find_key(session_id) if isinstance(session_id, int) else agent.find(session_id)


Numbered = Annotated[Conversation, Depends(_numbered)]


@_routes.post("/sessions/start")
def start_session(agent: Mine, given: SessionStart | None = None) -> UserSession:
    """Start a session, which is the current one from now on."""
    summary = given.context_summary if given else None
    return UserSession.of(agent.conversation(summary=summary or "").session)


@_routes.get("/sessions/current")
def current_session(agent: Mine) -> UserSession:
    found = agent.current()
    if found is None:
        raise HTTPException(404, "There is no current session: start one.")
    return UserSession.of(found)


@_routes.get("/sessions/recent")
def recent_interactions(agent: Mine, limit: Limit = 10) -> list[UserInteraction]:
    """The last interactions of all sessions, the newest first."""
    recent = agent.recent(limit)
    keys: dict[str, int] = {}
    for name in {of.session_id for of in recent}:
        with suppress(SessionNotFound):  # Deleted since.
            keys[name] = agent.find(name).session.key
    return [UserInteraction.of(keys[of.session_id], of.turn) for of in recent if of.session_id in keys]


@_routes.get("/sessions/history")
def session_history(agent: Mine) -> list[UserSession]:
    """All sessions, the newest first, those that were ended or archived too."""
    return [UserSession.of(session) for session in _all_sessions(agent)]


@_routes.post("/sessions/{session_id}/end")
def end_session(chat: Numbered) -> UserSession:
    """Let it be the current one no more. One that was ended before keeps its time."""
    chat.end()
    return UserSession.of(chat.session)


@_routes.get("/sessions/{session_id}/interactions")
def session_interactions(chat: Numbered) -> list[UserInteraction]:
    """All of a session, the oldest first."""
    key = chat.session.key
    return [UserInteraction.of(key, turn) for page in _pages(chat) for turn in page]


@_routes.post("/chat/send")
async def send_in_session(agent: Mine, given: ChatSend) -> ChatSent:
    """Ask in the session, or else in the current one; where there is none, or it was ended, in a new one."""
    chat, turn = await _answered(lambda: _start_or_anew(agent, given))
    session = await run_in_threadpool(lambda: chat.session)
    return ChatSent(
        response=turn.reply, session=UserSession.of(session), interaction=UserInteraction.of(session.key, turn)
    )


def _start_or_anew(agent: Agent, given: ChatSend) -> tuple[Conversation, Reply]:
    agent.check_prompt(given.message)
    chat = _in_use(agent) if given.session_id is None else _named(agent, given.session_id)
    try:
        return chat, chat.start(given.message)
    except SessionEnded:
        chat = agent.conversation()
        return chat, chat.start(given.message)


def _in_use(agent: Agent) -> Conversation:
    current = agent.current()
    return agent.conversation(None if current is None else current.session_id)


# The fourth: sessions in a list, with statistics and a clean-up (POST /generate/, …)


class Generate(_Asked):
    prompt: Text
    session_id: Annotated[str, StringConstraints(max_length=200)] | None = Field(
        default=None, description="Without it, a new session."
    )
    max_history: Annotated[int, Field(ge=0, le=1000)] | None = Field(
        default=10,
        description="How many turns the model may see. Left out, an existing session keeps its own.",
    )

    def begin(self, agent: Agent) -> Conversation:
        chat = _begun(agent, self.session_id or None, self.prompt, _TEN_TURNS)
        given = self.max_history if "max_history" in self.model_fields_set else None
        if given is not None and chat.window_turns != given:
            if chat.session.running:
                raise SessionBusy(chat.session_id)
            chat.configure(window_turns=given)
        return chat


_TEN_TURNS = 10
"""The window of a session that nobody gave one."""


class Generated(Shown):
    response: str
    session_id: str


class SessionNamed(_Asked):
    session_id: Name


class StoredMessage(Shown):
    sender: Literal[Sender.HUMAN, Sender.AI]
    content: str
    timestamp: datetime


class StoredHistory(Shown):
    history: list[StoredMessage] = Field(description="The oldest first.")


class SessionName(Shown):
    session_id: str
    chat_name: str
    created_at: datetime
    last_activity: datetime
    message_count: int


class ActiveSessions(Shown):
    active_sessions: list[str]
    count: int


class SessionStats(Shown):
    total_sessions: int
    total_messages: int
    recent_sessions: int = Field(description="Used within the last 24 hours.")


class CleanUpSessions(_Asked):
    days_old: Annotated[float, Field(gt=0, le=36_500)] | None = Field(default=None, description="30 if left out.")


class CleanedUp(Shown):
    deleted_count: int


class Done(Shown):
    message: str
    session_id: str


@_routes.post("/generate/")
async def generate(agent: Mine, given: Generate) -> Generated:
    """Ask in the session, which is made if there is none, and wait for the reply."""
    chat, turn = await _answered(lambda: _start(given.begin(agent), given.prompt))
    return Generated(response=turn.reply, session_id=chat.session_id)


@_routes.post("/get_history/")
def get_history(agent: Mine, given: SessionNamed) -> StoredHistory:
    pages = _pages(agent.find(given.session_id))
    return StoredHistory(history=[message for page in pages for turn in page for message in _stored(turn)])


def _stored(turn: Turn) -> list[StoredMessage]:
    """What was said in a turn, without what tools gave back."""
    replied = turn.closed_at or turn.opened_at
    return [
        StoredMessage(
            sender=said.sender,
            content=said.content,
            timestamp=turn.opened_at if said.sender is Sender.HUMAN else replied,
        )
        for said in turn.messages
        if (said.sender is Sender.HUMAN or said.sender is Sender.AI) and said.content
    ]


@_routes.post("/clear_history/")
def clear_history(agent: Mine, given: SessionNamed) -> Done:
    """Delete all that was said in a session, and keep the session."""
    agent.find(given.session_id).clear()
    return Done(message="The history was cleared.", session_id=given.session_id)


@_routes.get("/session_names/")
def session_names(agent: Mine) -> list[SessionName]:
    """All sessions, the last used first, archived ones too."""
    found = sorted(_all_sessions(agent), key=lambda session: (session.last_activity, session.key), reverse=True)
    return [
        SessionName(
            session_id=session.session_id,
            chat_name=session.title,
            created_at=session.created_at,
            last_activity=session.last_activity,
            message_count=session.message_count,
        )
        for session in found
    ]


@_routes.delete("/sessions/{session_id}")
def delete_session(agent: Mine, session_id: Annotated[str, Path(min_length=1, max_length=200)]) -> Done:
    """Delete a session and all that is in it, by its name."""
    # Never by the store's number: asked twice, it would delete another one.
    chat = agent.find(session_id)
    chat.delete()
    return Done(message="The session was deleted.", session_id=chat.session_id)


@_routes.get("/sessions/")
def active_sessions(agent: Mine) -> ActiveSessions:
    """Those used within the idle time and not ended."""
    found = [session.session_id for session in _every(agent.active)]
    return ActiveSessions(active_sessions=found, count=len(found))


@_routes.get("/session_stats/")
def session_stats(agent: Mine) -> SessionStats:
    totals = agent.stats().totals
    return SessionStats(
        total_sessions=totals.sessions, total_messages=totals.messages, recent_sessions=totals.recent_sessions
    )


@_routes.post("/cleanup_sessions/")
def cleanup_sessions(
    agent: Mine,
    given: CleanUpSessions | None = None,
    days_old: Annotated[float, Query(gt=0, le=36_500, description="As in the body, which goes first.")] = 30,
) -> CleanedUp:
    """Delete the sessions not used for so many days; pinned and archived ones stay."""
    days = given.days_old if given else None
    return CleanedUp(deleted_count=agent.clean_up(days or days_old).sessions)
