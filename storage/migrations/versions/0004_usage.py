"""What was used, by day, month, year and model, for all sessions of an owner and for each one."""

from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

COUNTED = ("sessions", "turns", "messages", "stopped", "failed", "interrupted")
SUMMED = ("input_tokens", "output_tokens", "prompt_characters", "reply_characters", "writing_time")
HISTOGRAMS = ("hours", "first_text", "duration")


def upgrade() -> None:
    usage = _create(
        "usage",
        *(sa.Column(name, sa.Integer, nullable=False, server_default="0") for name in COUNTED),
        *(sa.Column(name, sa.BigInteger, nullable=False, server_default="0") for name in SUMMED),
    )
    _create("usage_histograms", *(sa.Column(name, sa.Text, nullable=False) for name in HISTOGRAMS))
    days = op.get_bind().execute(sa.text("SELECT owner, day, turns, input_tokens, output_tokens FROM usage_days"))
    totals: dict[tuple[str, int], list[int]] = {}
    for owner, number, *figures in days.fetchall():
        day = date(1970, 1, 1) + timedelta(days=number)
        for span in (number, -(12 * day.year + day.month - 1), -day.year):
            row = totals.setdefault((owner, span), [0, 0, 0])
            row[:] = [total + figure for total, figure in zip(row, figures, strict=True)]
    # Which model it was had not been kept.
    rows = [
        {"owner": owner, "session_key": 0, "span": span, "model": ""}
        | dict(zip(("turns", "input_tokens", "output_tokens"), figures, strict=True))
        for (owner, span), figures in totals.items()
    ]
    op.bulk_insert(usage, rows)
    op.drop_table("usage_days")


def _create(name: str, *columns: sa.Column[Any]) -> sa.Table:
    return op.create_table(
        name,
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("session_key", sa.BigInteger, primary_key=True),
        sa.Column("span", sa.Integer, primary_key=True),
        sa.Column("model", sa.Text, primary_key=True),
        *columns,
        sqlite_with_rowid=False,
    )
