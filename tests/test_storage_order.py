"""Order: lists, pins, archive, tags, ends, what is recent, and deleting many."""

from datetime import UTC, datetime, timedelta

import pytest

from storage import (
    Filters,
    Message,
    Order,
    Outcome,
    Sender,
    SessionEnded,
    SessionFilters,
    SessionNotFound,
    SessionText,
    Status,
    Store,
    TextRefused,
)
from tests.conftest import Clock, Ledger


@pytest.fixture
def shelf(store: Store, clock: Clock) -> Store:
    """Five sessions, begun a day apart, with as many turns as their number says, the first used last."""
    ledger = Ledger(store)
    for number in (5, 4, 3, 2, 1):
        clock.forward(days=1)
        store.sessions.start("local", f"s{number}")
        store.sessions.rename("local", f"s{number}", f"{'eDcbA'[number - 1]} trip")
        for _ in range(number):
            ledger.turn(f"s{number}")
    return store


def listed(store: Store, order: Order = Order.ACTIVITY, **filters: object) -> list[str]:
    """All names, two a page."""
    found, after = [], None
    while True:
        page = store.sessions.page(
            "local",
            SessionFilters(**filters),  # type: ignore[arg-type]
            order=order,
            count=2,
            after=after,
        )
        found += [session.session_id for session in page.sessions]
        if (after := page.after) is None:
            return found


def test_sessions_are_listed_in_any_order_a_page_at_a_time(shelf: Store) -> None:
    assert listed(shelf) == ["s1", "s2", "s3", "s4", "s5"]
    assert listed(shelf, Order.CREATION) == ["s1", "s2", "s3", "s4", "s5"]
    assert listed(shelf, Order.TITLE) == ["s5", "s4", "s3", "s2", "s1"]
    assert listed(shelf, Order.MESSAGES) == ["s5", "s4", "s3", "s2", "s1"]


def test_pinned_sessions_come_first_and_archived_ones_only_when_asked_for(shelf: Store) -> None:
    shelf.labels.pin("local", "s4")
    shelf.labels.pin("local", "s5")
    shelf.labels.archive("local", "s1")
    assert listed(shelf) == ["s4", "s5", "s2", "s3"]
    assert listed(shelf, archived=True) == ["s1"]
    assert listed(shelf, archived=None) == ["s4", "s5", "s1", "s2", "s3"]
    assert listed(shelf, pinned=True) == ["s4", "s5"]
    shelf.labels.pin("local", "s4", yes=False)
    shelf.labels.archive("local", "s1", yes=False)
    assert listed(shelf) == ["s5", "s1", "s2", "s3", "s4"]
    assert shelf.sessions.get("local", "s5").pinned


def test_sessions_are_filtered_by_tag_title_time_and_whether_they_ended(shelf: Store, clock: Clock) -> None:
    shelf.labels.tag("local", "s2", "work", "japan")
    shelf.labels.tag("local", "s4", "work")
    shelf.labels.end("local", "s3")
    assert listed(shelf, tag=" WORK") == listed(shelf, tag="work") == ["s2", "s4"]
    assert listed(shelf, tag="work", titled="d tr") == ["s2"]
    assert listed(shelf, titled="trip") == ["s1", "s2", "s3", "s4", "s5"]
    assert listed(shelf, ended=True) == ["s3"]
    assert listed(shelf, ended=False) == ["s1", "s2", "s4", "s5"]
    assert listed(shelf, since=clock.now - timedelta(days=1)) == ["s1", "s2"]
    assert listed(shelf, until=clock.now - timedelta(days=2)) == ["s4", "s5"]
    assert listed(shelf, titled="***") == []


def test_tags_are_counted_and_taken_off_again(shelf: Store) -> None:
    shelf.labels.tag("local", "s1", "work", "japan")
    shelf.labels.tag("local", "s2", "work", "work")
    shelf.labels.untag("local", "s1", "japan", "never had")
    assert shelf.labels.tags("local") == {"work": 2}
    assert shelf.sessions.get("local", "s1").tags == ("work",)
    assert shelf.labels.tags("anna") == {}
    with pytest.raises(SessionNotFound):
        shelf.labels.tag("anna", "s1", "mine")
    with pytest.raises(TextRefused):
        shelf.labels.tag("local", "s1", "with a \0")


def test_a_message_is_found_by_the_tag_of_its_session(shelf: Store) -> None:
    shelf.labels.tag("local", "s2", "work")
    hits = shelf.search.find("local", "hello", Filters(tag="work")).hits
    assert [hit.session_id for hit in hits] == ["s2", "s2"]
    assert shelf.search.find("local", "hello", Filters(tag="Work")).hits == hits
    assert shelf.search.find("local", "hello", Filters(tag="nothing")).hits == ()
    assert [hit.session_id for hit in shelf.search.find("local", "trip", Filters(tag="work")).hits] == ["s2"]


def test_a_session_that_was_ended_takes_no_prompt_until_it_is_reopened(ledger: Ledger) -> None:
    opened = ledger.open()
    ledger.store.labels.end("local", "lisbon")
    ledger.store.turns.close(opened, Outcome(Status.COMPLETE, (Message(Sender.AI, "Hi"),)))
    with pytest.raises(SessionEnded, match="“lisbon” was ended: reopen it"):
        ledger.open()
    with pytest.raises(SessionEnded):
        ledger.store.turns.append("local", "lisbon", [Message(Sender.HUMAN, "Hello")])
    ledger.store.labels.reopen("local", "lisbon")
    ledger.turn()
    assert len(ledger.prompts()) == 2


def test_ending_twice_keeps_the_first_time(ledger: Ledger, clock: Clock) -> None:
    ledger.store.labels.end("local", "lisbon")
    ended = clock.now
    clock.forward(hours=1)
    ledger.store.labels.end("local", "lisbon")
    assert ledger.store.sessions.get("local", "lisbon").ended_at == ended


def test_the_current_session_is_the_last_used_that_is_neither_ended_nor_archived(shelf: Store) -> None:
    shelf.labels.end("local", "s1")
    shelf.labels.archive("local", "s2")
    shelf.labels.pin("local", "s5")
    current = shelf.sessions.current("local")
    assert current is not None
    assert current.session_id == "s3"
    assert shelf.sessions.current("anna") is None


def test_recent_turns_are_those_of_all_sessions_without_copies(shelf: Store, clock: Clock) -> None:
    ledger = Ledger(shelf)
    for number, name in enumerate(("s3", "s5", "s3")):
        clock.forward(minutes=1)
        ledger.turn(name, f"Question {number}")
    clock.forward(minutes=1)
    shelf.branches.fork("local", "s3", "copy")
    shelf.labels.archive("local", "s5")
    recent = shelf.paths.recent("local", 3)
    assert [(turn.session_id, turn.turn.prompt) for turn in recent] == [
        ("s3", "Question 2"),
        ("s5", "Question 1"),
        ("s3", "Question 0"),
    ]
    assert recent[0].title == "c trip"
    for name in ("copy 1", "copy 2", "copy 3"):
        shelf.branches.fork("local", "s5", name)
    assert len(shelf.paths.recent("local", 3)) == 3
    assert shelf.paths.recent("local", 1) == recent[:1]
    assert shelf.paths.recent("anna", 3) == ()


def test_a_daily_clean_up_that_failed_is_tried_again(shelf: Store, clock: Clock) -> None:
    clock.forward(days=40)
    with pytest.raises(ValueError, match="more than 0"):
        shelf.cleanup.clean_up_daily("local", days=-1)
    assert shelf.cleanup.clean_up_daily("local", days=30) is not None


def test_a_running_session_is_marked_in_the_list(ledger: Ledger) -> None:
    opened = ledger.open()
    assert ledger.store.sessions.page("local").sessions[0].running
    ledger.store.turns.close(opened, Outcome(Status.COMPLETE))
    assert not ledger.store.sessions.page("local").sessions[0].running


def test_a_session_can_begin_with_a_summary_and_keeps_every_version_of_it(store: Store) -> None:
    store.sessions.start("local", "lisbon", {"summary": "We spoke of Lisbon.", "window_turns": 3})
    store.sessions.start("local", "lisbon", {"summary": "Not new: not taken."})
    store.sessions.set("local", "lisbon", {"summary": "We spoke of Lisbon."})
    store.sessions.set("local", "lisbon", {"summary": "We spoke of Porto.", "window_turns": None})
    session = store.sessions.get("local", "lisbon")
    assert session.settings == {"summary": SessionText(2, "We spoke of Porto.")}
    assert store.sessions.text("local", "lisbon", "summary", 1) == "We spoke of Lisbon."
    assert store.sessions.text("local", "lisbon", "summary", 3) == ""


def test_a_fork_takes_tags_and_all_versions_of_its_texts_along(ledger: Ledger) -> None:
    ledger.store.sessions.set("local", "lisbon", {"system_prompt": "Be brief."})
    ledger.store.sessions.set("local", "lisbon", {"system_prompt": "Be kind."})
    ledger.store.labels.tag("local", "lisbon", "work")
    fork = ledger.store.branches.fork("local", "lisbon", "copy")
    assert (fork.tags, fork.settings) == (("work",), {"system_prompt": SessionText(2, "Be kind.")})
    assert ledger.store.sessions.text("local", "copy", "system_prompt", 1) == "Be brief."


def test_many_are_deleted_and_those_that_answer_are_kept_and_named(shelf: Store) -> None:
    ledger = Ledger(shelf)
    ledger.open("s1")
    seen: list[tuple[int, int]] = []
    deleted = shelf.cleanup.delete(
        "local", ["s5", "s1", "nowhere", "s5"], progress=lambda done, of: seen.append((done, of))
    )
    assert (deleted.sessions, deleted.messages, deleted.kept) == (1, 10, ("s1", "nowhere"))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert listed(shelf) == ["s1", "s2", "s3", "s4"]
    assert shelf.verify() == []


def test_a_clean_up_deletes_what_its_preview_says_and_spares_pinned_and_archived(shelf: Store, clock: Clock) -> None:
    shelf.labels.pin("local", "s5")
    shelf.labels.archive("local", "s4")
    clock.forward(days=28.5)
    preview = shelf.cleanup.unused("local", days=30)
    assert (preview.sessions, preview.messages, [s.session_id for s in preview.longest]) == (1, 6, ["s3"])
    with_archived = shelf.cleanup.unused("local", days=30, archived_too=True, count=1)
    assert (with_archived.sessions, [s.session_id for s in with_archived.longest]) == (2, ["s4"])
    deleted = shelf.cleanup.clean_up("local", days=30)
    assert (deleted.sessions, deleted.messages) == (1, 6)
    assert listed(shelf, archived=None) == ["s5", "s1", "s2", "s4"]
    assert shelf.cleanup.unused("local", days=30).sessions == 0
    assert shelf.cleanup.unused("anna", days=0.1).sessions == 0
    for days in (0, -1, float("nan"), 1e9):
        with pytest.raises(ValueError, match="more than 0 and up to 36,500 days"):
            shelf.cleanup.clean_up("local", days=days)


def test_the_daily_clean_up_is_done_once_a_day_whoever_asks(shelf: Store, each_url: str, clock: Clock) -> None:
    clock.forward(days=40)
    first = shelf.cleanup.clean_up_daily("local", days=30)
    assert first is not None
    assert first.sessions == 5
    with Store(each_url, clock=clock) as other:
        assert other.cleanup.clean_up_daily("local", days=30) is None
        clock.forward(hours=24)
        assert other.cleanup.clean_up_daily("local", days=30) is not None


def test_moments_are_utc(ledger: Ledger) -> None:
    ledger.store.labels.end("local", "lisbon")
    ended = ledger.store.sessions.get("local", "lisbon").ended_at
    assert ended == datetime(2026, 5, 4, 12, tzinfo=UTC)
