"""What there is to read in a session: the entries of its active path, the same for all forms that people read."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storage.records import TEXTS, Sender, Status
from storage.transfer.pictures import Picture, blocks_of, data_of, pictures_of
from storage.transfer.talk import Talk, TalkMessage, TalkTurn

ENDED = {
    Status.STOPPED: "This reply was stopped.",
    Status.FAILED: "This reply failed.",
    Status.INTERRUPTED: "This reply was interrupted.",
}
NOTHING = "Nothing was said in it."
"""The sentence of a session without a turn."""

_SILENT = "The model answered without a word."
_CALLED = {kind: kind.replace("_", " ").capitalize() for kind in TEXTS}


@dataclass(frozen=True, slots=True)
class Call:
    """A model's call of a tool; `arguments` are JSON, in lines."""

    tool: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A message as people read it. `end` says how a reply ended that did not reach its end, "" of all others.

    `at` is None of what was in force the whole time.
    """

    sender: Sender
    title: str
    at: datetime | None
    text: str
    thinking: str = ""
    calls: tuple[Call, ...] = ()
    pictures: tuple[Picture, ...] = ()
    end: str = ""

    @property
    def says_something(self) -> bool:
        """Whether there is anything but calls of tools."""
        return bool(self.text or self.thinking or self.pictures or self.end)

    @property
    def heading(self) -> str:
        return self.title if self.at is None else f"{self.title}, {moment(self.at)}"


def moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def title_of(talk: Talk) -> str:
    """On one line."""
    return one_line(talk.title) or one_line(talk.session_id)


def one_line(text: str) -> str:
    return " ".join(text.split())


def notes_of(talk: Talk) -> list[str]:
    """What there is to say of a session beside its turns."""
    notes = [f"Begun {moment(talk.created_at)}, last used {moment(talk.last_activity)}."]
    if talk.tags:
        notes.append(f"Tags: {', '.join(talk.tags)}.")
    if others := len(talk.turns) - len(_path(talk)):
        are = "more turn is on another branch: it is" if others == 1 else "more turns are on other branches: they are"
        notes.append(f"{others:,} {are} in the JSON file.")
    return notes


def entries_of(talk: Talk) -> Iterator[Entry]:
    """In the order in which they are read: what the model was told, then the messages of the active path."""
    for kind in TEXTS:
        in_force = talk.settings.get(kind)
        if isinstance(in_force, dict) and isinstance(text := in_force.get("text"), str) and text:
            yield Entry(Sender.SYSTEM, _CALLED[kind], None, text)
    told = list(talk.told)
    for place in _path(talk):
        while told and told[0][0] <= place:
            yield _entry(talk, None, told.pop(0)[1])
        yield from _of_turn(talk, talk.turns[place])
    for _, said in told:
        yield _entry(talk, None, said)


def _path(talk: Talk) -> list[int]:
    """The places of the active path's turns, oldest first."""
    found, place = [], talk.head
    while place is not None:
        found.append(place)
        place = talk.turns[place].parent
    return found[::-1]


def _of_turn(talk: Talk, turn: TalkTurn) -> Iterator[Entry]:
    last = turn.messages[-1] if turn.messages else None
    for said in turn.messages:
        yield _entry(talk, turn, said, _end(turn) if said is last and said.sender is Sender.AI else "")
    if (last is None or last.sender is not Sender.AI) and _end(turn):
        yield Entry(Sender.AI, _title(Sender.AI, turn), turn.closed_at or turn.opened_at, "", end=_end(turn))


def _end(turn: TalkTurn) -> str:
    if turn.status in ENDED:
        return turn.error or ENDED[turn.status]
    last = turn.messages[-1] if turn.messages else None
    is_silent = last is not None and last.sender is Sender.AI and not last.content and not _calls(last)
    return _SILENT if is_silent and turn.status is Status.COMPLETE else ""


def _entry(talk: Talk, turn: TalkTurn | None, said: TalkMessage, end: str = "") -> Entry:
    calls = _calls(said)
    # The text of a step that another program exported repeats its call.
    text = "" if calls and said.sender is Sender.TOOL else said.content
    at = said.at or (talk.created_at if turn is None else turn.opened_at)
    title = _title(said.sender, turn, data_of(said))
    return Entry(said.sender, title, at, text, _thinking(said), calls, pictures_of(said, talk.images), end)


def _title(sender: Sender, turn: TalkTurn | None, data: dict[str, Any] | None = None) -> str:
    match sender:
        case Sender.HUMAN:
            return "Prompt"
        case Sender.AI:
            model = one_line(turn.model) if turn else ""
            return f"Reply by {model}" if model else "Reply"
        case Sender.SYSTEM:
            return "System message"
        case _:
            name, failed = (data or {}).get("name"), (data or {}).get("status") == "error"
            named = f"Tool {one_line(name)}" if isinstance(name, str) and name.strip() else "Tool"
            return f"{named} (failed)" if failed else named


def _thinking(said: TalkMessage) -> str:
    """What a model thought before it answered, "" where it did not say."""
    kept = data_of(said).get("additional_kwargs")
    thought = kept.get("reasoning_content") if isinstance(kept, dict) else None
    if isinstance(thought, str) and thought:
        return thought
    thoughts = (block.get(block["type"]) for block in blocks_of(said) if block.get("type") in ("thinking", "reasoning"))
    return "\n\n".join(part for part in thoughts if isinstance(part, str))


def _calls(said: TalkMessage) -> tuple[Call, ...]:
    calls = data_of(said).get("tool_calls")
    return tuple(map(_call, calls)) if isinstance(calls, list) else ()


def _call(call: object) -> Call:
    if not isinstance(call, dict):
        return Call("tool", _json(call))
    name = call.get("name")
    return Call(one_line(name) if isinstance(name, str) and name.strip() else "tool", _json(call.get("args")))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
