"""Search: from what a person typed to the messages and titles that hold it, each with the place marked."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

import sqlalchemy as sa

from storage.database import Database, Row, Transaction
from storage.index import (
    MESSAGES,
    TITLES,
    Index,
    Wanted,
    index_of,
    model_mark,
    month_mark,
    owner_marks,
    session_mark,
    title_mark,
    voice_mark,
)
from storage.query import Query, understood
from storage.rank import best_first
from storage.records import EPOCH, Sender, as_moment, as_tag, month_of, to_microseconds, to_moment
from storage.rows import checked, find_session
from storage.schema import owners, session_tags, sessions
from storage.snippet import Snippet, snippet

RANKED = 1000
"""How many of the newest hits are compared where the best are asked for."""

UNSORTED = 2000
"""PostgreSQL finds so many hits and sorts them sooner than it finds the newest by going back through all messages."""

MOST_MARKS = 100
"""Of a tag that more sessions have, each hit is asked whether its session has it."""

MOST_MONTHS = 60
"""A longer time than so many months is looked at message by message."""

AHEAD = timedelta(days=1)

PAGE = 20

NEWEST = 2**62
"""Above the number of any message."""

_BEST = "best"

Place = tuple[str, int, int, bool]
"""Where a page of hits ended. It means nothing to anybody else: hand it back to get the next page."""

_COLUMNS = {
    MESSAGES: "m.id, s.session_id, s.title, m.turn_id, m.sender, t.model, m.timestamp, m.content",
    TITLES: "s.id, s.session_id, s.title, NULL, NULL, '', s.last_activity, s.title",
}
_JOINS = {
    MESSAGES: "JOIN messages m ON m.id = {entry} JOIN turns t ON t.id = m.turn_id "
    "JOIN sessions s ON s.id = t.session_key",
    TITLES: "JOIN sessions s ON s.id = {entry}",
}
# The marks have chosen already, but two owners or models may share one, and a month is longer than a moment.
_CONDITIONS = {
    "owner": "s.owner = :owner",
    "since": "m.timestamp >= :since",
    "until": "m.timestamp < :until",
    "model": "t.model = :model",
    "tag": "EXISTS (SELECT 1 FROM session_tags g WHERE g.session_key = s.id AND g.tag = :tag)",
}


_WITH_TAG = (
    sa.select(session_tags.c.session_key)
    .join(sessions)
    .where(session_tags.c.tag == sa.bindparam("tag"), sessions.c.owner == sa.bindparam("owner"))
    .limit(MOST_MARKS + 1)
)
_OTHERS = sa.select(owners.c.owner).where(owners.c.owner != sa.bindparam("owner")).limit(1)


@dataclass(frozen=True, slots=True)
class Filters:
    """What a message must be, besides holding the words; None leaves it open.

    `since` and `until` are days or moments, the latter exclusive; without a time zone they are of this machine's.
    Titles are searched only where nothing but `tag` is asked for: they have no sender, model or time.
    """

    session_id: str | None = None
    since: date | None = None
    until: date | None = None
    model: str | None = None
    tag: str | None = None
    sender: Sender | None = None

    @property
    def let_titles_in(self) -> bool:
        return self == Filters(tag=self.tag)


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that holds what was asked for, or a session whose title does: then `turn_id` and `sender` are None.

    `moment` is when the message was stored, or when the session was last used.
    """

    session_id: str
    title: str
    turn_id: int | None
    sender: Sender | None
    model: str
    moment: datetime
    snippet: Snippet


@dataclass(frozen=True, slots=True)
class Findings:
    """A page of hits. `after` gets the next page, and is None on the last.

    `widened` says that nothing held the words themselves, so that these hold words that begin like them. `ranked` is
    how many hits were compared for the best, where there were more than that; else None.
    """

    hits: tuple[Hit, ...]
    after: Place | None
    widened: bool = False
    ranked: int | None = None


@dataclass(frozen=True, slots=True)
class _Asked:
    """A search as the database takes it: the marks of titles and of messages, and the terms of the conditions."""

    query: Query
    title_marks: tuple[tuple[str, ...], ...]
    marks: tuple[tuple[str, ...], ...]
    in_titles: bool
    terms: dict[str, Any]
    is_widened: bool = False


class Search:
    def __init__(self, database: Database) -> None:
        self._database = database

    def find(
        self,
        owner: str,
        typed: str,
        filters: Filters | None = None,
        *,
        best: bool = False,
        count: int = PAGE,
        after: Place | None = None,
    ) -> Findings:
        """Up to `count` hits, titles first, then messages: those stored last first or, with `best`, the best of them.

        `typed` is understood as `storage.query` says. Where it is blank, all that the filters let in is found.
        Where nothing holds its words, words that begin like them are looked for. A fork's copies were stored when it
        was made. Raises SessionNotFound, and TextRefused for a filter that nothing stored can fit.
        """
        filters, count = filters or Filters(), max(1, count)
        query = understood(typed)
        if not query.terms and (typed.strip() or filters == Filters()):
            return Findings((), None)
        with self._database.read() as transaction:
            asked = _asked(transaction, owner, query, filters)
            if asked is None:
                return Findings((), None)
            if after is not None:
                return _page(transaction, _widened(asked) if after[-1] else asked, after, best=best, count=count)
            found = _page(transaction, asked, None, best=best, count=count)
            if found.hits or query.widened() == query:
                return found
            wider = _page(transaction, _widened(asked), None, best=best, count=count)
            return wider if wider.hits else found


def _asked(transaction: Transaction, owner: str, query: Query, filters: Filters) -> _Asked | None:
    """None where the filters let nothing in. Raises SessionNotFound, TextRefused."""
    since, until = (None if moment is None else as_moment(moment) for moment in (filters.since, filters.until))
    if since and until and since >= until:
        return None
    # A mark that every entry has costs more than it saves.
    has_others = transaction.value(_OTHERS, {"owner": owner}) is not None
    groups = [_voices(owner, filters.sender, needed=has_others or not query.terms)]
    if filters.session_id is not None:
        groups.append((session_mark(find_session(transaction, owner, filters.session_id).key),))
    if filters.model is not None:
        groups.append((model_mark(filters.model),))
    if filters.tag is not None:
        tagged = _tagged(transaction, owner, filters.tag)
        if not tagged:
            return None
        groups.append(tagged if len(tagged) <= MOST_MARKS else ())
    groups.append(_months(since, until))
    terms = {
        "owner": owner,
        "model": filters.model and checked(filters.model),
        "tag": filters.tag and checked(as_tag(filters.tag)),
        "since": since and to_microseconds(since),
        "until": until and to_microseconds(until),
    }
    return _Asked(
        query,
        ((title_mark(owner),),) if has_others else (),
        tuple(filter(None, groups)),
        filters.let_titles_in and bool(query.terms),
        {name: value for name, value in terms.items() if value is not None},
    )


def _voices(owner: str, sender: Sender | None, *, needed: bool) -> tuple[str, ...]:
    """The marks of what the owner's messages from that sender have; none where all of them have it."""
    if sender is not None:
        return (voice_mark(owner, sender),)
    return owner_marks(owner) if needed else ()


def _tagged(transaction: Transaction, owner: str, tag: str) -> tuple[str, ...]:
    """The marks of the owner's sessions with a tag; of one more than MOST_MARKS at the most."""
    rows = transaction.rows(_WITH_TAG, {"owner": owner, "tag": checked(as_tag(tag))})
    return tuple(session_mark(key) for (key,) in rows)


def _widened(asked: _Asked) -> _Asked:
    return replace(asked, query=asked.query.widened(), is_widened=True)


def _months(since: datetime | None, until: datetime | None) -> tuple[str, ...]:
    """The marks of the months from one moment to the other; () where that is too long, or without a beginning."""
    if since is None:
        return ()
    # A clock elsewhere may be ahead of ours, by a month's beginning too.
    edges = (since, until or datetime.now(UTC) + AHEAD)
    first, last = (month_of(max(moment, EPOCH).astimezone(UTC)) for moment in edges)
    return tuple(map(month_mark, range(first, last + 1))) if last - first < MOST_MONTHS else ()


def _page(transaction: Transaction, asked: _Asked, after: Place | None, *, best: bool, count: int) -> Findings:
    place, at, below, _ = after or (TITLES, NEWEST, NEWEST, False)
    titles = _rows(transaction, TITLES, asked, at, count + 1) if place == TITLES and asked.in_titles else []
    if len(titles) > count:
        return _findings(asked, titles[:count], TITLES, titles[count - 1][0])
    room = count - len(titles)
    if best:
        return _best_page(transaction, asked, titles, at if place == _BEST else 0, room, below)
    told = _rows(transaction, MESSAGES, asked, at if place == MESSAGES else NEWEST, room + 1)
    if len(told) > room:
        return _findings(asked, titles + told[:room], MESSAGES, told[room - 1][0] if room else NEWEST)
    return _findings(asked, titles + told)


def _best_page(
    transaction: Transaction, asked: _Asked, titles: list[Row], start: int, room: int, below: int
) -> Findings:
    """The same messages are ranked for all pages: those below the number above the newest of the first page."""
    newest = _rows(transaction, MESSAGES, asked, below, RANKED + 1)
    below = newest[0][0] + 1 if newest else below
    ranked = best_first(asked.query, newest[:RANKED])
    more = _BEST if len(ranked) > start + room else ""
    findings = _findings(asked, titles + ranked[start : start + room], more, start + room, below)
    return replace(findings, ranked=RANKED if len(newest) > RANKED else None)


def _findings(asked: _Asked, rows: list[Row], place: str = "", at: int = 0, below: int = NEWEST) -> Findings:
    after = (place, at, below, asked.is_widened) if place else None
    return Findings(tuple(_hit(asked.query, row) for row in rows), after, asked.is_widened)


def _hit(query: Query, row: Row) -> Hit:
    _, session_id, title, turn_id, sender, model, moment, content = row
    from_ = None if sender is None else Sender(sender)
    return Hit(session_id, title, turn_id, from_, model, to_moment(moment), snippet(query, content))


def _rows(transaction: Transaction, table: str, asked: _Asked, before: int, count: int) -> list[Row]:
    """Up to `count` entries below the number `before`, the highest first."""
    index = index_of(transaction)
    possible = _CONDITIONS if table == MESSAGES else ("owner", "tag")
    conditions = tuple(name for name in possible if name in asked.terms)
    marks = asked.marks if table == MESSAGES else asked.title_marks
    terms = asked.terms | index.terms(Wanted(asked.query, marks)) | {"before": before, "count": count}
    if not index.finds_newest:
        some = transaction.rows(_some(index, table), terms)
        if len(some) <= UNSORTED:
            newest = sorted((number for (number,) in some), reverse=True)
            return _first_of(transaction, newest, _these(table, conditions), terms)
    return transaction.rows(_newest(index, table, conditions), terms)


def _first_of(
    transaction: Transaction, numbers: list[int], statement: sa.TextClause, terms: dict[str, Any]
) -> list[Row]:
    """The first `count` of the entries that the conditions let in: as a rule they are the first of all."""
    rows: list[Row] = []
    share = terms["count"]
    while numbers and len(rows) < terms["count"]:
        rows += transaction.rows(statement, terms | {"numbers": numbers[:share]})
        numbers, share = numbers[share:], 4 * share
    return rows[: terms["count"]]


@cache
def _newest(index: Index, table: str, conditions: tuple[str, ...]) -> sa.TextClause:
    entry = f"{table}.{index.key}"
    where = " AND ".join([index.condition(table), f"{entry} < :before", *(_CONDITIONS[name] for name in conditions)])
    return sa.text(
        f"SELECT {_COLUMNS[table]} FROM {table} {_JOINS[table].format(entry=entry)} WHERE {where} "  # noqa: S608 - ours
        f"ORDER BY {entry} DESC LIMIT :count"
    )


@cache
def _some(index: Index, table: str) -> sa.TextClause:
    entry = f"{table}.{index.key}"
    return sa.text(
        f"SELECT {entry} FROM {table} WHERE {index.condition(table)} AND {entry} < :before "  # noqa: S608 - as above
        f"LIMIT {UNSORTED + 1}"
    )


@cache
def _these(table: str, conditions: tuple[str, ...]) -> sa.TextClause:
    where = " AND ".join(_CONDITIONS[name] for name in conditions)
    return sa.text(
        f"SELECT {_COLUMNS[table]} FROM unnest(CAST(:numbers AS bigint[])) AS numbers(number) "  # noqa: S608 - as above
        f"{_JOINS[table].format(entry='numbers.number')} WHERE {where} ORDER BY numbers.number DESC"
    )
