"""Milestones: the first, the longest and the most of an owner's sessions, from indexes and kept figures."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import accumulate

import sqlalchemy as sa

from storage.database import Database, Transaction
from storage.records import to_moment
from storage.schema import sessions, usage
from storage.usage import ALL, FIRST_DAY

ROUND = 10
"""The turns that are counted are the 100th, the 1,000th and so on, each so many times the one before."""

FIRST_ROUND = 100

DAY = timedelta(days=1)

_Days = dict[date, int]
"""Turns of each day that had one, in order."""

_PLACE = (sessions.c.owner == sa.bindparam("owner"), sessions.c.archived == sa.bindparam("archived"))
_SESSION = sa.select(sessions.c.session_id, sessions.c.title, sessions.c.created_at, sessions.c.message_count).where(
    *_PLACE, sessions.c.head_id.is_not(None)
)
_FIRST = _SESSION.order_by(sessions.c.created_at, sessions.c.id).limit(1)
_LONGEST = _SESSION.order_by(sessions.c.message_count.desc(), sessions.c.id.desc()).limit(1)
_TURNS = (
    sa.select(usage.c.span, sa.cast(sa.func.sum(usage.c.turns), sa.BigInteger))
    .where(usage.c.owner == sa.bindparam("owner"), usage.c.session_key == ALL, usage.c.span >= 0, usage.c.turns > 0)
    .group_by(usage.c.span)
    .order_by(usage.c.span)
)


class Reached(StrEnum):
    """What a milestone is."""

    FIRST_SESSION = "first_session"
    LONGEST_SESSION = "longest_session"
    BUSIEST_DAY = "busiest_day"
    BUSIEST_WEEK = "busiest_week"
    LONGEST_STREAK = "longest_streak"
    TURNS = "turns"


@dataclass(frozen=True, slots=True)
class Milestone:
    """`day` is when it was reached, or where it begins; `until` its last day, where it is more than one.

    `number` counts the messages of a session, the turns of a day or week, the days of a streak, all turns up to a round
    number of them. `session_id` and `title` are of the session that it is, else None.
    """

    what: Reached
    day: date
    number: int
    until: date | None = None
    session_id: str | None = None
    title: str | None = None


class Milestones:
    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self, owner: str) -> tuple[Milestone, ...]:
        """Those that an owner has reached, one of each kind: of days as busy the first, of sessions as long the newest.

        Sessions are those that are stored, archived ones too; days are those of the figures of use, with the turns of
        deleted sessions. A week begins on Monday, and a streak is days in a row with a turn, two at least.
        """
        with self._database.read() as transaction:
            found = [*_of_sessions(transaction, owner)]
            turns = transaction.rows(_TURNS, {"owner": owner})
        days = {date.fromordinal(FIRST_DAY + span): count for span, count in turns}
        return (*found, *(_of_days(days) if days else ()))


def _of_sessions(transaction: Transaction, owner: str) -> Iterator[Milestone]:
    # Archived sessions and the others apart: within each, the index has them in order.
    first, longest = (
        [row for kept in (False, True) for row in transaction.rows(statement, {"owner": owner, "archived": kept})]
        for statement in (_FIRST, _LONGEST)
    )
    if first:
        session_id, title, moment, messages = min(first, key=lambda row: row[2])
        yield Milestone(Reached.FIRST_SESSION, _day(moment), messages, None, session_id, title)
        session_id, title, moment, messages = max(longest, key=lambda row: row[3])
        yield Milestone(Reached.LONGEST_SESSION, _day(moment), messages, None, session_id, title)


def _of_days(days: _Days) -> Iterator[Milestone]:
    day, most = _most(days)
    yield Milestone(Reached.BUSIEST_DAY, day, most)
    weeks: Counter[date] = Counter()
    for day, count in days.items():
        weeks[day - day.weekday() * DAY] += count
    day, most = _most(weeks)
    yield Milestone(Reached.BUSIEST_WEEK, day, most, day + 6 * DAY)
    day, length = _most(_streaks(days))
    if length > 1:
        yield Milestone(Reached.LONGEST_STREAK, day, length, day + (length - 1) * DAY)
    yield from _round_turn(days)


def _most(counts: _Days) -> tuple[date, int]:
    """The first of those with the most."""
    return max(counts.items(), key=lambda item: item[1])


def _streaks(days: Iterable[date]) -> _Days:
    """How many days in a row there are, by the first of them."""
    found: _Days = {}
    begin = last = None
    for day in days:
        if begin is None or last is None or day - last != DAY:
            begin = day
        found[begin] = found.get(begin, 0) + 1
        last = day
    return found


def _round_turn(days: _Days) -> Iterator[Milestone]:
    """The last round number of turns that was reached."""
    reached = dict(zip(days, accumulate(days.values()), strict=True))
    number, total = FIRST_ROUND, max(reached.values())
    while number * ROUND <= total:
        number *= ROUND
    if number <= total:
        yield Milestone(Reached.TURNS, next(day for day, sum_ in reached.items() if sum_ >= number), number)


def _day(moment: int) -> date:
    return to_moment(moment).astimezone().date()
