"""Lists of sessions beside a plain filter and sort, in every order and by all filters, however a page is found."""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage import Order, Session, SessionFilters, SessionPlace, Store, listing
from storage.database import Transaction
from storage.index import put_title
from storage.listing import page_of
from storage.records import to_microseconds
from storage.rows import insert_into
from storage.schema import session_tags, sessions
from storage.words import words
from tests.conftest import Clock, Ledger

FIRST_DAY = datetime(2026, 3, 1, tzinfo=UTC)
TITLES = (
    "",
    "Äpfel",
    "äpfel und Birnen",
    "apples",
    "Apples in autumn",
    "Zebra",
    "ÉCLAIR",
    "éclair",
    "a",
    "北京 trip",
    "Long" * 1000,
)
SESSIONS = 240
WAYS = {
    "gathered": {},
    "compared with sets": {"FEW": 0, "MANY": 10**6},
    "looked for near, then with sets": {"FEW": 0, "MANY": 0, "STEPS": 15},
    "by whichever fits": {"FEW": 20, "MANY": 60, "STEPS": 40},
}
MOMENTS = [None, *(FIRST_DAY + timedelta(days=day) for day in (-1, 2, 5, 9))]
FILTERS = st.builds(
    SessionFilters,
    titled=st.sampled_from(["", "apples", "Äpf", "trip 北京", "ecla", "nowhere"]),
    tag=st.sampled_from([None, None, "work", "rare", "never"]),
    archived=st.sampled_from([None, False, True]),
    pinned=st.sampled_from([None, None, False, True]),
    ended=st.sampled_from([None, None, False, True]),
    since=st.sampled_from(MOMENTS),
    until=st.sampled_from(MOMENTS),
)


@dataclass(frozen=True)
class Shelf:
    """A store that others have sessions in too, and all the sessions of “local” in it."""

    store: Store
    sessions: tuple[Session, ...]


@pytest.fixture
def shelf(store: Store) -> Shelf:
    """Sessions that are much the same, so that lists are full of what only the last key tells apart."""
    _fill(store, SESSIONS, lambda number: "local" if number % 6 else "anna")
    return Shelf(store, tuple(store.sessions.get("local", f"s{number}") for number in range(SESSIONS) if number % 6))


def _fill(store: Store, count: int, owner_of: Callable[[int], str]) -> None:
    chance = Random(8)  # noqa: S311 - keeps no secret
    with store._database.write() as transaction:  # noqa: SLF001 - so many by the public way take a minute
        for number in range(count):
            _add(transaction, chance, number, owner_of(number))


def _add(transaction: Transaction, chance: Random, number: int, owner: str) -> None:
    created = to_microseconds(FIRST_DAY) + chance.randrange(8) * 86_400_000_000
    row = {
        "id": number + 1,
        "owner": owner,
        "session_id": f"s{number}",
        "title": chance.choice(TITLES),
        "created_at": created,
        "last_activity": created + chance.randrange(3) * 86_400_000_000,
        "message_count": chance.randrange(4),
        "pinned": chance.random() < 0.2,
        "archived": chance.random() < 0.4,
        "ended_at": created if chance.random() < 0.3 else None,
    }
    transaction.change(insert_into(sessions, *row), row)
    put_title(transaction, number + 1)
    for tag in [*(["work"] if chance.random() < 0.4 else []), *(["rare"] if number % 50 == 1 else [])]:
        transaction.change(insert_into(session_tags, "session_key", "tag"), {"session_key": number + 1, "tag": tag})


def plain(found: tuple[Session, ...], filters: SessionFilters, order: Order) -> list[str]:
    """What the list should be."""
    keys: dict[Order, Callable[[Session], tuple[object, ...]]] = {
        Order.ACTIVITY: lambda session: (session.pinned, session.last_activity, session.key),
        Order.CREATION: lambda session: (session.created_at, session.key),
        Order.TITLE: lambda session: (session.title[:200].lower(), session.key),
        Order.MESSAGES: lambda session: (session.message_count, session.key),
    }
    chosen = [session for session in found if _fits(session, filters)]
    return [session.session_id for session in sorted(chosen, key=keys[order], reverse=order is not Order.TITLE)]


def _fits(session: Session, filters: SessionFilters) -> bool:
    return (
        filters.archived in {None, session.archived}
        and filters.pinned in {None, session.pinned}
        and filters.ended in {None, session.ended_at is not None}
        and (filters.tag is None or filters.tag in session.tags)
        and (not filters.since or session.last_activity >= filters.since)
        and (not filters.until or session.last_activity < filters.until)
        and _is_titled(words(session.title), words(filters.titled))
    )


def _is_titled(said: list[str], typed: list[str]) -> bool:
    return not typed or ({*typed[:-1]} <= {*said} and any(word.startswith(typed[-1]) for word in said))


def listed(store: Store, filters: SessionFilters, order: Order, count: int) -> Iterator[list[str]]:
    """The names of a page after the other."""
    after: SessionPlace | None = None
    for _ in range(SESSIONS):
        page = store.sessions.page("local", filters, order=order, count=count, after=after)
        yield [session.session_id for session in page.sessions]
        if (after := page.after) is None:
            return


@pytest.mark.parametrize("way", WAYS)
def test_every_list_is_what_filtering_and_sorting_give(shelf: Shelf, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in WAYS[way].items():
        monkeypatch.setattr(listing, name, value)

    @settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(filters=FILTERS, order=st.sampled_from(Order), count=st.sampled_from([7, 50]))
    def check(filters: SessionFilters, order: Order, count: int) -> None:
        pages = [*listed(shelf.store, filters, order, count)]
        assert all(len(page) == count for page in pages[:-1])
        assert [name for page in pages for name in page] == plain(shelf.sessions, filters, order)

    check()


@pytest.mark.parametrize("order", Order)
def test_what_stays_in_its_place_is_listed_once_while_other_sessions_change(shelf: Shelf, order: Order) -> None:
    names = plain(shelf.sessions, SessionFilters(archived=None), order)
    ledger, moving = Ledger(shelf.store), names[5::9]
    shown: list[str] = []
    for page in listed(shelf.store, SessionFilters(archived=None), order, 11):
        shown += page
        if moving:
            shelf.store.labels.reopen("local", moving[0])
            ledger.turn(moving[0])
            shelf.store.sessions.rename("local", moving[-1], "Moved")
            shelf.store.labels.pin("local", moving[-1])
            moving = moving[1:-1]
    moved = {*names[5::9]}
    assert [name for name in shown if name not in moved] == [name for name in names if name not in moved]


def test_tags_are_those_of_ones_own_sessions(shelf: Shelf) -> None:
    tagged = [session for session in shelf.sessions if "work" in session.tags]
    assert shelf.store.labels.tags("local")["work"] == len(tagged)
    shelf.store.labels.tag("anna", "s0", "annas")
    assert "annas" not in shelf.store.labels.tags("local")
    assert shelf.store.labels.tags("anna")["annas"] == 1


def test_a_title_is_found_whether_or_not_others_have_sessions_in_the_store(store: Store) -> None:
    store.sessions.start("local", "lisbon")
    store.sessions.rename("local", "lisbon", "Trip to Lisbon")
    titled = SessionFilters(titled="lisb")
    assert [session.owner for session in store.sessions.page("local", titled).sessions] == ["local"]
    assert store.sessions.page("anna", titled).sessions == ()
    store.sessions.start("anna", "lisbon")
    store.sessions.rename("anna", "lisbon", "Lisbon again")
    assert [session.owner for session in store.sessions.page("local", titled).sessions] == ["local"]
    assert [session.owner for session in store.sessions.page("anna", titled).sessions] == ["anna"]


def test_a_session_keeps_its_place_by_title_whoever_gives_it_one(ledger: Ledger) -> None:
    for name, title in (("b", "banana"), ("c", "Çilek"), ("d", "Date"), ("e", "Éclair")):
        ledger.store.sessions.start("local", name)
        ledger.store.sessions.rename("local", name, title)
    ledger.turn("lisbon", "Carrots, please")
    ledger.store.branches.fork("local", "d", "f")
    (names,) = listed(ledger.store, SessionFilters(), Order.TITLE, 50)
    assert names == ["b", "lisbon", "d", "f", "c", "e"]
    ledger.store.sessions.rename("local", "b", "ZUCCHINI")
    ledger.store.sessions.rename("local", "e", "")
    (names,) = listed(ledger.store, SessionFilters(), Order.TITLE, 50)
    assert names == ["e", "lisbon", "d", "f", "b", "c"]


def test_another_program_can_rename_and_delete_sessions_in_the_file(tmp_path: Path, clock: Clock) -> None:
    with Store(f"sqlite:///{tmp_path}/chat.db", clock=clock) as store:
        for name in ("Ärger", "Übung"):
            store.sessions.start("local", name)
            store.sessions.rename("local", name, name)
        other = sqlite3.connect(tmp_path / "chat.db")
        assert other.execute("UPDATE sessions SET title = 'Öl' WHERE session_id = 'Ärger'").rowcount == 1
        assert other.execute("DELETE FROM sessions WHERE session_id = 'Übung'").rowcount == 1
        other.commit()
        assert other.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        other.close()
        store.sessions.rename("local", "Ärger", "Oel")
        assert [*listed(store, SessionFilters(), Order.TITLE, 50)] == [["Ärger"]]


LISTS: list[tuple[dict[str, Any], int]] = [
    *(({"archived": archived}, 2_500) for archived in (False, True, None)),
    *(({"pinned": False}, 2_500), ({"ended": False}, 2_500)),
    *(({"tag": "rare"}, 4_000), ({"archived": None, "pinned": True, "tag": "rare"}, 8_000)),
    *(({"titled": "apples"}, 8_000), ({"tag": "work"}, 12_000), ({"since": FIRST_DAY + timedelta(days=2)}, 12_000)),
    *(({"archived": None, "ended": True}, 20_000), ({"archived": None, "pinned": True}, 20_000)),
]
"""Filters, and how many of SQLite's steps a page may take. To sort all 3,000 sessions takes from 70,000 on."""


def test_no_page_costs_much_costs_as_much_as_sorting_all_sessions(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"FEW": 100, "MANY": 400, "STEPS": 400}.items():
        monkeypatch.setattr(listing, name, value)
    with Store(url) as store:
        _fill(store, 3000, lambda _: "local")
        for (given, most), order in product(LISTS, Order):
            filters = SessionFilters(**given)
            after = store.sessions.page("local", filters, order=order, count=2).after
            with store._database.read() as transaction:  # noqa: SLF001 - SQLite itself says how much it does
                steps: list[int] = []
                transaction.driver.set_progress_handler(partial(steps.append, 1), 100)
                page = page_of(transaction, "local", filters, order=order, count=10, after=after)
                transaction.driver.set_progress_handler(None, 100)
            assert page.sessions
            assert 100 * len(steps) < most, (order, given)
