"""Our own file: JSON, which `docs/export.md` describes. Nothing in it depends on the store that it came out of."""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Any

from storage.transfer.dates import as_text
from storage.transfer.talk import Talk, TalkMessage, TalkText, TalkTurn

FORMAT, VERSION = "windowseat", 1
"""A field that a reader must not miss raises the version: a reader refuses a field that it does not know."""

_BEGIN = f'{{"format":"{FORMAT}","version":{VERSION},"sessions":['
_END = "\n]}\n"


def as_json(talks: Iterable[Talk]) -> Iterator[str]:
    """The file, in pieces: a session a line."""
    yield _BEGIN
    for number, talk in enumerate(talks):
        yield ("," if number else "") + "\n" + json.dumps(to_document(talk), ensure_ascii=False, separators=(",", ":"))
    yield _END


def to_document(talk: Talk) -> dict[str, Any]:
    """What is None, "", False or empty is left out."""
    return _without_nothing(
        {
            "session_id": talk.session_id,
            "title": talk.title,
            "created_at": as_text(talk.created_at),
            "last_activity": as_text(talk.last_activity),
            "pinned": talk.pinned,
            "archived": talk.archived,
            "ended_at": talk.ended_at and as_text(talk.ended_at),
            "tags": [*talk.tags],
            "settings": dict(talk.settings),
            "texts": [_text(text) for text in talk.texts],
            "forked_from": talk.forked_from and {"session_id": talk.forked_from[0], "turn": talk.forked_from[1]},
            "told": [{"turns_before": before, **_message(said)} for before, said in talk.told],
            "images": {digest: base64.b64encode(content).decode() for digest, content in talk.images.items()},
            "turns": [_turn(turn) for turn in talk.turns],
        }
    ) | ({} if talk.head is None else {"head": talk.head})


def _turn(turn: TalkTurn) -> dict[str, Any]:
    """What is None is left out, and a model without a name."""
    told = {name: getattr(turn, name) for name in _TOLD}
    moments = {name: as_text(moment) for name in _MOMENTS if (moment := getattr(turn, name)) is not None}
    said = [_message(message) for message in turn.messages]
    model = {"model": turn.model} if turn.model else {}
    return {name: of for name, of in told.items() if of is not None} | model | moments | {"messages": said}


_MOMENTS = ("opened_at", "first_text_at", "closed_at")
_APART = {*_MOMENTS, "model", "messages"}
_TOLD = tuple(field.name for field in fields(TalkTurn) if field.name not in _APART)


def _message(said: TalkMessage) -> dict[str, Any]:
    more = _without_nothing({"timestamp": said.at and as_text(said.at), "full": said.full})
    return {"sender": said.sender.value, "content": said.content} | more


def _text(text: TalkText) -> dict[str, Any]:
    return {"kind": text.kind, "version": text.version, "text": text.text, "created_at": as_text(text.created_at)}


def _without_nothing(of: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in of.items() if value not in (None, "", False, [], {}, ())}
