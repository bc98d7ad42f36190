"""What was used, by day, and what an owner has stored: kept in the transactions that change it, never counted."""

from datetime import date, datetime, timedelta

import sqlalchemy as sa

from storage.clock import Clock
from storage.database import Database, Transaction
from storage.records import DayUse, Outcome, Totals, to_microseconds
from storage.rows import insert_if_missing
from storage.schema import owners, sessions, usage_days

RECENT = timedelta(hours=24)
FIRST_DAY = date(1970, 1, 1)

_COUNT = (
    sa.update(usage_days)
    .where(usage_days.c.owner == sa.bindparam("of_owner"), usage_days.c.day == sa.bindparam("on_day"))
    .values(
        turns=usage_days.c.turns + 1,
        input_tokens=usage_days.c.input_tokens + sa.bindparam("tokens_in"),
        output_tokens=usage_days.c.output_tokens + sa.bindparam("tokens_out"),
    )
)
_TOTALS = sa.select(owners.c.session_count, owners.c.message_count, owners.c.turn_count).where(
    owners.c.owner == sa.bindparam("owner")
)
_ACTIVE = sa.select(sa.func.count()).where(
    sessions.c.owner == sa.bindparam("owner"), sessions.c.last_activity >= sa.bindparam("since")
)
_DAYS = (
    sa.select(usage_days.c.day, usage_days.c.turns, usage_days.c.input_tokens, usage_days.c.output_tokens)
    .where(usage_days.c.owner == sa.bindparam("owner"), usage_days.c.day >= sa.bindparam("since"))
    .order_by(usage_days.c.day)
)


def count_use(transaction: Transaction, owner: str, moment: datetime, outcome: Outcome) -> None:
    """Add one ended turn to its day: the calendar day on the clock of this machine."""
    day = (moment.astimezone().date() - FIRST_DAY).days
    counts = {
        "of_owner": owner,
        "on_day": day,
        "tokens_in": outcome.input_tokens or 0,
        "tokens_out": outcome.output_tokens or 0,
    }
    if transaction.change(_COUNT, counts) == 0:
        transaction.change(insert_if_missing(transaction, usage_days, "owner", "day"), {"owner": owner, "day": day})
        transaction.change(_COUNT, counts)


class Usage:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def totals(self, owner: str) -> Totals:
        since = to_microseconds(self._clock() - RECENT)
        with self._database.read() as transaction:
            row = transaction.row(_TOTALS, {"owner": owner})
            active = transaction.value(_ACTIVE, {"owner": owner, "since": since}) or 0
        session_count, message_count, turn_count = row or (0, 0, 0)
        return Totals(session_count, message_count, turn_count, active)

    def days(self, owner: str, count: int) -> tuple[DayUse, ...]:
        """The last `count` calendar days up to today, oldest first, those without turns too."""
        today = self._clock().astimezone().date()
        first = today - timedelta(days=count - 1)
        with self._database.read() as transaction:
            rows = transaction.rows(_DAYS, {"owner": owner, "since": (first - FIRST_DAY).days})
            used = {FIRST_DAY + timedelta(days=day): figures for day, *figures in rows}
        days = (first + timedelta(days=offset) for offset in range(count))
        return tuple(DayUse(day, *used.get(day, (0, 0, 0))) for day in days)
