"""The words of messages and titles in the database: put there, taken out, and asked for.

Every entry also has marks, words that nobody can type: whose it is, of which session, from whom, from which model, of
which month. So a search among few of many messages costs what it finds.
"""

import unicodedata
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from zlib import crc32

import sqlalchemy as sa

from storage.database import Database, Row, Transaction
from storage.query import Query, Term
from storage.records import Sender, month_of, to_moment
from storage.rows import insert_if_missing
from storage.schema import housekeeping, messages, sessions, turns
from storage.words import words as words_of

MESSAGES = "message_words"
TITLES = "title_words"

VERSION = 1_000_000 + int("".join(f"{int(part):02}" for part in unicodedata.unidata_version.split(".")))
"""The millions are to be raised with any change of the marks or of `storage.words`; the rest is Unicode's version,
since what is a letter depends on it. A store of another version makes its words anew."""

BATCH = 1000
"""How many messages are read at a time where all are gone through."""

Entry = tuple[int, list[str], str]
"""The number of a message or session, its marks, its text."""

FOUND_BY = (Sender.HUMAN, Sender.AI)
"""Whose messages are found: what a tool said is not."""


def voice_mark(owner: str, sender: Sender) -> str:
    """Whose it is and from whom, in one: a mark on every message takes three bytes."""
    return f"{title_mark(owner)}{sender.value.lower()}"


def owner_marks(owner: str) -> tuple[str, ...]:
    """Those of all messages of an owner."""
    return tuple(voice_mark(owner, sender) for sender in FOUND_BY)


def title_mark(owner: str) -> str:
    return f"\ue000{crc32(owner.encode())}"


def session_mark(key: int) -> str:
    return f"\ue001{key}"


def model_mark(model: str) -> str:
    return f"\ue002{crc32(model.encode())}"


def month_mark(month: int) -> str:
    """Of a month as `month_of` counts them."""
    return f"\ue003{month}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an entry must have: each of the terms, and of each group of marks at least one."""

    query: Query
    marks: tuple[tuple[str, ...], ...]


class Index(ABC):
    """What the two engines do each in its own way."""

    key: ClassVar[str]
    """The column with the number of the message or session."""

    finds_newest: ClassVar[bool]
    """Whether it walks through what was asked for from the highest number down, and so finds a few as soon as many."""

    @abstractmethod
    def put(self, transaction: Transaction, table: str, rows: Sequence[Entry]) -> None:
        """Add entries."""

    @abstractmethod
    def remove(self, transaction: Transaction, table: str, rows: Sequence[Entry]) -> None:
        """Take entries out. They are given as they were put in: SQLite knows them by their words only."""

    @abstractmethod
    def empty(self, transaction: Transaction) -> None:
        """Take everything out of both tables."""

    @abstractmethod
    def lock(self, transaction: Transaction) -> None:
        """Keep others from putting anything in until the transaction ends."""

    @abstractmethod
    def condition(self, table: str) -> str:
        """SQL that is true of an entry that was asked for with the `terms`."""

    @abstractmethod
    def terms(self, wanted: Wanted) -> dict[str, Any]:
        pass


class _Sqlite(Index):
    key = "rowid"
    finds_newest = True

    def put(self, transaction: Transaction, table: str, rows: Sequence[Entry]) -> None:
        add = f"INSERT INTO {table} (rowid, words) VALUES (?, ?)"  # noqa: S608 - one of two constants
        transaction.driver.executemany(add, map(_line, rows))

    def remove(self, transaction: Transaction, table: str, rows: Sequence[Entry]) -> None:
        drop = f"INSERT INTO {table} ({table}, rowid, words) VALUES ('delete', ?, ?)"  # noqa: S608 - as above
        transaction.driver.executemany(drop, map(_line, rows))

    def empty(self, transaction: Transaction) -> None:
        for table in (MESSAGES, TITLES):
            transaction.driver.execute(f"INSERT INTO {table} ({table}) VALUES ('delete-all')")  # noqa: S608 - as above

    def lock(self, transaction: Transaction) -> None:
        """Nobody else writes while a transaction does."""

    def condition(self, table: str) -> str:
        return f"{table} MATCH :wanted"

    def terms(self, wanted: Wanted) -> dict[str, Any]:
        said = [f'"{" ".join(term.words)}"{" *" if term.any_ending else ""}' for term in wanted.query.terms]
        marks = ["(" + " OR ".join(f'"{mark}"' for mark in group) + ")" for group in wanted.marks]
        return {"wanted": " AND ".join([*said, *marks])}


def _line(entry: Entry) -> tuple[int, str]:
    number, marks, text = entry
    return number, " ".join(marks + words_of(text))


class _Postgres(Index):
    """Words without their places, since PostgreSQL keeps only so many: that they stand together is seen in the text."""

    key = "id"
    finds_newest = False

    def put(self, transaction: Transaction, table: str, rows: Sequence[Entry]) -> None:
        add = f"INSERT INTO {table} (id, words, in_order) VALUES (%s, CAST(%s AS tsvector), %s)"  # noqa: S608 - as above
        transaction.driver.cursor().executemany(add, map(_vector, rows))

    def remove(self, transaction: Transaction, table: str, rows: Sequence[Entry]) -> None:
        drop = f"DELETE FROM {table} WHERE id = ANY(%s)"  # noqa: S608 - as above
        transaction.driver.execute(drop, ([number for number, *_ in rows],))

    def empty(self, transaction: Transaction) -> None:
        for table in (MESSAGES, TITLES):
            transaction.driver.execute(f"DELETE FROM {table}")  # noqa: S608 - as above

    def lock(self, transaction: Transaction) -> None:
        transaction.driver.execute(f"LOCK TABLE {MESSAGES}, {TITLES} IN SHARE ROW EXCLUSIVE MODE")

    def condition(self, table: str) -> str:
        return f"{table}.words @@ CAST(:wanted AS tsquery) AND {table}.in_order LIKE ALL (CAST(:in_order AS text[]))"

    def terms(self, wanted: Wanted) -> dict[str, Any]:
        said = [" & ".join(_lexemes(term)) for term in wanted.query.terms]
        marks = ["(" + " | ".join(f"'{mark}'" for mark in group) + ")" for group in wanted.marks]
        phrases = [term for term in wanted.query.terms if len(term.words) > 1]
        return {
            "wanted": " & ".join([*said, *marks]),
            "in_order": [f"% {' '.join(term.words)}{'' if term.any_ending else ' '}%" for term in phrases],
        }


def _vector(entry: Entry) -> tuple[int, str, str]:
    number, marks, text = entry
    said = words_of(text)
    return number, " ".join(f"'{word}'" for word in {*marks, *said}), f" {' '.join(said)} "


def _lexemes(term: Term) -> Iterator[str]:
    *before, last = term.words
    yield from (f"'{word}'" for word in before)
    yield f"'{last}'{':*' if term.any_ending else ''}"


_INDEXES: dict[str, Index] = {"sqlite": _Sqlite(), "postgresql": _Postgres()}


def index_of(transaction: Transaction) -> Index:
    return _INDEXES[transaction.dialect.name]


_ENTRIES = (
    sa.select(messages.c.id, sessions.c.owner, turns.c.session_key, messages.c.sender, turns.c.model)
    .add_columns(messages.c.timestamp, messages.c.content)
    .select_from(messages.join(turns, turns.c.id == messages.c.turn_id).join(sessions))
    .where(messages.c.sender.in_([sa.literal_column(f"'{sender.value}'") for sender in FOUND_BY]))
)
_OF_TURN = _ENTRIES.where(messages.c.turn_id == sa.bindparam("of_turn"), messages.c.position >= sa.bindparam("first"))
_OF_SESSION = _ENTRIES.where(turns.c.session_key == sa.bindparam("key"), turns.c.status != "running")
_EVERY = (
    _ENTRIES.where(messages.c.id > sa.bindparam("above"), turns.c.status != "running")
    .order_by(messages.c.id)
    .limit(sa.bindparam("count"))
)
_TITLES = sa.select(sessions.c.id, sessions.c.owner, sessions.c.title).where(sessions.c.title != "")
_TITLE = _TITLES.where(sessions.c.id == sa.bindparam("key"))
_TASK = "words"
_MADE = sa.select(housekeeping.c.value).where(housekeeping.c.task == sa.literal_column(f"'{_TASK}'"))
_SET_MADE = sa.update(housekeeping).where(housekeeping.c.task == _TASK).values(value=sa.bindparam("version"))


def put_turn(transaction: Transaction, turn_id: int, *, first: int = 0) -> Counter[Sender]:
    """Let the messages of a turn that has ended be found, from the position `first` on; say how long they are."""
    rows = transaction.rows(_OF_TURN, {"of_turn": turn_id, "first": first})
    index_of(transaction).put(transaction, MESSAGES, [*map(_entry, rows)])
    told: Counter[Sender] = Counter()
    for *_, sender, _model, _timestamp, content in rows:
        told[Sender(sender)] += len(content)
    return told


def remove_turn(transaction: Transaction, turn_id: int, *, first: int = 0) -> None:
    """Before its messages are deleted or changed."""
    rows = transaction.rows(_OF_TURN, {"of_turn": turn_id, "first": first})
    index_of(transaction).remove(transaction, MESSAGES, [*map(_entry, rows)])


def put_session(transaction: Transaction, key: int) -> None:
    """Let all messages of a session be found. Its title is apart."""
    rows = transaction.rows(_OF_SESSION, {"key": key})
    index_of(transaction).put(transaction, MESSAGES, [*map(_entry, rows)])


def remove_session(transaction: Transaction, key: int) -> None:
    """Before its turns are deleted. Its title stays."""
    rows = transaction.rows(_OF_SESSION, {"key": key})
    index_of(transaction).remove(transaction, MESSAGES, [*map(_entry, rows)])


def put_title(transaction: Transaction, key: int) -> None:
    rows = transaction.rows(_TITLE, {"key": key})
    index_of(transaction).put(transaction, TITLES, [*map(_title_entry, rows)])


def remove_title(transaction: Transaction, key: int) -> None:
    """Before it is changed or deleted."""
    rows = transaction.rows(_TITLE, {"key": key})
    index_of(transaction).remove(transaction, TITLES, [*map(_title_entry, rows)])


def bring_up_to_date(database: Database) -> None:
    """Make all words anew where another version made them, or none: some dozens of µs a message."""
    with database.read() as transaction:
        if _is_current(transaction):
            return
    with database.write() as transaction:
        index = index_of(transaction)
        index.lock(transaction)
        if _is_current(transaction):
            return  # Somebody else has opened the database at the same time.
        index.empty(transaction)
        for rows in _batches(transaction):
            index.put(transaction, MESSAGES, [*map(_entry, rows)])
        index.put(transaction, TITLES, [*map(_title_entry, transaction.rows(_TITLES, {}))])
        transaction.change(insert_if_missing(transaction, housekeeping, "task", "value"), {"task": _TASK, "value": 0})
        transaction.change(_SET_MADE, {"version": VERSION})


def _is_current(transaction: Transaction) -> bool:
    return bool(transaction.value(_MADE, {}) == VERSION)


def _batches(transaction: Transaction) -> Iterator[list[Row]]:
    last = 0
    while rows := transaction.rows(_EVERY, {"above": last, "count": BATCH}):
        yield rows
        last = rows[-1][0]


def _entry(row: Row) -> Entry:
    number, owner, session, sender, model, timestamp, content = row
    month = month_mark(month_of(to_moment(timestamp)))
    return number, [voice_mark(owner, Sender(sender)), session_mark(session), model_mark(model), month], content


def _title_entry(row: Row) -> Entry:
    number, owner, title = row
    return number, [title_mark(owner)], title
