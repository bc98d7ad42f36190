"""A conversation on its way from one place to another: what every kind of file is read into.

Turns are in an order in which a parent comes before its children, and name each other by their places in it, from 0.
Where a file does not say something it is None, "" or empty.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from storage.records import Json, Mark, Sender, Status


@dataclass(frozen=True, slots=True)
class TalkMessage:
    """`full` is the whole LangChain message as `message_to_dict` gives it, where it says more than the text."""

    sender: Sender
    content: str
    at: datetime | None = None
    full: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class TalkTurn:
    """A prompt, which is its first message, and what came of it.

    `tip` is the turn where the branch that begins here was last used.
    """

    parent: int | None
    messages: tuple[TalkMessage, ...]
    opened_at: datetime
    status: Status = Status.COMPLETE
    model: str = ""
    first_text_at: datetime | None = None
    closed_at: datetime | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    error: str | None = None
    receipt: Json | None = None
    idempotency_key: str | None = None
    mark: Mark | None = None
    rating: int | None = None
    tip: int | None = None
    data: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class TalkText:
    """A version of a system prompt or summary."""

    kind: str
    version: int
    text: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Talk:
    """A session. `source` names the kind of file and the conversation in it, the same at every export of it.

    `head` is the last turn of the active path. `told` are system messages that belong to no turn, each with the
    number of turns that were made before it. `forked_from` is the session it was copied from, with the place of the
    last turn that was. `hidden` counts the messages that were left out since the other program showed them to nobody.
    Where its dates may be made up when it is read, it is not `dated`.
    """

    source: str
    session_id: str
    title: str
    created_at: datetime
    last_activity: datetime
    turns: tuple[TalkTurn, ...]
    head: int | None
    pinned: bool = False
    archived: bool = False
    ended_at: datetime | None = None
    tags: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    texts: tuple[TalkText, ...] = ()
    told: tuple[tuple[int, TalkMessage], ...] = ()
    images: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    forked_from: tuple[str, int] | None = None
    hidden: int = 0
    dated: bool = True


@dataclass(frozen=True, slots=True)
class Broken:
    """A conversation that can't be read, by what names it in its file, with the reason in a sentence."""

    name: str
    reason: str
