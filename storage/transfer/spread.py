"""From a tree of messages to one of turns.

A turn begins with a prompt and goes on until the next one. Where the tree branches in between, each branch is a turn of
its own, with the same prompt and the same parent.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from storage.transfer.messages import Moment, messages_of
from storage.transfer.nodes import Dated
from storage.transfer.talk import TalkTurn
from storage.transfer.texts import Unreadable

MOST_PARTS = 500_000
"""Of the messages of all turns of a conversation, those that several branches share counted for each of them."""

MOST_LETTERS = 256_000_000
"""Of the texts of all turns of a conversation, counted likewise."""


@dataclass(slots=True)
class _Tree:
    """All by place. `shown` is the nearest node that says something, from a node upwards, itself included.

    `before` is the node of the same turn that comes before one, `last_step` the newest that comes after.
    """

    nodes: Sequence[Dated]
    shown: list[int | None] = field(default_factory=list)
    above: list[int | None] = field(default_factory=list)
    before: list[int | None] = field(default_factory=list)
    last_step: dict[int, int] = field(default_factory=dict)
    prompted: set[int] = field(default_factory=set)

    def ends(self, place: int) -> bool:
        """Whether a turn ends here: a prompt follows, or nothing at all."""
        return self.nodes[place].node.shown and (place in self.prompted or place not in self.last_step)


class Spread(NamedTuple):
    """The turns, the place of the head, and for each turn the place of the node that it begins with."""

    turns: tuple[TalkTurn, ...]
    head: int | None
    begins: tuple[int, ...]


def turns_of(nodes: Sequence[Dated], current: str | None) -> Spread:
    """The head is the newest turn where the current node names none."""
    tree = _grown(nodes)
    ends = [place for place in range(len(nodes)) if tree.ends(place)]
    _check_size(tree, ends)
    turn_of: dict[int, int] = {}
    turns: list[TalkTurn] = []
    begins: list[int] = []
    for end in ends:
        path = _path(tree, end)
        above = tree.above[path[0]]
        turns.append(_turn([nodes[place] for place in path], None if above is None else turn_of[above]))
        begins.append(path[0])
        turn_of[end] = len(turns) - 1
    return Spread(tuple(turns), _head(tree, turn_of, current), tuple(begins))


def _grown(nodes: Sequence[Dated]) -> _Tree:
    tree = _Tree(nodes)
    for place, dated in enumerate(nodes):
        above = None if dated.above is None else tree.shown[dated.above]
        goes_on = dated.node.shown and above is not None and not dated.node.prompts
        tree.shown.append(place if dated.node.shown else above)
        tree.above.append(above)
        tree.before.append(above if goes_on else None)
        if above is not None and goes_on:
            tree.last_step[above] = place
        elif above is not None and dated.node.shown:
            tree.prompted.add(above)
    return tree


def _check_size(tree: _Tree, ends: Sequence[int]) -> None:
    parts: list[int] = []
    letters: list[int] = []
    for dated, before in zip(tree.nodes, tree.before, strict=True):
        said = dated.node.said
        parts.append(len(said) + (0 if before is None else parts[before]))
        letters.append(sum(len(part.text) for part in said) + (0 if before is None else letters[before]))
    if sum(parts[end] for end in ends) > MOST_PARTS or sum(letters[end] for end in ends) > MOST_LETTERS:
        raise Unreadable("It branches so often in the middle of its replies that it has no room.")


def _path(tree: _Tree, end: int) -> list[int]:
    """The places of a turn's nodes, from its prompt on."""
    path = [end]
    while (before := tree.before[path[-1]]) is not None:
        path.append(before)
    return path[::-1]


def _turn(path: Sequence[Dated], parent: int | None) -> TalkTurn:
    last = path[-1].node
    ratings = [dated.node.rating for dated in path if dated.node.rating is not None]
    return TalkTurn(
        parent=parent,
        messages=messages_of([Moment(said, dated.at) for dated in path for said in dated.node.said]),
        opened_at=path[0].at,
        status=last.status,
        model=next((dated.node.model for dated in reversed(path) if dated.node.model), ""),
        closed_at=max(path[0].at, path[-1].at),
        input_tokens=last.input_tokens,
        output_tokens=last.output_tokens,
        error=last.error,
        rating=ratings[-1] if ratings else None,
    )


def _head(tree: _Tree, turn_of: dict[int, int], current: str | None) -> int | None:
    called = next((place for place, dated in enumerate(tree.nodes) if dated.node.key == current), None)
    place = None if called is None else tree.shown[called]
    if place is None:
        return len(turn_of) - 1 if turn_of else None
    while place not in turn_of:
        place = tree.last_step[place]
    return turn_of[place]
