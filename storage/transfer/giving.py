"""Sessions out of a store, one after the other, each as it is at one moment."""

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from storage.database import Database, Row, Transaction
from storage.errors import SessionNotFound
from storage.records import Mark, Message, Sender, Status, to_moment
from storage.rows import find_session, one_session
from storage.schema import (
    images,
    imported_sessions,
    messages,
    owners,
    reply_pieces,
    session_tags,
    session_texts,
    sessions,
    thought_pieces,
    turn_data,
    turn_marks,
    turns,
)
from storage.transfer.talk import Talk, TalkMessage, TalkText, TalkTurn

SOURCE = "windowseat"
BATCH = 500

CUT = "It was running when it was taken along."
"""The sentence of a turn that had not ended."""

_NAMES = (
    sa.select(sessions.c.id, sessions.c.session_id)
    .where(sessions.c.owner == sa.bindparam("owner"), sessions.c.id > sa.bindparam("after"))
    .order_by(sessions.c.id)
    .limit(BATCH)
)
_COUNT = sa.select(owners.c.session_count).where(owners.c.owner == sa.bindparam("owner"))
_TURNS = (
    sa.select(
        turns.c.id,
        turns.c.parent_id,
        turns.c.tip_id,
        turns.c.status,
        turns.c.model,
        turns.c.opened_at,
        turns.c.first_text_at,
        turns.c.closed_at,
        turns.c.input_tokens,
        turns.c.output_tokens,
        turns.c.error,
        turns.c.receipt,
        turns.c.idempotency_key,
        turn_marks.c.mark,
        turn_marks.c.rating,
        turn_data.c.content,
    )
    .select_from(turns.outerjoin(turn_marks).outerjoin(turn_data))
    .where(turns.c.session_key == sa.bindparam("key"))
    .order_by(turns.c.id)
)
_OF_MESSAGE = (messages.c.sender, messages.c.content, messages.c.timestamp, messages.c.full)
_MESSAGES = (
    sa.select(messages.c.turn_id, messages.c.id, *_OF_MESSAGE)
    .join(turns, turns.c.id == messages.c.turn_id)
    .where(turns.c.session_key == sa.bindparam("key"))
    .order_by(messages.c.turn_id, messages.c.position)
)
_TOLD = (
    sa.select(messages.c.id, *_OF_MESSAGE).where(messages.c.session_key == sa.bindparam("key")).order_by(messages.c.id)
)
_TAGS = sa.select(session_tags.c.tag).where(session_tags.c.session_key == sa.bindparam("key"))
_TEXTS = sa.select(
    session_texts.c.kind, session_texts.c.version, session_texts.c.content, session_texts.c.created_at
).where(session_texts.c.session_key == sa.bindparam("key"))
_IMAGES = sa.select(images.c.digest, images.c.content).where(images.c.session_key == sa.bindparam("key"))
_ORIGIN = (
    sa.select(sessions.c.session_id, turns.c.session_key)
    .join(turns, turns.c.session_key == sessions.c.id)
    .where(turns.c.id == sa.bindparam("turn_id"))
)
_PLACE = sa.select(sa.func.count()).where(
    turns.c.session_key == sa.bindparam("key"), turns.c.id < sa.bindparam("turn_id")
)
_STATED = sa.select(imported_sessions.c.origin).where(
    imported_sessions.c.session_key == sa.bindparam("key"), imported_sessions.c.origin.is_not(None)
)
_REPLY, _THOUGHTS = (
    sa.select(pieces.c.text).where(pieces.c.turn_id == sa.bindparam("of_turn")).order_by(pieces.c.start)
    for pieces in (reply_pieces, thought_pieces)
)


def give(database: Database, owner: str, session_ids: Iterable[str] | None = None) -> Iterator[Talk]:
    """The sessions of an owner, or those of these names, in the order in which they were made.

    Those of all that are deleted meanwhile are left out. Raises SessionNotFound, where they were named.
    """
    if session_ids is not None:
        yield from (_one(database, owner, name) for name in _in_order(database, owner, session_ids))
        return
    for name in _all_names(database, owner):
        with suppress(SessionNotFound):
            yield _one(database, owner, name)


def count(database: Database, owner: str) -> int:
    """How many sessions an owner has."""
    with database.read() as transaction:
        return transaction.value(_COUNT, {"owner": owner}) or 0


def _one(database: Database, owner: str, session_id: str) -> Talk:
    with database.read() as transaction:
        return talk_of(transaction, owner, session_id)


def _in_order(database: Database, owner: str, session_ids: Iterable[str]) -> list[str]:
    """What was copied comes after what it was copied from, so that both find each other when they are taken in."""
    with database.read() as transaction:
        keys = {name: find_session(transaction, owner, name).key for name in session_ids}
    return sorted(keys, key=lambda name: keys[name])


def _all_names(database: Database, owner: str) -> Iterator[str]:
    after = 0
    while True:
        with database.read() as transaction:
            rows = transaction.rows(_NAMES, {"owner": owner, "after": after})
        yield from (name for _, name in rows)
        if len(rows) < BATCH:
            return
        after = rows[-1][0]


def talk_of(transaction: Transaction, owner: str, session_id: str) -> Talk:
    """Raises SessionNotFound."""
    session = one_session(transaction, owner, session_id)
    of = {"key": session.key}
    rows = transaction.rows(_TURNS, of)
    said = {turn_id: [*group] for turn_id, group in groupby(transaction.rows(_MESSAGES, of), itemgetter(0))}
    places = {row[0]: place for place, row in enumerate(rows)}
    prompts = sorted(group[0][1] for group in said.values())
    return Talk(
        source=f"{SOURCE}:{session_id}:{session.created_at.isoformat()}",
        session_id=session_id,
        title=session.title,
        created_at=session.created_at,
        last_activity=session.last_activity,
        turns=tuple(_turn(transaction, row, said.get(row[0], []), places) for row in rows),
        head=None if session.head_id is None else places.get(session.head_id),
        pinned=session.pinned,
        archived=session.archived,
        ended_at=session.ended_at,
        tags=tuple(sorted(tag for (tag,) in transaction.rows(_TAGS, of))),
        settings=json.loads(session.stored_settings),
        texts=_texts(transaction.rows(_TEXTS, of)),
        told=tuple((_before(prompts, row[0]), _message(row[1:])) for row in transaction.rows(_TOLD, of)),
        images={digest: bytes(content) for digest, content in sorted(transaction.rows(_IMAGES, of))},
        forked_from=_origin(transaction, session.key, session.forked_from),
    )


def _turn(transaction: Transaction, row: Row, said: list[Row], places: dict[int, int]) -> TalkTurn:
    turn_id, parent, tip, status, model, opened, first_text, closed, tokens_in, tokens_out, *rest = row
    error, receipt, called, mark, rating, data = rest
    parts = tuple(_message(of[2:]) for of in said)
    if status == Status.RUNNING:
        status, error, closed = Status.INTERRUPTED, CUT, opened
        parts += _so_far(transaction, turn_id)
    return TalkTurn(
        parent=None if parent is None else places[parent],
        messages=parts,
        opened_at=to_moment(opened),
        status=Status(status),
        model=model,
        first_text_at=_moment(first_text),
        closed_at=_moment(closed),
        input_tokens=tokens_in,
        output_tokens=tokens_out,
        error=error,
        receipt=json.loads(receipt) if receipt else None,
        idempotency_key=called,
        mark=None if mark is None else Mark(mark),
        rating=rating,
        tip=None if tip is None else places.get(tip),
        data=json.loads(data) if data else None,
    )


def _so_far(transaction: Transaction, turn_id: int) -> tuple[TalkMessage, ...]:
    """The reply as far as it is kept."""
    text, thinking = (
        "".join(of for (of,) in transaction.rows(pieces, {"of_turn": turn_id})) for pieces in (_REPLY, _THOUGHTS)
    )
    reply = Message.reply(text, thinking)
    return (TalkMessage(reply.sender, text, full=reply.full),) if text or thinking else ()


def _message(row: Any) -> TalkMessage:
    sender, content, at, full = row
    return TalkMessage(Sender(sender), content, to_moment(at), json.loads(full) if full else None)


def _texts(rows: list[Row]) -> tuple[TalkText, ...]:
    return tuple(TalkText(kind, version, text, to_moment(made)) for kind, version, text, made in sorted(rows))


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else to_moment(microseconds)


def _before(prompts: list[int], message_id: int) -> int:
    """How many turns were made before a message."""
    return sum(prompt < message_id for prompt in prompts)


def _origin(transaction: Transaction, key: int, turn_id: int | None) -> tuple[str, int] | None:
    """What a session was copied from, if that is still there, or as its file said where it never was."""
    row = None if turn_id is None else transaction.row(_ORIGIN, {"turn_id": turn_id})
    if row is None:
        stated = transaction.value(_STATED, {"key": key})
        return None if stated is None else (*json.loads(stated),)
    name, origin = row
    return name, transaction.value(_PLACE, {"key": origin, "turn_id": turn_id})
