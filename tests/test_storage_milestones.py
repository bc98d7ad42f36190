"""Milestones, beside what was asked on which day."""

from datetime import UTC, date, datetime, timedelta

from storage import Milestone, Reached, Store
from tests.conftest import Clock, Ledger

FIRST = datetime(2026, 3, 2, 12, tzinfo=UTC)
"""A Monday."""


def reached(store: Store, owner: str = "local") -> dict[Reached, Milestone]:
    return {milestone.what: milestone for milestone in store.milestones.all(owner)}


def ask(ledger: Ledger, clock: Clock, day: int, session: str, times: int = 1) -> None:
    """On a day counted from 0."""
    clock.now = FIRST + timedelta(days=day)
    ledger.store.sessions.start("local", session)
    for _ in range(times):
        ledger.turn(session)


def day(number: int) -> date:
    return (FIRST + timedelta(days=number)).date()


def test_without_a_turn_there_is_no_milestone(store: Store) -> None:
    store.sessions.start("local", "untouched")
    assert reached(store) == {}


def test_the_first_turn_is_the_first_of_all_but_no_streak(store: Store, clock: Clock) -> None:
    ask(Ledger(store), clock, 2, "lisbon")
    assert reached(store) == {
        Reached.FIRST_SESSION: Milestone(Reached.FIRST_SESSION, day(2), 2, None, "lisbon", "Hello"),
        Reached.LONGEST_SESSION: Milestone(Reached.LONGEST_SESSION, day(2), 2, None, "lisbon", "Hello"),
        Reached.BUSIEST_DAY: Milestone(Reached.BUSIEST_DAY, day(2), 1),
        Reached.BUSIEST_WEEK: Milestone(Reached.BUSIEST_WEEK, day(0), 1, day(6)),
    }


def test_each_milestone_is_the_first_or_the_most(store: Store, clock: Clock) -> None:
    ledger = Ledger(store)
    for number, session, times in ((1, "first", 2), (6, "long", 9), (7, "long", 4), (8, "third", 4), (9, "first", 2)):
        ask(ledger, clock, number, session, times)
    ask(ledger, clock, 15, "third", 7)
    ask(ledger, clock, 16, "third", 1)
    found = reached(store)
    assert (found[Reached.FIRST_SESSION].session_id, found[Reached.FIRST_SESSION].day) == ("first", day(1))
    assert (found[Reached.LONGEST_SESSION].session_id, found[Reached.LONGEST_SESSION].number) == ("long", 26)
    assert found[Reached.BUSIEST_DAY] == Milestone(Reached.BUSIEST_DAY, day(6), 9)
    assert found[Reached.BUSIEST_WEEK] == Milestone(Reached.BUSIEST_WEEK, day(0), 11, day(6))
    assert found[Reached.LONGEST_STREAK] == Milestone(Reached.LONGEST_STREAK, day(6), 4, day(9))
    assert Reached.TURNS not in found


def test_a_round_number_of_turns_is_reached_on_its_day(store: Store, clock: Clock) -> None:
    ledger = Ledger(store)
    ask(ledger, clock, 0, "lisbon", 60)
    ask(ledger, clock, 3, "lisbon", 39)
    assert Reached.TURNS not in reached(store)
    ask(ledger, clock, 5, "lisbon", 1)
    ask(ledger, clock, 8, "lisbon", 20)
    assert reached(store)[Reached.TURNS] == Milestone(Reached.TURNS, day(5), 100)


def test_sessions_are_those_there_are_and_days_stay_when_one_is_deleted(store: Store, clock: Clock) -> None:
    ledger = Ledger(store)
    ask(ledger, clock, 0, "deleted", 5)
    ask(ledger, clock, 1, "archived", 3)
    ask(ledger, clock, 2, "third", 1)
    store.labels.archive("local", "archived")
    store.sessions.delete("local", "deleted")
    found = reached(store)
    assert found[Reached.FIRST_SESSION].session_id == found[Reached.LONGEST_SESSION].session_id == "archived"
    assert found[Reached.BUSIEST_DAY] == Milestone(Reached.BUSIEST_DAY, day(0), 5)
    assert found[Reached.LONGEST_STREAK].number == 3


def test_nobody_reaches_what_others_did(store: Store, clock: Clock) -> None:
    ask(Ledger(store), clock, 0, "lisbon", 3)
    assert reached(store, "anna") == {}
