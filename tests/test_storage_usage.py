"""Counting: the figures are those that a plain count gives."""

import random
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest

from storage import DayUse, Message, Outcome, Sender, SessionNotFound, Spread, Status, Store, Tally
from storage.spread import bucket, spread
from tests.conftest import Clock, Ledger

ENDS = (Status.COMPLETE, Status.COMPLETE, Status.COMPLETE, Status.STOPPED, Status.FAILED, Status.INTERRUPTED)


@dataclass(frozen=True)
class Done:
    """A turn as the test remembers it."""

    session: str
    model: str
    ended: datetime
    status: Status
    first_text: timedelta | None
    duration: timedelta
    tokens: tuple[int | None, int | None]
    lengths: tuple[int, int]


@pytest.fixture
def lived(store: Store, clock: Clock) -> list[Done]:
    """A hundred turns over fifteen months, in three sessions, with two models."""
    chance = random.Random(11)  # noqa: S311 - the same turns each time
    process = store.running.begin_process()
    done = []
    for name in ("a", "b", "c"):
        store.sessions.start("local", name)
    for _ in range(100):
        clock.forward(hours=chance.uniform(1, 218))
        session, model = chance.choice("abc"), chance.choice(("echo", "ollama:gemma3"))
        prompt, reply = "p" * chance.randint(1, 50), "r" * chance.randint(0, 90)
        opened = store.turns.open(
            "local", session, Message(Sender.HUMAN, prompt), model=model, window=0, process_id=process
        )
        waited, wrote = timedelta(seconds=chance.uniform(0.1, 5)), timedelta(seconds=chance.uniform(0.1, 60))
        began, status = clock.now + waited, chance.choice(ENDS)
        clock.now = began + wrote
        messages = (Message(Sender.AI, reply),) if reply else ()
        tokens = (len(prompt), len(reply)) if reply and status is Status.COMPLETE else (None, None)
        first = began if reply else None
        store.turns.close(
            opened, Outcome(status, messages, first_text_at=first, input_tokens=tokens[0], output_tokens=tokens[1])
        )
        took = waited if reply else None
        done.append(Done(session, model, clock.now, status, took, waited + wrote, tokens, (len(prompt), len(reply))))
    return done


def counted(done: list[Done]) -> Tally:
    return Tally(
        sessions=0,
        turns=len(done),
        messages=sum(1 + (turn.lengths[1] > 0) for turn in done),
        stopped=sum(turn.status is Status.STOPPED for turn in done),
        failed=sum(turn.status is Status.FAILED for turn in done),
        interrupted=sum(turn.status is Status.INTERRUPTED for turn in done),
        input_tokens=sum(turn.tokens[0] or 0 for turn in done),
        output_tokens=sum(turn.tokens[1] or 0 for turn in done),
        prompt_characters=sum(turn.lengths[0] for turn in done),
        reply_characters=sum(turn.lengths[1] for turn in done),
        writing_time=sum(
            round((turn.duration - turn.first_text) / timedelta(microseconds=1))
            for turn in done
            if turn.first_text and turn.tokens[1]
        ),
    )


def day_of(turn: Done) -> date:
    return turn.ended.astimezone().date()


RANGES = (
    (None, None),
    (date(2026, 5, 1), date(2026, 5, 31)),
    (date(2026, 5, 20), date(2026, 6, 2)),
    (date(2026, 6, 1), date(2026, 8, 31)),
    (date(2026, 5, 17), date(2026, 12, 24)),
    (date(2026, 12, 1), date(2027, 2, 28)),
    (date(2026, 7, 3), date(2026, 7, 3)),
    (date(2026, 11, 30), None),
    (date(2020, 1, 1), date(2020, 2, 2)),
    (date(2025, 12, 31), date(2030, 1, 1)),
    (date(1964, 6, 10), None),
    (date(1, 1, 1), date(9999, 12, 31)),
    (date(2027, 1, 1), date(2026, 7, 1)),
)


@pytest.mark.parametrize(("since", "until"), RANGES)
@pytest.mark.parametrize("session", [None, "b"])
def test_the_figures_of_any_range_are_those_of_a_plain_count(
    store: Store, lived: list[Done], since: date | None, until: date | None, session: str | None
) -> None:
    figures = store.usage.figures("local", session, since=since, until=until)
    inside = [
        turn for turn in lived if figures.since <= day_of(turn) <= figures.until and session in {None, turn.session}
    ]
    begun = 3 if session is None and figures.since <= date(2026, 5, 4) <= figures.until else 0
    assert figures.tally == Tally(**{**as_dict(counted(inside)), "sessions": begun})
    for day in figures.days:
        of_day = counted([turn for turn in inside if day_of(turn) == day.day])
        assert day == DayUse(
            day.day,
            of_day.turns,
            of_day.input_tokens,
            of_day.output_tokens,
            of_day.stopped,
            of_day.failed,
            of_day.interrupted,
        )
    assert len(figures.days) == max(0, (figures.until - figures.since).days + 1)
    assert all(type(value) in {int, date} for day in figures.days for value in day)
    for hour, turns in enumerate(figures.hours):
        local = [turn.ended.astimezone() for turn in inside]
        assert turns == sum(24 * moment.weekday() + moment.hour == hour for moment in local)
    assert {use.model: use.tally for use in figures.models} == {
        model: counted([turn for turn in inside if turn.model == model]) for model in {turn.model for turn in inside}
    }
    check_spread(figures.duration, [turn.duration for turn in inside])
    check_spread(figures.first_text, [turn.first_text for turn in inside if turn.first_text])
    assert list(figures.models) == sorted(figures.models, key=lambda use: -use.tally.turns)


def as_dict(tally: Tally) -> dict[str, int]:
    return {name: getattr(tally, name) for name in Tally.__slots__}


def check_spread(found: Spread, times: list[timedelta]) -> None:
    assert found.count == len(times)
    if not times:
        assert found == Spread()
        return
    ordered = sorted(times)
    for quantile, estimate in ((0.5, found.median), (0.95, found.p95)):
        near = ordered[max(0, int(quantile * len(times)) - 1) : int(quantile * len(times)) + 1]
        assert estimate is not None
        assert near[0] / 1.19 <= estimate <= near[-1] * 1.19


def test_medians_and_percentiles_are_within_a_percent() -> None:
    chance = random.Random(5)  # noqa: S311 - the same times each time
    times = [timedelta(seconds=chance.lognormvariate(1, 1.2)) for _ in range(20_000)]
    counts: dict[str, int] = {}
    for taken in times:
        counts[bucket(taken)] = counts.get(bucket(taken), 0) + 1
    found = spread(Counter(counts))
    ordered = sorted(times)
    assert found.median is not None
    assert found.p95 is not None
    assert abs(found.median / ordered[10_000] - 1) < 0.01
    assert abs(found.p95 / ordered[19_000] - 1) < 0.01


def test_figures_of_a_deleted_session_stay_without_its_name(store: Store, lived: list[Done]) -> None:
    store.sessions.delete("local", "b")
    assert store.usage.figures("local").tally.turns == 100
    with pytest.raises(SessionNotFound):
        store.usage.figures("local", "b")
    with store._database.read() as transaction:  # noqa: SLF001
        rows = transaction.driver.execute("SELECT count(DISTINCT session_key) FROM usage").fetchone()
    assert rows[0] == 3


def test_without_any_turn_the_figures_are_nought(store: Store) -> None:
    figures = store.usage.figures("nobody")
    assert figures.tally == Tally()
    assert figures.models == ()
    assert len(figures.days) == 1
    assert figures.tally.tokens_per_second is None


def test_speed_counts_the_time_of_writing_only(ledger: Ledger, clock: Clock) -> None:
    opened = ledger.open()
    clock.forward(seconds=10)
    began = clock.now
    clock.forward(seconds=4)
    outcome = Outcome(
        Status.COMPLETE, (Message(Sender.AI, "Hi"),), first_text_at=began, input_tokens=5, output_tokens=80
    )
    ledger.store.turns.close(opened, outcome)
    assert ledger.store.usage.figures("local").tally.tokens_per_second == 20


def test_what_is_recent_and_what_is_active(store: Store, clock: Clock) -> None:
    ledger = Ledger(store)
    for name, hours in (("old", 30), ("today", 2), ("ended", 0.3), ("now", 0.2)):
        clock.now = datetime(2026, 5, 10, 12, 30, tzinfo=UTC) - timedelta(hours=hours)
        store.sessions.start("local", name)
        ledger.turn(name)
    store.labels.end("local", "ended")
    store.labels.archive("local", "today")
    clock.now = datetime(2026, 5, 10, 12, 30, tzinfo=UTC)
    totals = store.usage.totals("local")
    assert (totals.sessions, totals.recent_sessions, totals.active_sessions, totals.recent_turns) == (4, 3, 1, 3)
    assert store.usage.totals("local", idle=timedelta(hours=40)).active_sessions == 3
    assert store.usage.totals("anna").recent_turns == 0
