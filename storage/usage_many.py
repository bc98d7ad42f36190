"""Figures of many turns at once, for what is taken in: each row of the figures is written once, not once a turn."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

import sqlalchemy as sa

from storage.database import Transaction
from storage.records import Outcome
from storage.rows import insert_if_missing
from storage.schema import usage, usage_histograms
from storage.usage import ALL, Ended, buckets_of, figures_of, spans_of

Row = tuple[str, int, int, str]
"""Owner, session's key or ALL, span, model."""

_KEY = ("owner", "session_key", "span", "model")
_SUMS = tuple(column.name for column in usage.columns if column.name not in _KEY)
_HISTOGRAMS = tuple(column.name for column in usage_histograms.columns if column.name not in _KEY)


def _here(table: sa.Table) -> tuple[sa.ColumnElement[bool], ...]:
    return tuple(table.c[name] == sa.bindparam(f"of_{name}") for name in _KEY)


_RAISE = (
    sa.update(usage).where(*_here(usage)).values({name: usage.c[name] + sa.bindparam(f"more_{name}") for name in _SUMS})
)
_READ = sa.select(*(usage_histograms.c[name] for name in _HISTOGRAMS)).where(*_here(usage_histograms)).with_for_update()
_WRITE = (
    sa.update(usage_histograms)
    .where(*_here(usage_histograms))
    .values({name: sa.bindparam(f"new_{name}") for name in _HISTOGRAMS})
)


@dataclass
class Added:
    """What turns and sessions add to the figures, until `count_many` writes it."""

    sums: defaultdict[Row, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0] * len(_SUMS)))
    histograms: defaultdict[Row, dict[str, Counter[str]]] = field(
        default_factory=lambda: defaultdict(lambda: {name: Counter() for name in _HISTOGRAMS})
    )

    def turn(self, ended: Ended, outcome: Outcome) -> None:
        """What ended before 1970 is in no figures."""
        if ended.day < _FIRST_DAY:
            return
        figures, buckets = figures_of(ended, outcome), buckets_of(ended, outcome)
        more = [(place, figures[name]) for place, name in enumerate(_SUMS) if figures[name]]
        for row in _rows(ended.owner, ended.day, ended.model, ended.session_key):
            sums = self.sums[row]
            for place, figure in more:
                sums[place] += figure
            for name, bucket in buckets.items():
                self.histograms[row][name][bucket] += 1

    def session(self, owner: str, day: date) -> None:
        if day < _FIRST_DAY:
            return
        for row in _rows(owner, day, ""):
            self.sums[row][_SUMS.index("sessions")] += 1


def _rows(owner: str, day: date, model: str, key: int | None = None) -> Iterable[Row]:
    spans = spans_of(day)
    yield from ((owner, ALL, span, model) for span in spans.values())
    if key is not None:
        yield (owner, key, spans["day"], model)


def count_many(transaction: Transaction, added: Added) -> None:
    """Days before months before years, as a turn that ends does it: so the two never wait for each other."""
    for row in sorted(added.sums, key=_in_turn):
        _begin(transaction, usage, row, dict.fromkeys(_SUMS, 0))
        more = {f"more_{name}": figure for name, figure in zip(_SUMS, added.sums[row], strict=True)}
        transaction.change(_RAISE, _named(row) | more)
    for row in sorted(added.histograms, key=_in_turn):
        _begin(transaction, usage_histograms, row, dict.fromkeys(_HISTOGRAMS, "{}"))
        there = transaction.rows(_READ, _named(row))[0]
        new = {
            f"new_{name}": json.dumps(Counter(json.loads(before)) + added.histograms[row][name], separators=(",", ":"))
            for name, before in zip(_HISTOGRAMS, there, strict=True)
        }
        transaction.change(_WRITE, _named(row) | new)


def _in_turn(row: Row) -> tuple[bool, int, Row]:
    _, key, span, _ = row
    kind = 0 if span >= 0 else 2 if span > -_FIRST_MONTH else 1
    return key != ALL, kind, row


_FIRST_DAY = date(1970, 1, 1)
_FIRST_MONTH = 12 * 1000
"""Spans below its negative are months: years have four digits, months since the year 0 five."""


def _begin(transaction: Transaction, table: sa.Table, row: Row, nothing: dict[str, int] | dict[str, str]) -> None:
    terms = dict(zip(_KEY, row, strict=True)) | nothing
    transaction.change(insert_if_missing(transaction, table, *terms), terms)


def _named(row: Row) -> dict[str, str | int]:
    owner, key, span, model = row
    return {"of_owner": owner, "of_session_key": key, "of_span": span, "of_model": model}
