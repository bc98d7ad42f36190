"""From what the nodes of a turn say to its messages."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from storage.records import Message, Sender
from storage.transfer.nodes import Said, Speech
from storage.transfer.talk import TalkMessage
from storage.transfer.texts import joined

_UNNAMED = re.compile("[^A-Za-z0-9_-]")
_LONGEST_NAME = 64


class Moment(NamedTuple):
    """Something said, and when."""

    said: Said
    at: datetime


def messages_of(moments: Sequence[Moment]) -> tuple[TalkMessage, ...]:
    """The messages of a turn, in order, with what was thought before a text in the message of that text.

    A tool's call comes right before its result: most models' servers take nothing between them.
    """
    return tuple(_messages(moments)) or (TalkMessage(Sender.AI, ""),)


def _messages(moments: Sequence[Moment]) -> Iterator[TalkMessage]:
    results = _results(moments)
    paired = set(results.values())
    thoughts: list[str] = []
    for place, (said, at) in enumerate(moments):
        if said.kind is Speech.PROMPT:
            yield TalkMessage(Sender.HUMAN, said.text, at)
        elif said.kind is Speech.THINKING:
            thoughts.append(said.text)
        elif said.kind is Speech.TEXT:
            yield _reply(said.text, thoughts, at)
            thoughts = []
        elif place in results:
            yield from _pair(said, at, moments[results[place]], f"call-{place}")
        elif place not in paired:
            yield _step(said, at)
    if thoughts:
        yield _reply("", thoughts, moments[-1].at)


def _results(moments: Sequence[Moment]) -> dict[int, int]:
    """The places of calls that were answered, and of their answers."""
    waiting: dict[str, int] = {}
    found: dict[int, int] = {}
    for place, (said, _) in enumerate(moments):
        if said.kind is Speech.CALL:
            waiting[said.call_id or said.name] = place
        elif said.kind is Speech.RESULT and (said.call_id or said.name) in waiting:
            found[waiting.pop(said.call_id or said.name)] = place
    return found


def _reply(text: str, thoughts: list[str], at: datetime) -> TalkMessage:
    return TalkMessage(Sender.AI, text, at, Message.reply(text, joined(thoughts)).full)


def _pair(call: Said, at: datetime, result: Moment, number: str) -> Iterator[TalkMessage]:
    called, named = call.call_id or number, _UNNAMED.sub("_", call.name)[:_LONGEST_NAME] or "tool"
    asked = {"name": named, "args": _arguments(call), "id": called, "type": "tool_call"}
    yield TalkMessage(Sender.TOOL, _shown(call), at, {"type": "ai", "data": {"content": "", "tool_calls": [asked]}})
    answer = {
        "content": result.said.text,
        "name": named,
        "tool_call_id": called,
        "status": "error" if result.said.failed else "success",
    }
    yield TalkMessage(Sender.TOOL, result.said.text, result.at, {"type": "tool", "data": answer})


def _arguments(call: Said) -> dict[str, Any]:
    return {"input": call.text} if call.arguments is None else call.arguments


def _step(said: Said, at: datetime) -> TalkMessage:
    """A call without a result or a result without a call: to a model, a text, since its server takes nothing else."""
    return TalkMessage(Sender.TOOL, _shown(said), at, {"type": "ai", "data": {"content": _shown(said)}})


def _shown(said: Said) -> str:
    return f"{said.name}: {said.text}" if said.name else said.text
