"""Which turns of two conversations are the same: by what was said, when, and after what."""

import hashlib
import json
from collections.abc import Sequence

from storage.records import Mark, Status, to_microseconds
from storage.transfer.giving import CUT
from storage.transfer.talk import Talk, TalkMessage, TalkTurn

Place = int | None


def matched(talk: Talk, there: Talk) -> list[Place]:
    """For each turn of a conversation the place of the same one in what is there; None for one that is not there.

    A reply that was cut off only because it was taken along while it ran is the one that went on.
    """
    known: dict[tuple[Place, bytes], int] = {}
    asked: dict[tuple[Place, bytes], list[int]] = {}
    for place, turn in enumerate(there.turns):
        known.setdefault((turn.parent, _print(turn, turn.messages, dated=talk.dated)), place)
        asked.setdefault((turn.parent, _print(turn, turn.messages[:1], dated=talk.dated)), []).append(place)
    places: list[Place] = []
    for turn in talk.turns:
        above = None if turn.parent is None else places[turn.parent]
        if turn.parent is not None and above is None:
            places.append(None)
            continue
        found = known.get((above, _print(turn, turn.messages, dated=talk.dated)))
        if found is None and turn.status is Status.INTERRUPTED and turn.error == CUT:
            same = asked.get((above, _print(turn, turn.messages[:1], dated=talk.dated)), [])
            found = next((place for place in same if begins(turn, there.turns[place])), None)
        places.append(found)
    return places


def begins(turn: TalkTurn, other: TalkTurn) -> bool:
    """Whether all that was said in a turn is what was said first in the other."""
    said, more = turn.messages, other.messages
    if len(said) > len(more):
        return False
    *whole, last = said
    same = all(one.content == two.content for one, two in zip(whole, more, strict=False))
    return same and more[len(whole)].content.startswith(last.content)


def nobody_went_on(talk: Talk, there: Talk, places: Sequence[Place]) -> bool:
    """Whether all that is there is in the conversation too, if only as the beginning of a turn."""
    left = {*range(len(there.turns))} - {*places}
    return all(_is_beginning(place, talk, there, places) for place in left)


def _is_beginning(place: int, talk: Talk, there: Talk, places: Sequence[Place]) -> bool:
    turn = there.turns[place]
    return any(
        begins(turn, other)
        for other, same in zip(talk.turns, places, strict=True)
        if same is None and (None if other.parent is None else places[other.parent]) == turn.parent
    )


def goes_on(talk: Talk, there: Talk, places: Sequence[Place]) -> bool:
    """Whether the conversation's active path leads on from that which is there."""
    place, path = talk.head, set()
    while place is not None:
        path.add(places[place])
        place = talk.turns[place].parent
    return there.head in path


def within_pins(turns: Sequence[TalkTurn], most: int) -> int:
    """How many turns more may be pinned."""
    return max(0, most - sum(turn.mark is Mark.PINNED for turn in turns))


def _print(turn: TalkTurn, said: Sequence[TalkMessage], *, dated: bool) -> bytes:
    at = to_microseconds(turn.opened_at) if dated else 0
    told = json.dumps([at, *(f"{part.sender} {part.content}" for part in said)])
    return hashlib.sha256(told.encode()).digest()
