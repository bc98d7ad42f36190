"""From rows to records, and the statements that more than one part of the store needs."""

import json
from collections.abc import Iterable
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from storage.database import Row, Transaction
from storage.errors import SessionNotFound, TextRefused
from storage.records import Json, Mark, Message, Sender, Session, Status, Turn, to_moment
from storage.schema import messages, owners, session_tags, sessions, turn_marks, turns

HERE = (sessions.c.owner == sa.bindparam("owner"), sessions.c.session_id == sa.bindparam("session_id"))

# A literal, not a parameter: only so does SQLite see that the partial index serves.
IS_RUNNING = turns.c.status == sa.literal_column("'running'")

_HEAD = turns.alias("head")


class _Lines(FunctionElement[str]):
    """The values of a column, one a line."""

    type = sa.Text()
    inherit_cache = True


@compiles(_Lines)
def _string_agg(element: _Lines, compiler: Any, **options: Any) -> str:
    return f"string_agg({compiler.process(element.clauses, **options)}, chr(10))"


@compiles(_Lines, "sqlite")
def _group_concat(element: _Lines, compiler: Any, **options: Any) -> str:
    return f"group_concat({compiler.process(element.clauses, **options)}, char(10))"


SESSIONS = sa.select(
    sessions.c.id,
    sessions.c.owner,
    sessions.c.session_id,
    sessions.c.title,
    sessions.c.created_at,
    sessions.c.last_activity,
    sessions.c.message_count,
    sessions.c.head_id,
    sa.func.coalesce(_HEAD.c.depth, 0),
    # Whatever runs is the head.
    sa.func.coalesce(_HEAD.c.status, "") == "running",
    sessions.c.forked_from,
    sessions.c.settings,
    sessions.c.pinned,
    sessions.c.archived,
    sessions.c.ended_at,
    sessions.c.changes,
    sa.select(_Lines(session_tags.c.tag)).where(session_tags.c.session_key == sessions.c.id).scalar_subquery(),
).select_from(sessions.outerjoin(_HEAD, _HEAD.c.id == sessions.c.head_id))

TURN_COLUMNS = (
    turns.c.id,
    turns.c.parent_id,
    turns.c.depth,
    turns.c.status,
    turns.c.model,
    turns.c.opened_at,
    turns.c.first_text_at,
    turns.c.closed_at,
    turns.c.input_tokens,
    turns.c.output_tokens,
    turns.c.error,
    turns.c.receipt,
    turns.c.process_id,
    turn_marks.c.mark,
    turn_marks.c.rating,
)
MESSAGE_COLUMNS = (messages.c.sender, messages.c.content, messages.c.full)

ADD_MESSAGE = sa.insert(messages).values(
    dict.fromkeys(("turn_id", "session_key", "position", "sender", "content", "timestamp", "full"))
)
ANY_RUNNING = sa.select(turns.c.id).where(turns.c.session_key == sa.bindparam("key"), IS_RUNNING)
_ONE_SESSION = SESSIONS.where(*HERE)
_PINNED_ANY = sa.exists().where(
    turn_marks.c.session_key == sessions.c.id, turn_marks.c.mark == sa.literal_column("'pinned'")
)
_FIND_SESSION = sa.select(
    sessions.c.id, sessions.c.head_id, sessions.c.title, sessions.c.ended_at, _PINNED_ANY.label("pinned_any")
).where(*HERE)
_FIND_TO_WRITE = _FIND_SESSION.with_for_update(of=sessions)
LOCK_SESSION = sa.select(sessions.c.id).where(sessions.c.id == sa.bindparam("key")).with_for_update()
_COUNT_IN_OWNER = (
    sa.update(owners)
    .where(owners.c.owner == sa.bindparam("of_owner"))
    .values(
        session_count=owners.c.session_count + sa.bindparam("more_sessions"),
        turn_count=owners.c.turn_count + sa.bindparam("more_turns"),
        message_count=owners.c.message_count + sa.bindparam("more_messages"),
    )
)
_COUNT_IN_SESSION = (
    sa.update(sessions)
    .where(sessions.c.id == sa.bindparam("key"))
    .values(
        message_count=sessions.c.message_count + sa.bindparam("more_messages"),
        last_activity=sa.bindparam("now"),
    )
)
_COUNT_CHANGE = sa.update(sessions).where(sessions.c.id == sa.bindparam("key")).values(changes=sessions.c.changes + 1)


def to_json(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def to_session(row: Row) -> Session:
    key, owner, session_id, title, created, active, message_count, head, depth, running, *rest = row
    forked_from, settings, pinned, archived, ended, changes, tags = rest
    return Session(
        key,
        owner,
        session_id,
        title,
        to_moment(created),
        to_moment(active),
        message_count,
        head,
        depth,
        bool(running),
        forked_from,
        settings,
        bool(pinned),
        bool(archived),
        None if ended is None else to_moment(ended),
        changes,
        tuple(sorted(tags.split("\n"))) if tags else (),
    )


def to_turns(rows: Iterable[Row]) -> tuple[Turn, ...]:
    """Turns from rows of TURN_COLUMNS and MESSAGE_COLUMNS, one a message; a turn's rows stand together."""
    width = len(TURN_COLUMNS)
    grouped = groupby(rows, key=itemgetter(0))
    return tuple(_to_turn([*members], width) for _, members in grouped)


def _to_turn(rows: list[tuple[Any, ...]], width: int) -> Turn:
    (
        key,
        parent,
        depth,
        status,
        model,
        opened,
        first_text,
        closed,
        tokens_in,
        tokens_out,
        error,
        receipt,
        process,
        mark,
        rating,
    ) = rows[0][:width]
    return Turn(
        key,
        parent,
        depth,
        Status(status),
        model,
        to_moment(opened),
        None if first_text is None else to_moment(first_text),
        None if closed is None else to_moment(closed),
        tokens_in,
        tokens_out,
        error,
        json.loads(receipt) if receipt else {},
        process,
        None if mark is None else Mark(mark),
        rating,
        tuple(to_message(*row[width:]) for row in rows),
    )


def to_message(sender: str, content: str, full: str | None) -> Message:
    return Message(Sender(sender), content, json.loads(full) if full else None)


class Found(NamedTuple):
    """What a statement on a session starts from; `pinned_any` says whether a turn of it is pinned."""

    key: int
    head: int | None
    title: str
    ended_at: int | None
    pinned_any: bool


def find_session(transaction: Transaction, owner: str, session_id: str, *, to_write: bool = False) -> Found:
    """`to_write` keeps others from moving it. Raises SessionNotFound."""
    row = transaction.row(_FIND_TO_WRITE if to_write else _FIND_SESSION, {"owner": owner, "session_id": session_id})
    if row is None:
        raise SessionNotFound(session_id)
    return Found(*row)


def one_session(transaction: Transaction, owner: str, session_id: str) -> Session:
    """Raises SessionNotFound."""
    row = transaction.row(_ONE_SESSION, {"owner": owner, "session_id": session_id})
    if row is None:
        raise SessionNotFound(session_id)
    return to_session(row)


def message_rows(first: int, group: Iterable[Message], now: int, **belongs: int) -> list[dict[str, Any]]:
    """Rows for `messages`, numbered from `first`; `belongs` is a turn_id or a session_key. Raises TextRefused."""
    return [
        {
            "turn_id": None,
            "session_key": None,
            **belongs,
            "position": position,
            "sender": message.sender.value,
            "content": checked(message.content),
            "timestamp": now,
            "full": None if message.full is None else to_json(message.full),
        }
        for position, message in enumerate(group, start=first)
    ]


def checked(text: str) -> str:
    """The text, unchanged. Raises TextRefused where one of the two engines could not keep it."""
    if "\0" in text:
        raise TextRefused
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise TextRefused from error
    return text


def count_in_session(transaction: Transaction, key: int, more_messages: int, now: int) -> None:
    transaction.change(_COUNT_IN_SESSION, {"key": key, "more_messages": more_messages, "now": now})


def count_change(transaction: Transaction, key: int) -> None:
    """Let it be seen of a session that something beside its row has changed."""
    transaction.change(_COUNT_CHANGE, {"key": key})


def count_in_owner(
    transaction: Transaction, owner: str, *, sessions: int = 0, turns: int = 0, messages: int = 0
) -> None:
    """Keep the owner's totals. Numbers may be negative, for what was deleted."""
    counts = {"more_sessions": sessions, "more_turns": turns, "more_messages": messages}
    if transaction.change(_COUNT_IN_OWNER, {"of_owner": owner, **counts}) == 0:
        transaction.change(insert_if_missing(transaction, owners, "owner"), {"owner": owner})
        transaction.change(_COUNT_IN_OWNER, {"of_owner": owner, **counts})


@cache
def insert_into(table: sa.Table, *columns: str) -> sa.Insert:
    """An INSERT with a term for each of the columns, of the column's name."""
    return sa.insert(table).values(dict.fromkeys(columns))


def insert_if_missing(transaction: Transaction, table: sa.Table, *columns: str) -> sa.Insert:
    """The same, but it leaves an existing row alone."""
    return _insert_if_missing(transaction.dialect.name, table, *columns)


@cache
def _insert_if_missing(engine: str, table: sa.Table, *columns: str) -> sa.Insert:
    insert = postgresql.insert if engine == "postgresql" else sqlite.insert
    return insert(table).values(dict.fromkeys(columns)).on_conflict_do_nothing()
