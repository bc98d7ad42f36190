"""What becomes of a conversation that is taken in."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from storage.transfer.talk import Talk, TalkTurn
from storage.usage_many import Added


class Fate(StrEnum):
    """What becomes of a conversation.

    It is a `new` session; more turns of one that is there, which has `grown`; `known` already; or left out for now,
    since its session is `busy` with a reply.
    """

    NEW = "new"
    GROWN = "grown"
    KNOWN = "known"
    BUSY = "busy"


@dataclass(frozen=True, slots=True)
class Taken:
    """A conversation, and what came in of it, or would; `hidden` messages were left out, as the exporter did."""

    fate: Fate
    session_id: str
    title: str
    turns: int = 0
    messages: int = 0
    hidden: int = 0

    @classmethod
    def of(cls, fate: Fate, talk: Talk, name: str, added: Sequence[TalkTurn] = (), told: int = 0) -> "Taken":
        said = sum(len(turn.messages) for turn in added) + told
        return cls(fate, name, talk.title, len(added), said, talk.hidden if fate is Fate.NEW else 0)


class Stopped(Exception):
    """Somebody wants no more to come in; what is being written is taken back."""


@dataclass
class Run:
    """What one way through a file knows of what came before, and what its turns add to the figures.

    `names` holds by the names in the file those that the sessions have here; `numbers` the last number that was put
    behind a name that was taken; `given` the names that a dry run would have given, and `sources` what it has seen.
    """

    owner: str
    counted: Added = field(default_factory=Added)
    names: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    given: set[str] = field(default_factory=set)
    sources: set[str] = field(default_factory=set)
