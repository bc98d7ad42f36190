"""What every kind of conversation comes down to before it is a `Talk`."""

import hashlib
import re
from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter

from storage.records import EPOCH, Sender, as_tag
from storage.transfer.coherence import check_names
from storage.transfer.nodes import Dated, Node, in_order
from storage.transfer.spread import Spread, turns_of
from storage.transfer.talk import Talk, TalkMessage
from storage.transfer.texts import clean, joined

_ODD = re.compile("[^A-Za-z0-9._-]")
_LONGEST_NAME = 160
_LONGEST_SOURCE = 500
LONGEST_TITLE = 1000


@dataclass(frozen=True, slots=True)
class Outline:
    """A conversation with its nodes in the order of the file.

    `identity` is what the other program calls it, `current` the last node of the active path, "" or None where the file
    does not say; `told` are the texts of system messages, each with the key of its node, None for what stands before
    all nodes.
    """

    kind: str
    identity: str
    title: str
    created: datetime | None
    updated: datetime | None
    nodes: tuple[Node, ...]
    current: str | None = None
    told: tuple[tuple[str | None, str], ...] = ()
    pinned: bool = False
    archived: bool = False
    tags: tuple[str, ...] = ()
    hidden: int = 0


def to_talk(outline: Outline) -> Talk:
    """The conversation. What has no date has its neighbour's; where there is none at all, it is of 1970.

    Raises Unreadable.
    """
    dates = [node.at for node in outline.nodes if node.at]
    created = outline.created or min(dates, default=outline.updated or EPOCH)
    ordered = in_order(outline.nodes, created)
    spread = turns_of(ordered, outline.current)
    identity = clean(outline.identity) or _made_up(outline, ordered, created)
    talk = Talk(
        source=source_of(outline.kind, identity),
        session_id=session_id(outline.kind, identity),
        title=" ".join(outline.title.split())[:LONGEST_TITLE],
        created_at=created,
        last_activity=max(created, outline.updated or max(dates, default=created)),
        turns=spread.turns,
        head=spread.head,
        pinned=outline.pinned,
        archived=outline.archived,
        tags=tuple(dict.fromkeys(tag for tag in map(as_tag, outline.tags) if tag)),
        told=_told(outline, ordered, spread, created),
        hidden=outline.hidden,
    )
    check_names(talk)
    return talk


def _told(
    outline: Outline, ordered: list[Dated], spread: Spread, created: datetime
) -> tuple[tuple[int, TalkMessage], ...]:
    """Each system message with the number of turns that began before it."""
    places = {dated.node.key: place for place, dated in enumerate(ordered)}
    begins = sorted(spread.begins)
    found = []
    for key, text in outline.told:
        place = None if key is None else places.get(key)
        before = 0 if place is None else bisect_left(begins, place)
        found.append((before, TalkMessage(Sender.SYSTEM, text, created if place is None else ordered[place].at)))
    return tuple(sorted((one for one in found if one[1].content), key=itemgetter(0)))


def source_of(kind: str, identity: str) -> str:
    """What names the conversation wherever it is found again; with a digest in place of a name that is too long."""
    return f"{kind}:{identity if len(identity.encode()) <= _LONGEST_SOURCE else _digest(identity)}"


def session_id(kind: str, identity: str) -> str:
    """A name that fits into an address; with a digest where the other program's own does not."""
    plain = _ODD.sub("-", identity)
    if plain == identity and len(identity) <= _LONGEST_NAME:
        return f"{kind}-{identity}"
    return f"{kind}-{joined([plain[:_LONGEST_NAME], _digest(identity)], '-')}"


def _made_up(outline: Outline, ordered: list[Dated], created: datetime) -> str:
    """For a conversation that has no name: from what a later export of it would say too."""
    first = ordered[0].node if ordered else None
    said = [first.key, *(part.text for part in first.said)] if first else [outline.title]
    return _digest("\n".join([created.isoformat(), *said]))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
