"""Lists of sessions: filtered, sorted, a page at a time."""

from functools import cache
from typing import Any

import sqlalchemy as sa

from storage.database import Transaction
from storage.index import TITLES, Index, Wanted, index_of, title_mark
from storage.query import understood
from storage.records import (
    Order,
    Session,
    SessionFilters,
    SessionPage,
    SessionPlace,
    as_moment,
    as_tag,
    to_microseconds,
)
from storage.rows import SESSIONS, checked, to_session
from storage.schema import session_tags, sessions

_LOWER_TITLE = sa.func.lower(sessions.c.title).collate("C")
_SORTED: dict[Order, tuple[sa.ColumnElement[Any], ...]] = {
    Order.ACTIVITY: (sessions.c.pinned, sessions.c.last_activity, sessions.c.id),
    Order.CREATION: (sessions.c.created_at, sessions.c.id),
    Order.TITLE: (_LOWER_TITLE, sessions.c.id),
    Order.MESSAGES: (sessions.c.message_count, sessions.c.id),
}
"""By what each order sorts; the last column tells apart what is the same in the others."""

_OWN = sessions.alias("own")
_TAGGED = (
    sa.select(session_tags.c.session_key)
    .join(_OWN, _OWN.c.id == session_tags.c.session_key)
    .where(session_tags.c.tag == sa.bindparam("tag"), _OWN.c.owner == sa.bindparam("owner"))
)
_CONDITIONS: dict[str, sa.ColumnElement[bool]] = {
    "archived": sessions.c.archived == sa.bindparam("archived"),
    "pinned": sessions.c.pinned == sa.bindparam("pinned"),
    "ended": sessions.c.ended_at.is_not(None) == sa.bindparam("ended"),
    "since": sessions.c.last_activity >= sa.bindparam("since"),
    "until": sessions.c.last_activity < sa.bindparam("until"),
    "tag": sessions.c.id.in_(_TAGGED),
}


def page_of(
    transaction: Transaction,
    owner: str,
    filters: SessionFilters,
    *,
    order: Order,
    count: int,
    after: SessionPlace | None,
) -> SessionPage:
    """Up to `count` sessions; none where the title is to hold what has no word in it.

    By activity, of those archived or not, a page costs the same wherever it is; other lists sort all of the owner's.
    """
    count = max(1, count)
    query = understood(filters.titled).open_ended()
    if filters.titled.strip() and not query.terms:
        return SessionPage((), None)
    terms = {"owner": owner, "count": count + 1} | _terms(filters)
    conditions = tuple(name for name in _CONDITIONS if name in terms)
    index = index_of(transaction) if query.terms else None
    if index is not None:
        terms |= index.terms(Wanted(query, ((title_mark(owner),),)))
    if after is not None:
        terms |= {f"after_{place}": value for place, value in enumerate(after)}
    statement = _statement(order, conditions, index, is_first=after is None)
    found = [to_session(row) for row in transaction.rows(statement, terms)]
    shown = tuple(found[:count])
    return SessionPage(shown, _place(shown[-1], order) if len(found) > count and shown else None)


def _terms(filters: SessionFilters) -> dict[str, Any]:
    asked = {
        "archived": filters.archived,
        "pinned": filters.pinned,
        "ended": filters.ended,
        "since": filters.since and to_microseconds(as_moment(filters.since)),
        "until": filters.until and to_microseconds(as_moment(filters.until)),
        "tag": None if filters.tag is None else checked(as_tag(filters.tag)),
    }
    return {name: value for name, value in asked.items() if value is not None}


def _place(session: Session, order: Order) -> SessionPlace:
    match order:
        case Order.ACTIVITY:
            return session.pinned, to_microseconds(session.last_activity), session.key
        case Order.CREATION:
            return to_microseconds(session.created_at), session.key
        case Order.TITLE:
            return session.title, session.key
        case Order.MESSAGES:
            return session.message_count, session.key


@cache
def _statement(order: Order, conditions: tuple[str, ...], index: Index | None, *, is_first: bool) -> sa.Select[Any]:
    columns = _SORTED[order]
    upwards = order is Order.TITLE
    statement = SESSIONS.where(
        sessions.c.owner == sa.bindparam("owner"), *(_CONDITIONS[name] for name in conditions)
    ).order_by(*(column.asc() if upwards else column.desc() for column in columns))
    if index is not None:
        entries = f"SELECT {index.key} FROM {TITLES} WHERE {index.condition(TITLES)}"  # noqa: S608 - our own constants
        statement = statement.where(sessions.c.id.in_(sa.text(entries).columns(sa.column("id", sa.BigInteger))))
    if not is_first:
        last: list[sa.ColumnElement[Any]] = [
            sa.bindparam(f"after_{place}", type_=column.type) for place, column in enumerate(columns)
        ]
        if upwards:
            last[0] = sa.func.lower(last[0]).collate("C")
        reached, here = sa.tuple_(*columns), sa.tuple_(*last)
        statement = statement.where(reached > here if upwards else reached < here)
    return statement.limit(sa.bindparam("count"))
