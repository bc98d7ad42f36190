"""Lists of sessions: filtered, sorted, a page at a time.

For every order there is an index, in which a page begins where the one before ended. Other filters than the index
answers are met in this way: where one of them lets in but a few sessions, these are gathered and sorted. Else the index
is walked, and what is in it is compared with sets of what the filters let in. A filter that lets in a great many has no
set, since it soon lets in a page of those that come next; only where it does not is its set made after all.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from storage.database import Row, Transaction
from storage.index import TITLES, Index, Wanted, index_of, title_mark
from storage.query import Query, understood
from storage.records import Order, SessionFilters, SessionPage, SessionPlace, as_moment, as_tag, to_microseconds
from storage.rows import SESSIONS, checked, to_session
from storage.schema import session_tags, sessions

FEW = 3_000
"""Where a filter lets in fewer sessions, they are gathered, about a millisecond a thousand; beside others, up to twice
as many."""

MANY = 10_000
"""Where a filter lets in so many, it has no set at first: that takes about a millisecond."""

STEPS = 5_000
"""Without a set, a page is looked for among so many sessions that come next: in 1 to 7 ms."""

_EARLIEST, _LATEST = -(2**63), 2**63 - 1

_Terms = dict[str, Any]
_Seen = Callable[[sa.Column[Any]], sa.ColumnElement[Any]]
"""How a statement names a column."""

_SORTED: dict[Order, tuple[sa.Column[Any], ...]] = {
    Order.ACTIVITY: (sessions.c.pinned, sessions.c.last_activity, sessions.c.id),
    Order.CREATION: (sessions.c.created_at, sessions.c.id),
    Order.TITLE: (sessions.c.sort_title, sessions.c.id),
    Order.MESSAGES: (sessions.c.message_count, sessions.c.id),
}
"""By what each order sorts; the last column tells apart what is the same in the others."""

_BOTH = (False, True)
_KINDS = ("unpinned", "pinned")


class _Aside(FunctionElement[Any]):
    """A column that SQLite is not to look up: without statistics, it can't tell which index serves best."""

    inherit_cache = True

    def __init__(self, column: sa.ColumnElement[Any]) -> None:
        super().__init__(column)
        self.type = column.type


@compiles(_Aside)
def _as_it_is(element: _Aside, compiler: Any, **options: Any) -> str:
    return str(compiler.process(element.clauses, **options))


@compiles(_Aside, "sqlite")
def _with_plus(element: _Aside, compiler: Any, **options: Any) -> str:
    return f"+{compiler.process(element.clauses, **options)}"


def _itself(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    return column


_TESTS: dict[str, Callable[[_Seen], sa.ColumnElement[bool]]] = {
    "pinned": lambda seen: seen(sessions.c.pinned),
    "unpinned": lambda seen: sa.not_(seen(sessions.c.pinned)),
    "ended": lambda seen: seen(sessions.c.ended_at).is_not(None),
    "open": lambda seen: seen(sessions.c.ended_at).is_(None),
    "used": lambda seen: sa.and_(
        seen(sessions.c.last_activity) >= sa.bindparam("since"), seen(sessions.c.last_activity) < sa.bindparam("until")
    ),
    "tag": lambda seen: sa.exists().where(
        session_tags.c.session_key == seen(sessions.c.id), session_tags.c.tag == sa.bindparam("tag")
    ),
}
"""What a filter asks of a single session."""

_OWNED = sessions.c.owner == sa.bindparam("owner")
# Named, archived and pinned or not, so that each is looked up.
_ARCHIVED, _PINNED = (column.in_((sa.false(), sa.true())) for column in (sessions.c.archived, sessions.c.pinned))
# Of all owners: whose a session is, is seen where it is looked for.
_TAGGED = sa.select(session_tags.c.session_key).where(session_tags.c.tag == sa.bindparam("tag"))
_OWNERS = sa.select(*(sa.select(edge(sessions.c.owner)).scalar_subquery() for edge in (sa.func.min, sa.func.max)))

_SERVED = {Order.ACTIVITY: (*_KINDS, "ended", "open", "used")}
"""The filters that the index of an order answers itself, or another one of the same order."""


@dataclass(frozen=True, slots=True)
class _List:
    """What makes a statement.

    `archived` are the kinds wanted. `behind` is None for the first page; on others it says, by activity, whether the
    page before ended with a pinned session. `few` is the filter whose sessions are gathered; `compared` are those that
    are compared with sets; `is_bounded` says that the page is only looked for up to some place.
    """

    order: Order
    archived: tuple[bool, ...]
    filters: tuple[str, ...]
    index: Index
    behind: bool | None
    few: str | None = None
    compared: tuple[str, ...] = ()
    is_bounded: bool = False

    @property
    def keys(self) -> tuple[sa.Column[Any], ...]:
        return _SORTED[self.order]

    @property
    def served(self) -> tuple[str, ...]:
        return tuple(name for name in self.filters if name in _SERVED.get(self.order, ()))

    @property
    def selective(self) -> tuple[str, ...]:
        """The filters that may let in a few only, which the index of the order does not help to find."""
        return tuple(name for name in self.filters if name not in (*self.served, "unpinned", "open"))


def page_of(
    transaction: Transaction,
    owner: str,
    filters: SessionFilters,
    *,
    order: Order,
    count: int,
    after: SessionPlace | None,
) -> SessionPage:
    """Up to `count` sessions; none where the title is to hold what has no word in it."""
    query = understood(filters.titled).open_ended()
    if filters.titled.strip() and not query.terms:
        return SessionPage((), None)
    count = max(1, count)
    asked = _asked(transaction, owner, filters, query)
    terms = {"owner": owner, "count": count + 1, **{k: v for of in asked.values() for k, v in of.items()}}
    terms |= _begin(order, after, terms)
    archived = _BOTH if filters.archived is None else (filters.archived,)
    behind = None if after is None else bool(after[0])
    rows = _rows(transaction, _List(order, archived, tuple(asked), index_of(transaction), behind), terms)
    width = len(_SORTED[order])
    place = rows[count - 1][-width:] if len(rows) > count else None
    return SessionPage(tuple(to_session(row[:-width]) for row in rows[:count]), place)


def owns_all(transaction: Transaction, owner: str) -> bool:
    """Whether nobody else has sessions: then whose something is need not be looked up."""
    return transaction.row(_OWNERS, {}) == (owner, owner)


def _asked(transaction: Transaction, owner: str, filters: SessionFilters, query: Query) -> dict[str, _Terms]:
    """The filters, by name, and what stands for what in their SQL."""
    asked: dict[str, _Terms] = {}
    if filters.pinned is not None:
        asked[_KINDS[filters.pinned]] = {}
    if filters.ended is not None:
        asked["ended" if filters.ended else "open"] = {}
    if filters.since is not None or filters.until is not None:
        asked["used"] = {
            "since": to_microseconds(as_moment(filters.since)) if filters.since else _EARLIEST,
            "until": to_microseconds(as_moment(filters.until)) if filters.until else _LATEST,
        }
    if filters.tag is not None:
        asked["tag"] = {"tag": checked(as_tag(filters.tag))}
    if query.terms:
        # Where all are the owner's, the mark would be looked up in every one.
        marks = () if owns_all(transaction, owner) else ((title_mark(owner),),)
        asked["titled"] = index_of(transaction).terms(Wanted(query, marks))
    return asked


def _begin(order: Order, after: SessionPlace | None, terms: _Terms) -> _Terms:
    """Where the page begins."""
    begin = {f"after_{place}": value for place, value in enumerate(after or ())}
    if after and order is Order.ACTIVITY and "until" in terms and not after[0]:
        # Only those that are not pinned can follow, so this is where the index is entered.
        begin["until"] = min(terms["until"], int(after[1]) + 1)
    return begin


def _rows(transaction: Transaction, wanted: _List, terms: _Terms) -> list[Row]:
    counts = {name: _counted(transaction, wanted.index, name, terms) for name in wanted.selective}
    fewest = min(counts, key=counts.__getitem__, default=None)
    if fewest is not None and counts[fewest] < FEW * min(2, len(counts)):
        return transaction.rows(_statement(replace(wanted, few=fewest)), terms | {"few": counts[fewest]})
    # Nothing but their set tells which titles hold a word.
    compared = tuple(name for name, count in counts.items() if count < MANY or name == "titled")
    if counts and not compared:
        if near := _near(transaction, wanted, terms):
            return near
        compared = wanted.selective
    return transaction.rows(_statement(replace(wanted, compared=compared)), terms)


def _near(transaction: Transaction, wanted: _List, terms: _Terms) -> list[Row]:
    """The page, where it is made up of what comes next in the index; else nothing."""
    bound = transaction.row(_bound(wanted), {**terms, "steps": STEPS})
    if bound is None:
        return []
    bounds = {f"bound_{place}": value for place, value in enumerate(bound)}
    rows = transaction.rows(_statement(replace(wanted, is_bounded=True)), terms | bounds)
    return rows if len(rows) == terms["count"] else []


def _counted(transaction: Transaction, index: Index, name: str, terms: _Terms) -> int:
    """How many sessions a filter lets in, as far as it matters."""
    most = 2 * FEW if name == "titled" else MANY
    count: int = transaction.value(_count(index, name), terms | {"most": most})
    return count


@cache
def _count(index: Index, name: str) -> sa.Select[Any]:
    return sa.select(sa.func.count()).select_from(_set(index, name).limit(sa.bindparam("most")).subquery())


@cache
def _bound(wanted: _List) -> sa.Select[Any]:
    """The first place in the list that lies so many steps ahead in a part of the index."""
    walked = replace(wanted, filters=wanted.served)
    return _merged(walked, _arms(walked), ahead=True)


@cache
def _statement(wanted: _List) -> sa.Select[Any]:
    arms = [_gathered(wanted, wanted.few)] if wanted.few else _arms(wanted)
    page = _merged(wanted, arms).subquery()
    found = sessions.c.id.in_(sa.select(page.c.id))
    return SESSIONS.add_columns(*wanted.keys).where(found).order_by(*_ordered(wanted, wanted.keys))


def _gathered(wanted: _List, few: str) -> sa.Select[Any]:
    """The keys of the sessions that one filter lets in, and the others too."""
    archived = _Aside(sessions.c.archived)
    return _keys(
        wanted,
        _Aside(sessions.c.owner) == sa.bindparam("owner"),
        # PostgreSQL would take a rare word for a common one, if it was not told how many there are.
        sessions.c.id.in_(_set(wanted.index, few).limit(sa.bindparam("few"))),
        sa.or_(*(_is(archived, yes=kind) for kind in wanted.archived)),
    )


def _arms(wanted: _List) -> Iterator[sa.Select[Any]]:
    """The same from the index of the order, in parts within each of which the entries that serve are in order."""
    for archived in wanted.archived:
        place = (_OWNED, _is(sessions.c.archived, yes=archived))
        if {"used", *_KINDS}.isdisjoint(wanted.served):
            yield _keys(wanted, *place)
        else:
            for pinned in (True, False):
                if _KINDS[not pinned] not in wanted.served:
                    yield _keys(wanted, *place, _is(sessions.c.pinned, yes=pinned), pinned=pinned)


def _keys(wanted: _List, *place: sa.ColumnElement[bool], pinned: bool | None = None) -> sa.Select[Any]:
    tests = [_test(wanted, name, *place) for name in wanted.filters if name != wanted.few]
    return sa.select(*wanted.keys).where(*place, *tests, *_follows(wanted, pinned=pinned))


def _follows(wanted: _List, *, pinned: bool | None) -> Iterator[sa.ColumnElement[bool]]:
    """That a session comes after the page before; with `pinned`, of sessions that all are, or all are not."""
    if wanted.is_bounded:
        yield sa.not_(_lies_behind(wanted, "bound"))
    if pinned and wanted.behind is False:
        yield sa.false()
    elif wanted.behind is not None and (pinned is None or pinned is wanted.behind):
        yield _lies_behind(wanted, "after", known=0 if pinned is None else 1)


def _lies_behind(wanted: _List, place: str, *, known: int = 0) -> sa.ColumnElement[bool]:
    """That a session comes after a place in the list; the first keys are `known` to be the same."""
    there = [sa.bindparam(f"{place}_{number}", type_=key.type) for number, key in enumerate(wanted.keys)]
    here, last = sa.tuple_(*wanted.keys[known:]), sa.tuple_(*there[known:])
    return here > last if wanted.order is Order.TITLE else here < last


def _test(wanted: _List, name: str, *place: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    if name == "titled" or name in wanted.compared:
        return _Aside(sessions.c.id).in_(_set(wanted.index, name, *place))
    return _TESTS[name](_itself if name in wanted.served and not wanted.few else _Aside)


def _set(index: Index, name: str, *place: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """The numbers of all sessions that a filter lets in, in a part of the index or in all."""
    match name:
        case "titled":
            entries = sa.table(TITLES, sa.column(index.key, sa.BigInteger))
            return sa.select(entries.c[index.key]).where(sa.text(index.condition(TITLES)))
        case "tag":
            return _TAGGED
        case "used":
            place = (*(place or (_OWNED, _ARCHIVED)), _PINNED)
    return sa.select(sessions.c.id).where(*(place or (_OWNED, _ARCHIVED)), _TESTS[name](_itself))


def _merged(wanted: _List, arms: Iterable[sa.Select[Any]], *, ahead: bool = False) -> sa.Select[Any]:
    """The first that parts of the index hold, or what of each lies so many steps `ahead`, in order."""
    count: sa.ColumnElement[int] = sa.literal_column("1") if ahead else sa.bindparam("count")
    # Each is cut to so many itself: only so does PostgreSQL see that each is in order already.
    parts = [arm.order_by(*_ordered(wanted, wanted.keys)).limit(count) for arm in arms]
    parts = [part.offset(sa.bindparam("steps")) for part in parts] if ahead else parts
    if len(parts) == 1:
        return parts[0]
    together = sa.union_all(*(sa.select(part.subquery()) for part in parts)).subquery()
    keys = [together.c[key.name] for key in wanted.keys]
    return sa.select(*keys).order_by(*_ordered(wanted, keys)).limit(count)


def _ordered(wanted: _List, keys: Iterable[sa.ColumnElement[Any]]) -> Iterator[sa.ColumnElement[Any]]:
    return (key.asc() if wanted.order is Order.TITLE else key.desc() for key in keys)


def _is(column: sa.ColumnElement[bool], *, yes: bool) -> sa.ColumnElement[bool]:
    return column if yes else sa.not_(column)
