"""Sessions: the list, names and settings, clearing and deleting, the figures."""

from datetime import date, timedelta

import pytest

from storage import Message, Outcome, Sender, SessionBusy, SessionFilters, SessionNotFound, Status, Store
from tests.conftest import Clock, Ledger


def names(store: Store, search: str = "") -> list[str]:
    return [session.session_id for session in store.sessions.page("local", SessionFilters(titled=search)).sessions]


def test_the_session_used_last_comes_first(ledger: Ledger, clock: Clock) -> None:
    for name in ("porto", "faro"):
        clock.forward(minutes=1)
        ledger.store.sessions.start("local", name)
    clock.forward(minutes=1)
    ledger.turn("lisbon")
    assert names(ledger.store) == ["lisbon", "faro", "porto"]


def test_pages_of_sessions_follow_each_other_without_a_gap(store: Store, clock: Clock) -> None:
    for number in range(25):
        clock.forward(seconds=number % 2)  # Some share their moment: the key decides then.
        store.sessions.start("local", f"session {number}")

    found, after = [], None
    while True:
        page = store.sessions.page("local", count=7, after=after)
        found += [session.session_id for session in page.sessions]
        if (after := page.after) is None:
            break
    assert found == [f"session {number}" for number in reversed(range(25))]


@pytest.mark.parametrize("search", ["ausflug", "ÄRGER", "arger aus", "100%", "nas", "n", '"ausflug 100"'])
def test_a_title_is_found_by_its_words_the_last_of_which_may_still_be_typed(store: Store, search: str) -> None:
    store.sessions.start("local", "right")
    store.sessions.rename("local", "right", "Ärger beim Ausflug, 100% nass_")
    store.sessions.start("local", "other")
    store.sessions.rename("local", "other", "Ein Titel ohne all das")
    assert names(store, search) == ["right"]


def test_starting_a_session_twice_gives_the_same_one(store: Store) -> None:
    assert store.sessions.start("local", "lisbon") == store.sessions.start("local", "lisbon")
    assert store.usage.totals("local").sessions == 1


def test_a_renamed_session_keeps_its_title(ledger: Ledger) -> None:
    ledger.store.sessions.rename("local", "lisbon", "Spring trip")
    ledger.turn(prompt="I go to Lisbon in May.")
    assert ledger.store.sessions.get("local", "lisbon").title == "Spring trip"


def test_settings_come_back_as_they_were_set(store: Store) -> None:
    store.sessions.start("local", "lisbon")
    store.sessions.set("local", "lisbon", {"model": "ollama:llama3.2", "window_turns": 3})
    assert store.sessions.get("local", "lisbon").settings == {"model": "ollama:llama3.2", "window_turns": 3}


def test_clearing_deletes_the_messages_and_keeps_the_session(ledger: Ledger) -> None:
    ledger.turn(prompt="Hello")
    ledger.store.sessions.clear("local", "lisbon")

    session = ledger.store.sessions.get("local", "lisbon")
    assert (session.title, session.message_count, session.depth) == ("Hello", 0, 0)
    assert ledger.prompts() == []
    ledger.turn(prompt="Again")
    assert ledger.prompts() == ["Again"]


def test_a_deleted_session_is_gone_and_the_others_stay(ledger: Ledger) -> None:
    ledger.store.sessions.start("local", "porto")
    ledger.turn("porto")
    ledger.turn("lisbon")
    ledger.store.sessions.delete("local", "lisbon")

    with pytest.raises(SessionNotFound):
        ledger.store.sessions.get("local", "lisbon")
    assert names(ledger.store) == ["porto"]
    assert ledger.prompts("porto") == ["Hello"]


def test_a_session_of_thousands_of_turns_can_be_deleted(ledger: Ledger) -> None:
    system = [Message(Sender.HUMAN, "Hello")] * 3000
    ledger.store.turns.append("local", "lisbon", system)
    ledger.store.sessions.delete("local", "lisbon")
    assert ledger.store.usage.totals("local").messages == 0


def test_nothing_is_cleared_or_deleted_under_a_running_reply(ledger: Ledger) -> None:
    ledger.open()
    for act in (ledger.store.sessions.clear, ledger.store.sessions.delete):
        with pytest.raises(SessionBusy):
            act("local", "lisbon")
    assert ledger.prompts() == ["Hello"]


def test_owners_do_not_see_each_other(ledger: Ledger) -> None:
    ledger.turn()
    assert ledger.store.sessions.page("anna").sessions == ()
    with pytest.raises(SessionNotFound):
        ledger.store.sessions.rename("anna", "lisbon", "Mine now")
    with pytest.raises(SessionNotFound):
        ledger.store.sessions.delete("anna", "lisbon")
    assert ledger.store.usage.totals("anna").messages == 0


def test_the_totals_equal_what_is_there(ledger: Ledger, clock: Clock) -> None:
    ledger.turn()
    ledger.store.sessions.start("local", "porto")
    clock.forward(hours=25)
    ledger.turn("porto")
    ledger.open("porto")

    totals = ledger.store.usage.totals("local")
    assert (totals.sessions, totals.turns, totals.messages, totals.active_sessions) == (2, 3, 5, 1)


def test_usage_stays_when_a_session_is_deleted(ledger: Ledger, clock: Clock) -> None:
    opened = ledger.open()
    ledger.store.turns.close(
        opened, Outcome(Status.COMPLETE, (Message(Sender.AI, "Hi"),), input_tokens=7, output_tokens=2)
    )
    ledger.store.sessions.delete("local", "lisbon")

    used = ledger.store.usage.figures("local", since=clock.now.date() - timedelta(days=1))
    yesterday, today = used.days
    assert (today.turns, today.input_tokens, today.output_tokens) == (1, 7, 2)
    assert (yesterday.day, yesterday.turns) == (today.day - timedelta(days=1), 0)
    assert isinstance(today.day, date)
