"""What the store gives out: frozen values, read once, never written back."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, NamedTuple, Self

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def as_moment(day: date) -> datetime:
    """A moment as it is; a day from its first one on. Without a time zone it is this machine's."""
    moment = day if isinstance(day, datetime) else datetime.combine(day, time())
    return moment if moment.tzinfo else moment.astimezone()


def month_of(day: date) -> int:
    """The month of a day or moment, counted from the year 0."""
    return 12 * day.year + day.month - 1


def as_tag(text: str) -> str:
    """A tag as it is kept: on one line, in lower case, so that “Work” and “work” are one."""
    return " ".join(text.lower().split())


Json = dict[str, Any] | list[Any]
"""What only the part of the program that wrote it looks into."""


def to_moment(microseconds: int) -> datetime:
    """The UTC moment that the database keeps as an integer of microseconds since 1970."""
    return EPOCH + timedelta(microseconds=microseconds)


def to_microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // MICROSECOND


class Status(StrEnum):
    """Of a turn: `running`, then for good one of the others."""

    RUNNING = "running"
    COMPLETE = "complete"
    STOPPED = "stopped"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class Sender(StrEnum):
    """Of a message, spelled as the `chat_messages` view shows it."""

    HUMAN = "Human"
    AI = "AI"
    TOOL = "Tool"
    SYSTEM = "System"


class Mark(StrEnum):
    """What a person decided of a turn: that the model is to see it wherever the window begins, or never."""

    PINNED = "pinned"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True)
class Image:
    """An image of a prompt. `digest` names its content in the store; `size` is in bytes."""

    name: str
    media_type: str
    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a turn.

    `full` is the whole LangChain message as `message_to_dict` gives it, and None where sender and content
    already say all of it.
    """

    sender: Sender
    content: str
    full: dict[str, Any] | None = None

    @classmethod
    def reply(cls, text: str, thinking: str = "") -> Self:
        """What a model answered, and what it thought before."""
        said = {"content": text, "additional_kwargs": {_THINKING: thinking}}
        return cls(Sender.AI, text, {"type": "ai", "data": said} if thinking else None)

    @classmethod
    def prompt(cls, text: str, images: Sequence[Image] = ()) -> Self:
        """What a person sent."""
        blocks = [{"type": "text", "text": text}, *map(_to_block, images)]
        return cls(Sender.HUMAN, text, {"type": "human", "data": {"content": blocks}} if images else None)

    @property
    def images(self) -> tuple[Image, ...]:
        """Those that the store has the contents of."""
        if self.full is None:
            return ()
        blocks = self.full.get("data", {}).get("content", ())
        return tuple(Image(*map(block.get, _OF_IMAGE)) for block in blocks if _is_ours(block))

    @property
    def thinking(self) -> str:
        thought = (self.full or {}).get("data", {}).get("additional_kwargs", {}).get(_THINKING)
        return thought if isinstance(thought, str) else ""


def _to_block(image: Image) -> dict[str, Any]:
    return {"type": "image", **asdict(image)}


def _is_ours(block: object) -> bool:
    return isinstance(block, dict) and block.get("type") == "image" and all(name in block for name in _OF_IMAGE)


_OF_IMAGE = [field.name for field in fields(Image)]


_THINKING = "reasoning_content"
"""What LangChain's classes for local models call it."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One prompt and all that came of it.

    `prompt` is "" where somebody else's history began with a reply.
    `depth` is 1 for the first turn of a session and grows along the path. `messages` are in order and begin
    with the prompt; they hold no reply while the turn is running. `reply` is the text of all its AI messages,
    or "" where there is none. `input_tokens` and `output_tokens` are as the model's server counted them, None
    where it did not. `receipt` is what the agent made of it, {} until the context was chosen. `rating` is 1 for a
    good reply, -1 for a bad one.
    """

    id: int
    parent_id: int | None
    depth: int
    status: Status
    model: str
    opened_at: datetime
    first_text_at: datetime | None
    closed_at: datetime | None
    input_tokens: int | None
    output_tokens: int | None
    error: str | None
    receipt: Json
    process_id: int | None
    mark: Mark | None
    rating: int | None
    messages: tuple[Message, ...]

    @property
    def prompt(self) -> str:
        first = self.messages[0]
        return first.content if first.sender is Sender.HUMAN else ""

    @property
    def reply(self) -> str:
        return "".join(message.content for message in self.messages if message.sender is Sender.AI)

    @property
    def thinking(self) -> str:
        """What the model thought before it answered, "" where it did not say."""
        return "".join(message.thinking for message in self.messages if message.sender is Sender.AI)

    @property
    def duration(self) -> timedelta | None:
        """From the prompt's arrival to the end of the reply; None while it runs."""
        return self.closed_at - self.opened_at if self.closed_at else None


TEXTS = ("system_prompt", "summary")
"""The settings of a session that are told to the model, and kept in all their versions."""


@dataclass(frozen=True, slots=True)
class SessionText:
    """A system prompt or summary. `version` counts from 1; a `text` of "" is none."""

    version: int
    text: str


@dataclass(frozen=True, slots=True)
class Session:
    """One stored conversation.

    `key` is the store's own integer, `session_id` the name that people and programs use. `title` is "" until
    the first prompt or a person gives it one. `message_count` counts every stored message of all branches;
    `depth` counts the turns of the active path. `forked_from` is the turn up to which it was copied. `running` says
    whether a reply runs in it. `ended_at` is None while it takes prompts. `changes` grows with each mark, rating or
    waiting prompt that is set or taken back. `tags` are in order.
    """

    key: int
    owner: str
    session_id: str
    title: str
    created_at: datetime
    last_activity: datetime
    message_count: int
    head_id: int | None
    depth: int
    running: bool
    forked_from: int | None
    stored_settings: str
    pinned: bool
    archived: bool
    ended_at: datetime | None
    changes: int
    tags: tuple[str, ...]

    @property
    def settings(self) -> dict[str, Any]:
        """What the session overrides; its texts are `SessionText`s."""
        found: dict[str, Any] = json.loads(self.stored_settings)
        return found | {kind: SessionText(**found[kind]) for kind in TEXTS if kind in found}


class Order(StrEnum):
    """Of sessions in a list: pinned ones and then the last used first, newest first, by title, most messages first."""

    ACTIVITY = "activity"
    CREATION = "creation"
    TITLE = "title"
    MESSAGES = "messages"


@dataclass(frozen=True, slots=True)
class SessionFilters:
    """Which sessions of a list are wanted; None lets in both or all.

    `titled` are words of the title, of which the last may still be typed. `since` and `until` are days or moments, the
    latter exclusive, between which the session was last used; without a time zone they are of this machine's.
    """

    titled: str = ""
    tag: str | None = None
    archived: bool | None = False
    pinned: bool | None = None
    ended: bool | None = None
    since: date | None = None
    until: date | None = None


SessionPlace = tuple[int | str, ...]
"""Where a page of sessions ended. It means nothing to anybody else: hand it back to get the next page."""


@dataclass(frozen=True, slots=True)
class SessionPage:
    """Sessions in the order that was asked for. `after` gets the next page; it is None on the last one."""

    sessions: tuple[Session, ...]
    after: SessionPlace | None


@dataclass(frozen=True, slots=True)
class RecentTurn:
    """A turn of any of an owner's sessions."""

    session_id: str
    title: str
    turn: Turn


@dataclass(frozen=True, slots=True)
class Past:
    """What lies before a turn at `depth`, 1 for a session's first: turns of its path, each tuple oldest first.

    `window` ends with the turn before it; `pinned` are the pinned ones before the window.
    """

    depth: int
    window: tuple[Turn, ...]
    pinned: tuple[Turn, ...] = ()


@dataclass(frozen=True, slots=True)
class Attached:
    """What comes with a prompt: the contents of its images by digest, and the text that its reply begins with.

    `waiting` is the waiting prompt that it was; with `releases` none that waits is held any more. `also` is another
    model, to be asked the same beside it afterwards.
    `data` is what the client wants kept with the turn, as JSON; "" for nothing.
    With `queues` it goes behind the waiting prompt that is due, unless that is the one that is `stuck`.
    """

    images: Mapping[str, bytes] = field(default_factory=dict)
    begun: str = ""
    waiting: int | None = None
    releases: bool = False
    also: str | None = None
    queues: bool = False
    stuck: int | None = None
    data: str = ""


@dataclass(frozen=True, slots=True)
class WaitingPrompt:
    """A prompt that is sent when the reply before it has ended.

    `model` is None for the one that the session has then. It becomes another continuation next to the turn `beside`, or
    next to that of the waiting prompt `along_with`, which is the same for another model. One that is `held` is sent
    only when a person asks for that. `contents` are those of its images by digest, read only where it is taken back.
    """

    id: int
    message: Message
    model: str | None
    beside: int | None
    along_with: int | None
    held: bool
    placed_at: datetime
    contents: Mapping[str, bytes] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class OpenedTurn:
    """A turn that now runs, with what lies before it."""

    id: int
    owner: str
    session_id: str
    session_key: int
    past: Past

    @property
    def depth(self) -> int:
        return self.past.depth

    @property
    def window(self) -> tuple[Turn, ...]:
        return self.past.window


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a turn ended. `messages` are those after the prompt, in order; a `receipt` of {} leaves the one it had."""

    status: Status
    messages: tuple[Message, ...] = ()
    receipt: Json = field(default_factory=dict)
    first_text_at: datetime | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """What an owner has stored now.

    `active_sessions` were used within the idle time and not ended; `recent_sessions` were used, and `recent_turns`
    ended, within the last 24 hours, the latter by whole hours of the clock.
    """

    sessions: int
    messages: int
    turns: int
    active_sessions: int
    recent_sessions: int
    recent_turns: int


class DayUse(NamedTuple):
    """One calendar day, by the clock of the machine that ran the turns. Deleting takes nothing from it."""

    day: date
    turns: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    stopped: int = 0
    failed: int = 0
    interrupted: int = 0


@dataclass(frozen=True, slots=True)
class Tally:
    """What was used. `sessions` were begun; `messages` were prompts and all that answered them.

    `writing_time` is in microseconds, from the first text to the end, of the turns whose output tokens were counted.
    """

    sessions: int = 0
    turns: int = 0
    messages: int = 0
    stopped: int = 0
    failed: int = 0
    interrupted: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    prompt_characters: int = 0
    reply_characters: int = 0
    writing_time: int = 0

    @property
    def tokens_per_second(self) -> float | None:
        return 1e6 * self.output_tokens / self.writing_time if self.writing_time else None


@dataclass(frozen=True, slots=True)
class Spread:
    """How long something took, `count` times; None where it never happened.

    Of many times within about 1 %, of a few within a fifth: they are kept in buckets.
    """

    count: int = 0
    median: timedelta | None = None
    p95: timedelta | None = None


@dataclass(frozen=True, slots=True)
class ModelUse:
    """What a model was used for; its name is "" where that was not kept."""

    model: str
    tally: Tally
    first_text: Spread
    duration: Spread


@dataclass(frozen=True, slots=True)
class Figures:
    """The statistics of the days from `since` to `until`, both included, of all sessions or of one.

    `first_text` is the time from the prompt to the first text, `duration` that to the end of the reply. `hours` are the
    turns of each hour of the week, from Monday at 0:00 on; `days` those of every day, the oldest first, also without
    any; `models` are in the order of their turns, the most used first.
    """

    since: date
    until: date
    tally: Tally
    first_text: Spread
    duration: Spread
    hours: tuple[int, ...]
    days: tuple[DayUse, ...]
    models: tuple[ModelUse, ...]


@dataclass(frozen=True, slots=True)
class Token:
    """A secret that stands for an owner; the secret itself is not here. `last_used` is right to about a minute."""

    id: int
    owner: str
    created_at: datetime
    last_used: datetime | None


@dataclass(frozen=True, slots=True)
class Template:
    """What a session can begin with; what is None, "" or empty it leaves to the defaults.

    `openings` are first prompts to choose from; `welcome` is a line that is shown before the first.
    """

    name: str
    system_prompt: str = ""
    model: str | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    window_turns: int | None = None
    openings: tuple[str, ...] = ()
    welcome: str = ""
    tags: tuple[str, ...] = ()
