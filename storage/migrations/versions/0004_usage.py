"""What was used, by day, month, year and model, for all sessions of an owner and for each one."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

from storage.spread import bucket

revision = "0004"
down_revision = "0003"

COUNTED = ("sessions", "turns", "messages", "stopped", "failed", "interrupted")
SUMMED = ("input_tokens", "output_tokens", "prompt_characters", "reply_characters", "writing_time")
HISTOGRAMS = ("hours", "first_text", "duration")
FIRST_DAY = date(1970, 1, 1)
# Turns that a process ran, and that are no copies: those had been counted.
TURNS = """
SELECT s.owner, t.session_key, t.model, t.status, t.opened_at, t.first_text_at, t.closed_at,
t.input_tokens, t.output_tokens, m.messages, m.prompt, m.reply
FROM turns t JOIN sessions s ON s.id = t.session_key
JOIN (SELECT turn_id, count(*) AS messages,
sum(CASE WHEN sender = 'Human' THEN length(content) ELSE 0 END) AS prompt,
sum(CASE WHEN sender = 'AI' THEN length(content) ELSE 0 END) AS reply
FROM messages WHERE turn_id IS NOT NULL GROUP BY turn_id) m ON m.turn_id = t.id
WHERE t.status <> 'running' AND t.process_id IS NOT NULL AND t.opened_at >= s.created_at
"""


@dataclass
class Use:
    sums: Counter[str] = field(default_factory=Counter)
    histograms: dict[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in HISTOGRAMS})


def upgrade() -> None:
    usage = _create(
        "usage",
        *(sa.Column(name, sa.Integer, nullable=False, server_default="0") for name in COUNTED),
        *(sa.Column(name, sa.BigInteger, nullable=False, server_default="0") for name in SUMMED),
    )
    histograms = _create("usage_histograms", *(sa.Column(name, sa.Text, nullable=False) for name in HISTOGRAMS))
    uses: dict[tuple[str, int, int, str], Use] = {}
    _count_turns(uses)
    _count_what_was_deleted(uses)
    rows = [(dict(zip(("owner", "session_key", "span", "model"), key, strict=True)), use) for key, use in uses.items()]
    op.bulk_insert(usage, [key | {name: use.sums[name] for name in (*COUNTED, *SUMMED)} for key, use in rows])
    filled = [(key, use.histograms) for key, use in rows if use.histograms["hours"]]
    op.bulk_insert(histograms, [key | {name: json.dumps(of[name]) for name in HISTOGRAMS} for key, of in filled])
    op.drop_table("usage_days")


def _count_turns(uses: dict[tuple[str, int, int, str], Use]) -> None:
    for owner, session, model, *turn in op.get_bind().execute(sa.text(TURNS)):
        status, opened, first_text, closed, tokens_in, tokens_out, messages, prompt, reply = turn
        ended = datetime.fromtimestamp(closed / 1e6, UTC).astimezone()
        sums = {
            "turns": 1,
            "messages": messages,
            **({status: 1} if status in COUNTED else {}),
            "input_tokens": tokens_in or 0,
            "output_tokens": tokens_out or 0,
            "prompt_characters": prompt,
            "reply_characters": reply,
            "writing_time": max(0, closed - first_text) if first_text and tokens_out else 0,
        }
        buckets = {
            "hours": str(24 * ended.weekday() + ended.hour),
            "first_text": bucket(timedelta(microseconds=first_text - opened) if first_text else None),
            "duration": bucket(timedelta(microseconds=closed - opened)),
        }
        spans = [(0, span) for span in _spans(ended.date())] + [(session, next(_spans(ended.date())))]
        for key, span in spans:
            use = uses.setdefault((owner, key, span, model), Use())
            use.sums.update(sums)
            for name, at in buckets.items():
                use.histograms[name][at] += 1


def _count_what_was_deleted(uses: dict[tuple[str, int, int, str], Use]) -> None:
    """Of turns that are gone only the day is known, and neither the model nor how long they took."""
    known: dict[tuple[str, int], Counter[str]] = {}
    for (owner, key, span, _), use in uses.items():
        if key == 0:
            known.setdefault((owner, span), Counter()).update(use.sums)
    days = sa.text("SELECT owner, day, turns, input_tokens, output_tokens FROM usage_days")
    for owner, number, *figures in op.get_bind().execute(days):
        names = ("turns", "input_tokens", "output_tokens")
        there = known.get((owner, number), Counter())
        rest = {name: max(0, figure - there[name]) for name, figure in zip(names, figures, strict=True)}
        if any(rest.values()):
            for span in _spans(FIRST_DAY + timedelta(days=number)):
                uses.setdefault((owner, 0, span, ""), Use()).sums.update(rest)


def _spans(day: date) -> Iterator[int]:
    yield (day - FIRST_DAY).days
    yield -(12 * day.year + day.month - 1)
    yield -day.year


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
