"""Themes of 1,000,000 messages in 100,000 sessions over three years, beside reading and counting as many prompts."""

import json
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from bench.fill import count_on, fill
from bench.library import DAYS, SESSIONS, TURNS, texts
from bench.store import interleaved
from storage import Store
from storage.records import to_microseconds
from storage.themes.asked import MOST
from tests.postgres_server import PostgresServer

MESSAGES = 2 * SESSIONS * TURNS
RANGES = {"of 30 days": 30, "of 12 months": 365, "of three years": None}
ROUNDS = 20


def run() -> None:
    print(f"\nThemes of {MESSAGES:,} messages, of about {MOST:,} prompts read: medians of {ROUNDS} rounds, in ms")
    with tempfile.TemporaryDirectory() as folder, PostgresServer(Path(folder) / "postgres") as server:
        for engine, url in (("SQLite", f"sqlite:///{folder}/windowseat.db"), ("PostgreSQL", server.new_database())):
            with Store(url) as store:
                _fill(engine, store)
                if engine == "SQLite":
                    _print_plain(Path(folder) / "windowseat.db")
                _print(engine, store)


def _print(engine: str, store: Store) -> None:
    today = datetime.now(UTC).astimezone().date()
    for name, days in RANGES.items():
        since = None if days is None else today - timedelta(days=days - 1)
        taken = interleaved(partial(store.themes.find, "local", since=since), rounds=ROUNDS)[0]
        print(f"{engine:>11} {name:<60} {taken:>8.3f}")
    taken = interleaved(partial(store.milestones.all, "local"), rounds=ROUNDS)[0]
    print(f"{engine:>11} {'milestones':<60} {taken:>8.3f}")


def _print_plain(file: Path) -> None:
    """A floor: as many prompts of the last year, read and split at spaces; then all of them."""
    connection = sqlite3.connect(file)
    for name, step in (
        (f"{MOST:,} prompts of a year read, split and counted", MESSAGES // 3 // MOST),
        ("all of them", 2),
    ):
        numbers = json.dumps([*range(MESSAGES - MESSAGES // 3 + 1, MESSAGES, step)])
        taken = interleaved(partial(_count, connection, numbers), rounds=3 if step == 2 else ROUNDS)[0]
        print(f"{'plain':>11} {name:<60} {taken:>8.3f}")
    connection.close()


def _count(connection: sqlite3.Connection, numbers: str) -> Counter[str]:
    read = "SELECT content FROM messages WHERE id IN (SELECT value FROM json_each(?))"
    return Counter(word for (text,) in connection.execute(read, (numbers,)) for word in {*text.split()})


def _fill(engine: str, store: Store) -> None:
    """Without the words of the search, which themes make no use of."""
    mark = "?" if engine == "SQLite" else "%s"
    last = to_microseconds(datetime.now(UTC))
    first = last - DAYS * 86_400_000_000
    with store._database.write() as transaction:  # noqa: SLF001
        driver = transaction.driver
        fill(driver, owner="local", name="talk", sessions=SESSIONS, length=TURNS, told=False)
        add = f"INSERT INTO messages (turn_id, position, sender, content, timestamp) VALUES ({', '.join([mark] * 5)})"
        driver.cursor().executemany(add, _messages(first, last))
        _spread(driver, first, last)
        _use(driver, mark)
        if engine == "PostgreSQL":
            count_on(driver)
    if engine == "PostgreSQL":
        with store._database.migration() as connection:  # noqa: SLF001
            connection.exec_driver_sql("ANALYZE")


def _messages(first: int, last: int) -> Iterator[tuple[Any, ...]]:
    told = texts()
    for number in range(MESSAGES):
        moment = first + (last - first) * number // MESSAGES
        yield 1 + number // 2, number % 2, ("Human", "AI")[number % 2], next(told), moment


def _spread(driver: Any, first: int, last: int) -> None:
    """Give sessions and turns the times of their messages: the filled ones are numbered from 1."""
    turn, session = (last - first) // (MESSAGES // 2), (last - first) // SESSIONS
    driver.execute(f"UPDATE turns SET opened_at = {first} + (id - 1) * {turn}, closed_at = {first} + id * {turn}")
    times = f"created_at = {first} + (id - 1) * {session}, last_activity = {first} + id * {session}"
    driver.execute(f"UPDATE sessions SET {times}")


def _use(driver: Any, mark: str) -> None:
    """Figures of each day, of two models."""
    today = datetime.now(UTC).date().toordinal() - datetime(1970, 1, 1, tzinfo=UTC).toordinal()
    add = f"INSERT INTO usage (owner, session_key, span, model, turns) VALUES ('local', 0, {mark}, {mark}, 228)"
    driver.cursor().executemany(add, [(today - age, model) for age in range(DAYS) for model in ("one", "two")])
