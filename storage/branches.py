"""Branches: other continuations of the same turn, switching between them, and forks into sessions of their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter, itemgetter

import sqlalchemy as sa

from storage.client_data import copy_data
from storage.clock import Clock
from storage.database import Database, Row, Transaction
from storage.errors import SessionBusy
from storage.index import put_session, put_title
from storage.paths import BACK, WHOLE, parent_of
from storage.records import Session, Turn, to_microseconds
from storage.rows import ANY_RUNNING, count_in_owner, find_session, insert_if_missing, insert_into, one_session
from storage.schema import images, messages, session_tags, session_texts, sessions, turn_marks, turns
from storage.tree import ancestor_at, is_on_path, parting

_SIBLINGS = (
    sa.select(turns.c.id)
    .where(turns.c.session_key == sa.bindparam("key"), turns.c.parent_id.is_not_distinct_from(sa.bindparam("parent")))
    .order_by(turns.c.id)
)
_ON_PATH = sa.select(BACK.c.id, turns.c.id).select_from(BACK)
_seed = turns.alias("seed")
_SAME_SESSION = sa.select(_seed.c.session_key).where(_seed.c.id == sa.bindparam("tip")).scalar_subquery()
# Apart, since only so the index serves where there is no parent.
_ALTERNATIVES = sa.union_all(
    _ON_PATH.join(turns, turns.c.parent_id == BACK.c.parent_id),
    _ON_PATH.join(turns, sa.and_(turns.c.parent_id.is_(None), turns.c.session_key == _SAME_SESSION)).where(
        BACK.c.parent_id.is_(None)
    ),
)
_TIP = sa.select(turns.c.tip_id).where(turns.c.id == sa.bindparam("turn_id"))
_LEAVE = sa.update(turns).where(turns.c.id == sa.bindparam("turn_id")).values(tip_id=sa.bindparam("tip"))
_SET_HEAD = sa.update(sessions).where(sessions.c.id == sa.bindparam("key")).values(head_id=sa.bindparam("head"))

# What a copied turn takes along: all but its place, its process and what a client called it.
_COPIED = [
    column.name
    for column in turns.columns
    if column.name not in {"id", "session_key", "parent_id", "jump_id", "tip_id", "process_id", "idempotency_key"}
]
_PATH_TURNS = (
    sa.select(turns.c.id, turns.c.jump_id, *(turns.c[name] for name in _COPIED))
    .select_from(BACK)
    .join(turns, turns.c.id == BACK.c.id)
    .where(turns.c.status != "running")
    .order_by(BACK.c.step.desc())
)
_COPY_TURN = insert_into(turns, "session_key", "parent_id", "jump_id", *_COPIED).returning(turns.c.id)
_depth = attrgetter("depth")


def _copy(belongs: sa.Column[int], *names: str) -> sa.Insert:
    """Copy the rows that belong to `source`, a turn or a session, to `target`, another one."""
    copied = [belongs.table.c[name] for name in names]
    source = sa.select(sa.bindparam("target", type_=sa.BigInteger), *copied).where(belongs == sa.bindparam("source"))
    return sa.insert(belongs.table).from_select([belongs, *copied], source)


_OF_MESSAGE = ("position", "sender", "content", "timestamp", "full")
_COPY_MESSAGES = _copy(messages.c.turn_id, *_OF_MESSAGE)
_COPY_OF_SESSION = (
    _copy(session_tags.c.session_key, "tag"),
    _copy(session_texts.c.session_key, "kind", "version", "content", "created_at"),
    _copy(images.c.session_key, "digest", "content"),
)
_COPY_SYSTEM_MESSAGES = _copy(messages.c.session_key, *_OF_MESSAGE)
_MARKS = sa.select(turn_marks.c.turn_id, turn_marks.c.mark, turn_marks.c.rating).where(
    turn_marks.c.session_key == sa.bindparam("key")
)
_ADD_MARK = insert_into(turn_marks, "turn_id", "session_key", "mark", "rating")
_FINISH_FORK = (
    sa.update(sessions)
    .where(sessions.c.id == sa.bindparam("key"))
    .values(
        head_id=sa.bindparam("head"),
        title=sa.bindparam("same_title"),
        settings=sa.bindparam("same_settings"),
        forked_from=sa.bindparam("copied_from"),
        turn_count=sa.bindparam("copied_turns"),
        message_count=sa.bindparam("copied_messages"),
    )
)


@dataclass(frozen=True, slots=True)
class Siblings:
    """The continuations beside each other: ids in the order they were made, and the place of the one asked about."""

    turn_ids: tuple[int, ...]
    place: int


class Branches:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def siblings(self, owner: str, session_id: str, turn_id: int) -> Siblings:
        """The turns with the same parent as this one, itself among them. Raises TurnNotFound."""
        with self._database.read() as transaction:
            key = find_session(transaction, owner, session_id).key
            parent = parent_of(transaction, owner, session_id, turn_id)
            ids = tuple(found for (found,) in transaction.rows(_SIBLINGS, {"key": key, "parent": parent}))
            return Siblings(ids, ids.index(turn_id))

    def alternatives(self, owner: str, session_id: str, path: Sequence[Turn]) -> dict[int, tuple[int, ...]]:
        """For each of these turns of one path that has siblings, the ids of them all, itself among them, in order.

        Raises TurnNotFound.
        """
        if not path:
            return {}
        tip, top = max(path, key=_depth), min(path, key=_depth)
        terms = {"tip": tip.id, "count": tip.depth - top.depth + 1}
        with self._database.read() as transaction:
            parent_of(transaction, owner, session_id, tip.id)
            rows = sorted(transaction.rows(_ALTERNATIVES, terms))
        grouped = {turn_id: tuple(other for _, other in group) for turn_id, group in groupby(rows, itemgetter(0))}
        return {turn.id: found for turn in path if len(found := grouped.get(turn.id, ())) > 1}

    def is_active(self, owner: str, session_id: str, turn_id: int) -> bool:
        """Whether the turn is on the active path. Raises TurnNotFound."""
        with self._database.read() as transaction:
            head = find_session(transaction, owner, session_id).head
            parent_of(transaction, owner, session_id, turn_id)
            return is_on_path(transaction, turn_id, head)

    def switch(self, owner: str, session_id: str, turn_id: int) -> int:
        """Make the branch of a turn the active path, up to where it was last used; give the new head.

        Raises TurnNotFound, and SessionBusy while a turn runs.
        """
        with self._database.write() as transaction:
            key, head, *_ = find_session(transaction, owner, session_id, to_write=True)
            parent_of(transaction, owner, session_id, turn_id)
            if transaction.row(ANY_RUNNING, {"key": key}):
                raise SessionBusy(session_id)
            if head is None or is_on_path(transaction, turn_id, head):
                return head or turn_id
            tip = _last_tip(transaction, head, turn_id)
            leave_branch(transaction, head, tip)
            transaction.change(_SET_HEAD, {"key": key, "head": tip})
            return tip

    def fork(self, owner: str, session_id: str, new_id: str, *, turn_id: int | None = None) -> Session:
        """Copy the path up to a turn, or the active path, into a new session, that goes its own way from there.

        A turn that still runs is not copied. Where a session of the new name exists already, it is left as it is
        and given. Raises SessionNotFound, TurnNotFound.
        """
        now = to_microseconds(self._clock())
        with self._database.write() as transaction:
            find_session(transaction, owner, session_id, to_write=True)
            source = one_session(transaction, owner, session_id)
            if turn_id is not None:
                parent_of(transaction, owner, session_id, turn_id)
            tip = turn_id or source.head_id
            row = {"owner": owner, "session_id": new_id, "created_at": now, "last_activity": now}
            if transaction.change(insert_if_missing(transaction, sessions, *row), row) == 1:
                self._copy(transaction, source, one_session(transaction, owner, new_id), tip)
            return one_session(transaction, owner, new_id)

    def _copy(self, transaction: Transaction, source: Session, to: Session, tip: int | None) -> None:
        rows = transaction.rows(_PATH_TURNS, {"tip": tip, "count": WHOLE}) if tip is not None else []
        copies: dict[int, int] = {}
        message_count, parent = 0, None
        for row in rows:
            parent = _copy_turn(transaction, to.key, row, copies, parent)
            message_count += transaction.change(_COPY_MESSAGES, {"target": parent, "source": row[0]})
        message_count += transaction.change(_COPY_SYSTEM_MESSAGES, {"target": to.key, "source": source.key})
        transaction.change(
            _FINISH_FORK,
            {
                "key": to.key,
                "head": parent,
                "same_title": source.title,
                "same_settings": source.stored_settings,
                "copied_from": tip,
                "copied_turns": len(rows),
                "copied_messages": message_count,
            },
        )
        for turn_id, mark, rating in transaction.rows(_MARKS, {"key": source.key}):
            if turn_id in copies:
                copy = {"turn_id": copies[turn_id], "session_key": to.key, "mark": mark, "rating": rating}
                transaction.change(_ADD_MARK, copy)
        copy_data(transaction, source.key, to.key, copies)
        for copied in _COPY_OF_SESSION:
            transaction.change(copied, {"target": to.key, "source": source.key})
        put_session(transaction, to.key)
        put_title(transaction, to.key)
        count_in_owner(transaction, to.owner, sessions=1, turns=len(rows), messages=message_count)


def leave_branch(transaction: Transaction, head: int, new_head: int) -> None:
    """Remember, where the path to a new head parts from the path to the old one, how far the old one went.

    Where the new head lies in a branch that was left before, but not at its tip, that tip is handed down to where
    the two part, and so on.
    """
    known: int | None = head
    while known is not None and (depth := parting(transaction, known, new_head)) is not None:
        transaction.change(_LEAVE, {"turn_id": ancestor_at(transaction, known, depth), "tip": known})
        known = transaction.value(_TIP, {"turn_id": ancestor_at(transaction, new_head, depth)})


def _last_tip(transaction: Transaction, head: int, turn_id: int) -> int:
    """The last head whose path led through the turn: followed from tip to tip of the branches that lead to it."""
    known: int | None = head
    while known is not None and (depth := parting(transaction, known, turn_id)) is not None:
        known = transaction.value(_TIP, {"turn_id": ancestor_at(transaction, turn_id, depth)})
    return known if known is not None and is_on_path(transaction, turn_id, known) else turn_id


def _copy_turn(transaction: Transaction, key: int, row: Row, copies: dict[int, int], parent: int | None) -> int:
    original, jump, *rest = row
    values = dict(zip(_COPIED, rest, strict=True))
    terms = {**values, "session_key": key, "parent_id": parent, "jump_id": copies.get(jump)}
    copies[original] = copy = int(transaction.value(_COPY_TURN, terms))
    return copy
