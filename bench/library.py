"""A library: 100,000 sessions with 1,000,000 messages of 250 B over three years, found, listed and counted."""

import json
import random
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any

from bench.fill import count_on, fill
from bench.store import interleaved
from storage import Filters, SessionFilters, SessionPlace, Store
from storage.index import bring_up_to_date
from storage.records import month_of, to_moment
from storage.usage import _number
from tests.postgres_server import PostgresServer

SESSIONS = 100_000
TURNS = 5
"""In each session."""

DAYS = 3 * 365
SYLLABLES = ("ka", "lo", "mi", "ter", "sun", "ve", "ro", "pal", "est", "in", "or", "da", "bru", "fen", "gi", "hu")
RARE, COMMON, CHINESE, THAI = "needle", "thimble", "北京", "กรุงเทพ"
ROUNDS = 50


def run() -> None:
    with tempfile.TemporaryDirectory() as folder, PostgresServer(Path(folder) / "postgres") as server:
        print(f"\n{SESSIONS:,} sessions with {2 * SESSIONS * TURNS:,} messages: medians of {ROUNDS} rounds, in ms")
        for engine, url in (("SQLite", f"sqlite:///{folder}/windowseat.db"), ("PostgreSQL", server.new_database())):
            with Store(url) as store:
                _fill(engine, store)
                if engine == "SQLite":
                    _print_plain(Path(folder) / "windowseat.db")
                for name, work in _works(store):
                    print(f"{engine:>11} {name:<60} {interleaved(work, rounds=ROUNDS)[0]:>8.3f}")


def _print_plain(file: Path) -> None:
    """The same without index and figures: everything is read."""
    connection = sqlite3.connect(file)
    for name, sql in (
        (
            "a word by LIKE, newest 20",
            f"SELECT content FROM messages WHERE content LIKE '%{RARE}%' ORDER BY id DESC LIMIT 20",
        ),
        ("turns by day and model, counted", "SELECT opened_at / 86400, model, count(*) FROM turns GROUP BY 1, 2"),
    ):
        taken = interleaved(partial(_read_all, connection, sql), rounds=3)[0]
        print(f"{'plain':>11} {name:<60} {taken:>8.3f}")
    connection.close()


def _read_all(connection: sqlite3.Connection, sql: str) -> list[Any]:
    return connection.execute(sql).fetchall()


def _fill(engine: str, store: Store) -> None:
    database = store._database  # noqa: SLF001
    mark = "?" if engine == "SQLite" else "%s"
    told = texts()
    with database.write() as transaction:
        fill(transaction.driver, owner="local", name="talk", sessions=SESSIONS, length=TURNS, told=False)
        add = f"INSERT INTO messages (turn_id, position, sender, content, timestamp) VALUES ({', '.join([mark] * 5)})"
        rows = ((1 + n // 2, n % 2, ("Human", "AI")[n % 2], next(told), n) for n in range(2 * SESSIONS * TURNS))
        transaction.driver.cursor().executemany(add, rows)
        _use(transaction.driver, mark)
        if engine == "PostgreSQL":
            count_on(transaction.driver)
        transaction.driver.execute("UPDATE housekeeping SET value = 0")
    began = time.perf_counter()
    bring_up_to_date(database)
    taken = time.perf_counter() - began
    print(f"{engine:>11} words of all messages made anew: {1e6 * taken / (2 * SESSIONS * TURNS):.0f} µs a message")
    if engine == "PostgreSQL":
        with database.migration() as connection:
            connection.exec_driver_sql("ANALYZE")


def _use(driver: Any, mark: str) -> None:
    """Figures of three years, up to today, in which two models shared 456 turns a day, at any hour."""
    today = datetime.now(UTC).astimezone().date()
    wholes: dict[tuple[str, int], list[Counter[str]]] = {}
    rows: list[tuple[Any, ...]] = []
    chance = random.Random(4)
    for day in (today - timedelta(days=age) for age in range(DAYS)):
        for model in ("ollama:gemma3:4b", "ollama:llama3.2:3b"):
            hours = Counter(str(24 * day.weekday() + chance.randrange(24)) for _ in range(228))
            taken = [Counter(str(round(chance.gauss(middle, 6))) for _ in range(228)) for middle in (36, 52)]
            rows.append((_number(day), model, 228, *(json.dumps(counts) for counts in (hours, *taken))))
            for span in (-month_of(day), -day.year):
                known = wholes.setdefault((model, span), [Counter() for _ in range(4)])
                for total, counts in zip(known, ({"turns": 228}, hours, *taken), strict=True):
                    total.update(counts)
    for (model, span), (turns, *spreads) in wholes.items():
        rows.append((span, model, turns["turns"], *(json.dumps(counts) for counts in spreads)))
    add = "INSERT INTO {} (owner, session_key, span, model, {}) VALUES ('local', 0, {})"
    driver.cursor().executemany(add.format("usage", "turns", ", ".join([mark] * 3)), [row[:3] for row in rows])
    driver.cursor().executemany(
        add.format("usage_histograms", "hours, first_text, duration", ", ".join([mark] * 5)),
        [(*row[:2], *row[3:]) for row in rows],
    )


def texts() -> Iterator[str]:
    """Texts of 250 B, of words as unevenly used as those of a language; some hold what is searched for."""
    chance = random.Random(4)
    words = ["".join(chance.choices(SYLLABLES, k=chance.randint(1, 3))) for _ in range(20_000)]
    usual = list(accumulate(1 / (place + 3) for place in range(len(words))))
    plain = [" ".join(chance.choices(words, cum_weights=usual, k=42))[:240] for _ in range(20_000)]
    number = 0
    while True:
        held = [
            *([RARE] if number % 1000 == 7 else []),
            *([COMMON] if number % 10 == 3 else []),
            *([f"我爱{CHINESE}天安门"] if number % 1000 == 11 else []),
            *([f"{THAI}มหานคร"] if number % 1000 == 13 else []),
        ]
        yield " ".join([plain[chance.randrange(len(plain))], *held])
        number += 1


def _deep(store: Store) -> SessionPlace | None:
    """The place half-way down the list."""
    middle = store.sessions.page("local", SessionFilters(until=to_moment(SESSIONS // 2)), count=1)
    return middle.after


def _works(store: Store) -> Iterator[tuple[str, Callable[[], Any]]]:
    later = _deep(store)
    today = datetime.now(UTC).astimezone().date()
    yield "newest 50 sessions", lambda: store.sessions.page("local", count=50)
    yield "50 sessions after 50,000 others", lambda: store.sessions.page("local", count=50, after=later)
    yield "all statistics of three years", lambda: store.usage.figures("local")
    yield (
        "all statistics of thirty days",
        lambda: store.usage.figures("local", since=today - timedelta(days=29), until=today),
    )
    yield "totals", lambda: store.usage.totals("local")
    yield "the last 10 turns of all sessions", lambda: store.paths.recent("local", 10)
    for name, word in (
        ("a word held by 1,000", RARE),
        ("a word held by 100,000", COMMON),
        ("a Chinese word of two characters, held by 1,000", CHINESE),
        ("a Thai word of seven characters, held by 1,000", THAI),
        ("a word held by none", "absent"),
        ("a prefix held by 100,000", "thim*"),
    ):
        yield f"{name}: newest 20 with snippets", partial(store.search.find, "local", word)
    yield (
        "a word held by 100,000: the best 20 of the newest 1,000",
        lambda: store.search.find("local", COMMON, best=True),
    )
    yield "a word held by 100,000 in one session", lambda: store.search.find("local", COMMON, Filters("talk 77"))
