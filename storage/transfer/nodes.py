"""The tree of a conversation as other programs keep it: each message is a node that names its parent."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Any

from storage.records import Status


class Speech(Enum):
    PROMPT = auto()
    TEXT = auto()
    THINKING = auto()
    CALL = auto()
    RESULT = auto()


@dataclass(frozen=True, slots=True)
class Said:
    """A part of what a message says. A result belongs to the call of the same `call_id`, or of that `name`."""

    kind: Speech
    text: str
    name: str = ""
    call_id: str = ""
    arguments: dict[str, Any] | None = None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Node:
    """A message. One that says nothing and has no error is only a step on the way from its parent to its children."""

    key: str
    parent: str | None
    said: tuple[Said, ...] = ()
    at: datetime | None = None
    model: str = ""
    status: Status = Status.COMPLETE
    error: str | None = None
    rating: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None

    @property
    def shown(self) -> bool:
        return bool(self.said) or self.error is not None

    @property
    def prompts(self) -> bool:
        return bool(self.said) and self.said[0].kind is Speech.PROMPT


@dataclass(frozen=True, slots=True)
class Dated:
    """A node in its place in the order, with a date; `above` is the place of its parent."""

    node: Node
    above: int | None
    at: datetime


def in_order(nodes: Sequence[Node], begun: datetime) -> list[Dated]:
    """Each node after its parent, and else the older one first, so that what is added later comes last.

    A node without a date has its parent's; one without parent, or whose parent is not there, begins a tree. Circles
    are cut where they come first in the file.
    """
    parents = _parents(nodes)
    below: list[list[int]] = [[] for _ in nodes]
    for place, parent in enumerate(parents):
        if parent is not None:
            below[parent].append(place)
    ready = [(nodes[place].at or begun, place) for place, parent in enumerate(parents) if parent is None]
    heapq.heapify(ready)
    found: list[Dated] = []
    new_place: dict[int, int] = {}
    while ready:
        at, place = heapq.heappop(ready)
        parent = parents[place]
        new_place[place] = len(found)
        found.append(Dated(nodes[place], None if parent is None else new_place[parent], at))
        for child in below[place]:
            heapq.heappush(ready, (nodes[child].at or at, child))
    return found


def _parents(nodes: Sequence[Node]) -> list[int | None]:
    places = {node.key: place for place, node in enumerate(nodes)}
    parents = [None if node.parent is None else places.get(node.parent) for node in nodes]
    walks = [-1] * len(nodes)
    for start in range(len(nodes)):
        trail, place = [], start
        while walks[place] < 0:
            walks[place] = start
            trail.append(place)
            above = parents[place]
            if above is None:
                break
            place = above
        else:
            if walks[place] == start:
                parents[min(trail[trail.index(place) :])] = None
    return parents


def keyed(rows: Sequence[dict[str, Any]], name: str) -> list[tuple[str, dict[str, Any]]]:
    """Messages by what they call themselves: one that stands there twice once, another of its name beside it."""
    found: dict[str, dict[str, Any]] = {}
    for place, message in enumerate(rows):
        called = message.get(name)
        key = called if isinstance(called, str) and called else f"#{place}"
        if key in found and found[key] != message:
            key = f"{key} ({place})"
        found.setdefault(key, message)
    return list(found.items())
