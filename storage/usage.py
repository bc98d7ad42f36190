"""What was used: kept in the transactions that end turns, for all sessions of an owner and for each, never counted.

A row stands for a day and a model, others for the whole month and the whole year: so ten years cost little more than
thirty days.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Self

import sqlalchemy as sa

from storage.clock import Clock
from storage.database import Database, Row, Transaction
from storage.records import DayUse, Figures, ModelUse, Outcome, Status, Tally, Totals, month_of, to_microseconds
from storage.rows import find_session
from storage.schema import owners, sessions, usage, usage_histograms
from storage.spread import bucket, spread

RECENT = timedelta(hours=24)
IDLE = timedelta(hours=1)
FIRST_DAY = date(1970, 1, 1).toordinal()
HOURS = 24
WEEK = 7 * HOURS
MICROSECOND = timedelta(microseconds=1)
DAY = timedelta(days=1) // MICROSECOND
"""As long as that in mid-reply is no reply: dates in a file that is taken in may be anything."""

ALL = 0
"""In place of a session's key: all sessions of the owner."""

_KEY = tuple(column.name for column in usage.primary_key)
_SUMS = tuple(column.name for column in usage.columns if column.name not in _KEY)
_HISTOGRAMS = tuple(column.name for column in usage_histograms.columns if column.name not in _KEY)

_TOTALS = sa.select(owners.c.session_count, owners.c.message_count, owners.c.turn_count).where(
    owners.c.owner == sa.bindparam("owner")
)
_SINCE = (sessions.c.owner == sa.bindparam("owner"), sessions.c.last_activity >= sa.bindparam("since"))
# Both places of the list are named, archived and pinned or not, so that each is looked up from its newest end.
_COUNT_USED = sa.select(sa.func.count()).where(
    *_SINCE, sessions.c.archived.in_((sa.false(), sa.true())), sessions.c.pinned.in_((sa.false(), sa.true()))
)
_COUNT_ACTIVE = sa.select(sa.func.count()).where(*_SINCE, sessions.c.ended_at.is_(None))
_SCOPE = (usage.c.owner == sa.bindparam("owner"), usage.c.session_key == sa.bindparam("key"))
_EDGES = sa.select(sa.func.min(usage.c.span), sa.func.max(usage.c.span)).where(*_SCOPE, usage.c.span >= 0)
_DROP = [
    sa.delete(table).where(table.c.owner == sa.bindparam("owner"), table.c.session_key == sa.bindparam("key"))
    for table in (usage, usage_histograms)
]
_DAYS = (
    sa.select(usage.c.span, *(sa.cast(sa.func.sum(usage.c[name]), sa.BigInteger) for name in DayUse._fields[1:]))
    .where(*_SCOPE, usage.c.span.between(sa.bindparam("first"), sa.bindparam("last")))
    .group_by(usage.c.span)
    .order_by(usage.c.span)
)
_PARTS = ("years", "months_before", "months_after", "days_before", "days_after")
# Without a row of histograms there was no turn.
_WITH_HISTOGRAMS = usage.outerjoin(
    usage_histograms, sa.and_(*(usage.c[name] == usage_histograms.c[name] for name in _KEY))
)
_HISTOGRAM_COLUMNS = (sa.func.coalesce(usage_histograms.c[name], "{}") for name in _HISTOGRAMS)
_COLUMNS = (usage.c.model, *(usage.c[name] for name in _SUMS), *_HISTOGRAM_COLUMNS)
_IN_PARTS = sa.union_all(
    *(
        sa.select(*_COLUMNS)
        .select_from(_WITH_HISTOGRAMS)
        .where(*_SCOPE, usage.c.span.between(sa.bindparam(f"{part}_first"), sa.bindparam(f"{part}_last")))
        for part in _PARTS
    )
)
_HOURS_OF_DAY = sa.select(usage_histograms.c.hours).where(
    usage_histograms.c.owner == sa.bindparam("owner"),
    usage_histograms.c.session_key == ALL,
    usage_histograms.c.span == sa.bindparam("day"),
)


@dataclass(frozen=True, slots=True)
class Ended:
    """A turn that has just ended, as the figures need it. `prompt` and `reply` are lengths, in characters."""

    owner: str
    session_key: int
    model: str
    opened_at: datetime
    ended_at: datetime
    prompt: int
    reply: int

    @property
    def day(self) -> date:
        return self.ended_at.astimezone().date()


def count_use(transaction: Transaction, ended: Ended, outcome: Outcome) -> None:
    """Add a turn to its day, the calendar day on the clock of this machine, and to its month and year."""
    names = {"owner": ended.owner, "key": ended.session_key, "model": ended.model}
    rows = names | spans_of(ended.day)
    transaction.change(_add_sums(), rows | figures_of(ended, outcome))
    transaction.change(_add_histograms(transaction.dialect.name), rows | _steps(buckets_of(ended, outcome)))


def figures_of(ended: Ended, outcome: Outcome) -> dict[str, int]:
    """What a turn adds to each sum."""
    began_writing = outcome.first_text_at
    figures = {
        "sessions": 0,
        "turns": 1,
        "messages": 1 + len(outcome.messages),
        "stopped": outcome.status is Status.STOPPED,
        "failed": outcome.status is Status.FAILED,
        "interrupted": outcome.status is Status.INTERRUPTED,
        "input_tokens": outcome.input_tokens or 0,
        "output_tokens": outcome.output_tokens or 0,
        "prompt_characters": ended.prompt,
        "reply_characters": ended.reply,
        "writing_time": _microseconds(ended.ended_at - began_writing) if began_writing and outcome.output_tokens else 0,
    }
    return {name: int(figure) for name, figure in figures.items()}


def buckets_of(ended: Ended, outcome: Outcome) -> dict[str, str]:
    """The bucket of each histogram that a turn raises."""
    moment = ended.ended_at.astimezone()
    first = outcome.first_text_at
    return {
        "hours": str(HOURS * moment.weekday() + moment.hour),
        "first_text": bucket(None if first is None else first - ended.opened_at),
        "duration": bucket(ended.ended_at - ended.opened_at),
    }


def _microseconds(taken: timedelta) -> int:
    """A clock that was set back counts as standing still, and no reply is written for longer than a day."""
    return min(max(0, taken // MICROSECOND), DAY)


def count_session(transaction: Transaction, owner: str, moment: datetime) -> None:
    """Count a session that was begun."""
    terms: dict[str, str | int] = {"owner": owner, "model": ""}
    transaction.change(_add_session(), terms | spans_of(moment.astimezone().date()))


def forget_session(transaction: Transaction, owner: str, key: int) -> None:
    """Drop the figures of a session that is deleted; those of all sessions stay."""
    for statement in _DROP:
        transaction.change(statement, {"owner": owner, "key": key})


def spans_of(day: date) -> dict[str, int]:
    return {"day": _number(day), "month": -month_of(day), "year": -day.year}


def _steps(buckets: dict[str, str]) -> dict[str, str]:
    """For each histogram the bucket to be raised, its path, and what is there if it is the first."""
    return {
        f"{kind}_{name}": text
        for name, key in buckets.items()
        for kind, text in (("at", key), ("path", f'$."{key}"'), ("new", f'{{"{key}":1}}'))
    }


_OF_ALL = ((ALL, ":day"), (ALL, ":month"), (ALL, ":year"))
"""The rows of all sessions: key and span, as SQL."""

_RAISED = {
    "sqlite": "json_set({column}, :path_{name}, coalesce(json_extract({column}, :path_{name}), 0) + 1)",
    "postgresql": "CAST(jsonb_set(CAST({column} AS jsonb), ARRAY[CAST(:at_{name} AS text)], to_jsonb(coalesce("
    "CAST(CAST({column} AS jsonb) ->> CAST(:at_{name} AS text) AS integer), 0) + 1)) AS text)",
}


@cache
def _add_sums() -> sa.TextClause:
    return _upsert(
        "usage", _SUMS, [f":{name}" for name in _SUMS], [f"usage.{name} + excluded.{name}" for name in _SUMS]
    )


@cache
def _add_histograms(engine: str) -> sa.TextClause:
    raised = [_RAISED[engine].format(column=f"usage_histograms.{name}", name=name) for name in _HISTOGRAMS]
    return _upsert("usage_histograms", _HISTOGRAMS, [f":new_{name}" for name in _HISTOGRAMS], raised)


def _upsert(
    table: str,
    columns: tuple[str, ...],
    values: list[str],
    raised: list[str],
    rows: tuple[tuple[int | str, str], ...] = (*_OF_ALL, (":key", ":day")),
) -> sa.TextClause:
    """One statement for all rows: as a rule those of all sessions, and the day of this one."""
    filled = (f"(:owner, {key}, {span}, :model, {', '.join(values)})" for key, span in rows)
    changes = (f"{name} = {change}" for name, change in zip(columns, raised, strict=True))
    return sa.text(
        f"INSERT INTO {table} ({', '.join((*_KEY, *columns))}) VALUES {', '.join(filled)} "  # noqa: S608 - our own words
        f"ON CONFLICT ({', '.join(_KEY)}) DO UPDATE SET {', '.join(changes)}"
    )


@cache
def _add_session() -> sa.TextClause:
    return _upsert("usage", ("sessions",), ["1"], ["usage.sessions + 1"], rows=_OF_ALL)


class Usage:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def totals(self, owner: str, *, idle: timedelta = IDLE) -> Totals:
        now = self._clock()
        with self._database.read() as transaction:
            row = transaction.row(_TOTALS, {"owner": owner})
            active = transaction.value(_COUNT_ACTIVE, {"owner": owner, "since": to_microseconds(now - idle)})
            used = transaction.value(_COUNT_USED, {"owner": owner, "since": to_microseconds(now - RECENT)})
            recent = sum(_recent_turns(transaction, owner, now))
        session_count, message_count, turn_count = row or (0, 0, 0)
        return Totals(session_count, message_count, turn_count, active or 0, used or 0, recent)

    def figures(
        self, owner: str, session_id: str | None = None, *, since: date | None = None, until: date | None = None
    ) -> Figures:
        """The statistics of a range of days, both included; without one, of all that there were.

        What lies before 1970 or after today is left out of the range. Raises SessionNotFound.
        """
        today = self._clock().astimezone().date()
        with self._database.read() as transaction:
            key = ALL if session_id is None else find_session(transaction, owner, session_id).key
            scope = {"owner": owner, "key": key}
            first, last = transaction.rows(_EDGES, scope)[0]
            # A machine in another time zone may have counted on a day that is tomorrow here.
            end = max(today, _day(last or 0))
            until = min(until or end, end)
            since = max(since or (until if first is None else _day(first)), _day(0))
            parts = _parts(since, until, end) if key == ALL else [*_NO_PARTS[1:], (_number(since), _number(until))]
            rows = transaction.rows(_IN_PARTS, scope | _terms(parts))
            days = transaction.rows(_DAYS, scope | {"first": _number(since), "last": _number(until)})
        return _figures(since, until, rows, days)


def _recent_turns(transaction: Transaction, owner: str, now: datetime) -> Iterable[int]:
    """The turns of each of the last 24 hours of the clock, the present one too."""
    moment = now.astimezone()
    today, yesterday = moment.date(), moment.date() - timedelta(days=1)
    for day, hours in ((today, range(moment.hour + 1)), (yesterday, range(moment.hour + 1, HOURS))):
        for (hours_of_day,) in transaction.rows(_HOURS_OF_DAY, {"owner": owner, "day": _number(day)}):
            counts: dict[str, int] = json.loads(hours_of_day)
            yield sum(counts.get(str(HOURS * day.weekday() + hour), 0) for hour in hours)


def _figures(since: date, until: date, rows: list[Row], days: list[Row]) -> Figures:
    of_model: dict[str, list[Row]] = {}
    for model, *figures in rows:
        of_model.setdefault(model, []).append(tuple(figures))
    uses = {model: _Use.of(group) for model, group in of_model.items()}
    every = _Use.of_all(uses.values())
    return Figures(
        since,
        until,
        Tally(*every.sums),
        spread(every.first_text),
        spread(every.duration),
        tuple(every.hours[str(hour)] for hour in range(WEEK)),
        _every_day(since, until, days),
        tuple(sorted((use.of_model(model) for model, use in uses.items() if use.turns), key=_most_used_first)),
    )


def _every_day(since: date, until: date, rows: list[Row]) -> tuple[DayUse, ...]:
    """A thousand of them where three years are asked for, so that what is done for each counts."""
    used = {row[0]: row[1:] for row in rows}
    unused = (0,) * (len(DayUse._fields) - 1)
    ordinals = range(since.toordinal(), until.toordinal() + 1)
    return tuple([DayUse(date.fromordinal(day), *used.get(day - FIRST_DAY, unused)) for day in ordinals])


def _most_used_first(use: ModelUse) -> tuple[int, str]:
    return -use.tally.turns, use.model


@dataclass(frozen=True, slots=True)
class _Use:
    """Rows of the table, added up."""

    sums: tuple[int, ...]
    hours: Counter[str]
    first_text: Counter[str]
    duration: Counter[str]

    @classmethod
    def of(cls, rows: list[Row]) -> Self:
        sums = tuple(map(sum, zip(*(row[: len(_SUMS)] for row in rows), strict=True)))
        return cls(sums, *(_summed(_read(row[place] for row in rows)) for place in (-3, -2, -1)))

    @classmethod
    def of_all(cls, uses: Collection[Self]) -> Self:
        sums = tuple(map(sum, zip(*(use.sums for use in uses), strict=True)))
        return cls(sums, *(_summed(getattr(use, name) for use in uses) for name in _HISTOGRAMS))

    @property
    def turns(self) -> int:
        return self.sums[_SUMS.index("turns")]

    def of_model(self, model: str) -> ModelUse:
        return ModelUse(model, Tally(*self.sums), spread(self.first_text), spread(self.duration))


def _read(histograms: Iterable[str]) -> list[dict[str, int]]:
    found: list[dict[str, int]] = json.loads(f"[{','.join(histograms)}]")
    return found


def _summed(histograms: Iterable[Mapping[str, int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for histogram in histograms:
        for name, count in histogram.items():
            total[name] += count
    return total


Part = tuple[int, int]
"""Spans from the first to the last; none where the first is the larger."""

_NO_PARTS: list[Part] = [(1, 0)] * len(_PARTS)


def _parts(since: date, until: date, last_day: date) -> list[Part]:
    """The spans that make up the days from one to the other, as _PARTS names them: what is whole is taken whole."""
    if since > until:
        return _NO_PARTS
    if until >= last_day:
        until = date(until.year, 12, 31)  # Nothing comes after it, so its month and year are whole.
    begin, end = _number(since), _number(until)
    months = month_of(since) + (since.day > 1), month_of(until) - ((until + timedelta(days=1)).day > 1)
    if months[0] > months[1]:
        return [*_NO_PARTS[1:], (begin, end)]
    days_before, days_after = (begin, _number(_first_of(months[0])) - 1), (_number(_first_of(months[1] + 1)), end)
    years = -(-months[0] // 12), (months[1] + 1) // 12 - 1
    if years[0] > years[1]:
        return [*_NO_PARTS[:2], (-months[1], -months[0]), days_before, days_after]
    months_before, months_after = (-(12 * years[0] - 1), -months[0]), (-months[1], -(12 * (years[1] + 1)))
    return [(-years[1], -years[0]), months_before, months_after, days_before, days_after]


def _terms(parts: list[Part]) -> dict[str, int]:
    edges = zip(_PARTS, parts, strict=True)
    return {f"{name}_{edge}": span for name, part in edges for edge, span in zip(("first", "last"), part, strict=True)}


def _number(day: date) -> int:
    return day.toordinal() - FIRST_DAY


def _day(number: int) -> date:
    return date.fromordinal(FIRST_DAY + number)


def _first_of(month: int) -> date:
    return date(month // 12, month % 12 + 1, 1)
