"""Our own document, read back: whatever is not as we write it is a reason not to take the session."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import fields as fields_of
from functools import partial
from hashlib import sha256
from typing import Any

from storage.records import TEXTS, Sender, as_tag
from storage.transfer import fields
from storage.transfer.coherence import check_images, check_texts, check_turns
from storage.transfer.giving import SOURCE
from storage.transfer.talk import Talk, TalkMessage, TalkText
from storage.transfer.texts import Unreadable, shown
from storage.transfer.understood_turns import MESSAGE, message_of, turn_of

_SESSION = frozenset(field.name for field in fields_of(Talk)) - {"source", "hidden"}
_TOLD = MESSAGE | {"turns_before"}
_TEXT = frozenset(("kind", "version", "text", "created_at"))
_ORIGIN = frozenset(("session_id", "turn"))


def understood(document: object) -> Talk:
    """The session that `to_document` made the document of, in every field.

    Raises Unreadable with a reason that names the place, where turns are numbered from 0 as they are in the document.
    Settings, receipts, whole messages and what clients keep are held only to what a database can keep: what they mean
    is the agent's matter.
    """
    of = fields.object_of(document, _SESSION)
    name, created = _name(of), fields.moment(of, "created_at")
    turns = fields.each(fields.rows(of, "turns"), "Turn", turn_of)
    talk = Talk(
        source=f"{SOURCE}:{name}:{created.isoformat()}",
        session_id=name,
        title=fields.text(of, "title", ""),
        created_at=created,
        last_activity=fields.moment(of, "last_activity"),
        turns=turns,
        head=fields.number_or_none(of, "head"),
        pinned=fields.flag(of, "pinned"),
        archived=fields.flag(of, "archived"),
        ended_at=fields.moment_or_none(of, "ended_at"),
        tags=fields.each(fields.rows(of, "tags"), "Tag", _tag),
        settings=fields.table(of, "settings"),
        texts=fields.each(fields.rows(of, "texts"), "Text", _text),
        told=fields.each(fields.rows(of, "told"), "System message", partial(_told, most=len(turns))),
        images=_images(fields.table(of, "images")),
        forked_from=_origin(of["forked_from"]) if "forked_from" in of else None,
    )
    check_turns(talk)
    check_texts(talk)
    check_images(talk)
    return talk


def _name(of: Mapping[str, Any]) -> str:
    name = fields.name_in(of, "session_id")
    if not name:
        raise Unreadable("“session_id” is empty.")
    return name


def _tag(value: object) -> str:
    tag = fields.name_in({"tag": value}, "tag")
    if not tag or as_tag(tag) != tag:
        raise Unreadable("It is not on one line in lower case.")
    return tag


def _told(value: object, most: int) -> tuple[int, TalkMessage]:
    of = fields.object_of(value, _TOLD)
    before = fields.number(of, "turns_before")
    if before > most:
        raise Unreadable(f"“turns_before” is {before:,}, but there are only {most:,} turns.")
    said = message_of({name: part for name, part in of.items() if name != "turns_before"})
    if said.sender is not Sender.SYSTEM:
        raise Unreadable("“sender” is not System.")
    return before, said


def _text(value: object) -> TalkText:
    of = fields.object_of(value, _TEXT)
    kind = fields.text(of, "kind")
    if kind not in TEXTS:
        raise Unreadable(f"“kind” is none of {', '.join(TEXTS)}.")
    if not (version := fields.number(of, "version")):
        raise Unreadable("“version” counts from 1.")
    return TalkText(kind, version, fields.text(of, "text"), fields.moment(of, "created_at"))


def _images(of: Mapping[str, Any]) -> dict[str, bytes]:
    return {digest: _image(digest, content) for digest, content in of.items()}


def _image(digest: str, content: object) -> bytes:
    try:
        found = base64.b64decode(content, validate=True) if isinstance(content, str) else None
    except (binascii.Error, ValueError):
        found = None
    if found is None:
        raise Unreadable(f"Its image “{shown(digest)}” is not in base64.")
    if sha256(found).hexdigest() != digest:
        raise Unreadable(f"Its image “{shown(digest)}” is another one than its digest says: the file is damaged.")
    return found


def _origin(value: object) -> tuple[str, int]:
    of = fields.object_of(value, _ORIGIN)
    return fields.name_in(of, "session_id"), fields.number(of, "turn")
