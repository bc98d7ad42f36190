"""What a turn with realistic text costs: the bytes it takes, and what search and statistics add to its time."""

import sqlite3
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import storage.turns
from agent.context import Ask, choose_turns
from agent.tokens import Room
from bench.library import texts
from storage import Json, Message, Outcome, Past, Sender, Status, Store
from tests.postgres_server import PostgresServer

SIZES = (1_000, 50_000)
"""Turns after which the bytes are counted."""

TEXT = 247
"""Bytes of each message."""

ROUNDS = 1_000


def run() -> None:
    print(f"\nBytes a message, {TEXT} of which are its text, with receipts, search and figures")
    with tempfile.TemporaryDirectory() as folder, PostgresServer(Path(folder) / "postgres") as server:
        file = Path(folder) / "windowseat.db"
        _grow("SQLite", f"sqlite:///{file}", lambda: _bytes_of_file(file))
        url = server.new_database()
        size_of = "SELECT pg_database_size(current_database())"
        empty = server.run("SELECT pg_database_size('template1')")[0][0]
        with Store(url) as store:

            def bytes_used() -> int:
                with store._database.read() as transaction:  # noqa: SLF001
                    return int(transaction.driver.execute(size_of).fetchone()[0]) - int(str(empty))

            _grow("PostgreSQL", url, bytes_used)
        _measure_addition(f"sqlite:///{folder}/addition.db")


def _grow(engine: str, url: str, bytes_used: Callable[[], int]) -> None:
    with Store(url) as store:
        turn = _turn(store, "model")
        done = 0
        for size in SIZES:
            for _ in range(size - done):
                turn()
            done = size
            print(f"{engine:>11} {size:>8,} turns {bytes_used() / (2 * size):>8.0f}")


def _bytes_of_file(file: Path) -> int:
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return file.stat().st_size


def _measure_addition(url: str) -> None:
    """Turns with and without both, one after the other on the same store."""
    names = vars(storage.turns)
    both = {name: names[name] for name in ("put_turn", "count_use")}
    neither: dict[str, Any] = {"put_turn": lambda *_: Counter(), "count_use": lambda *_: None}
    times: dict[bool, list[float]] = {True: [], False: []}
    with Store(url) as store:
        turn = _turn(store, "echo")
        for _ in range(ROUNDS):
            for whole, parts in ((True, both), (False, neither)):
                names.update(parts)
                began = time.perf_counter()
                turn()
                times[whole].append(1000 * (time.perf_counter() - began))
    names.update(both)
    full, bare = (statistics.median(times[whole][20:]) for whole in (True, False))
    print(f"     SQLite: a turn {full:.3f} ms, without search and figures {bare:.3f} ms: they add {full - bare:.3f} ms")


def _turn(store: Store, model: str) -> Callable[[], None]:
    store.sessions.start("local", "talk")
    process = store.running.begin_process()
    source = texts()

    def receipt(past: Past) -> Json:
        room = Room(asked=8192, loaded=8192, reply=1024)
        chosen = choose_turns(past, Ask(Message.prompt(""), model, size=10, room=room))
        return chosen.receipt.to_json()

    def turn() -> None:
        prompt, reply = (f"{text:<{TEXT}}"[:TEXT] for text in islice(source, 2))
        opened = store.turns.open(
            "local", "talk", Message(Sender.HUMAN, prompt), model=model, window=10, process_id=process, receipt=receipt
        )
        outcome = Outcome(
            Status.COMPLETE,
            (Message(Sender.AI, reply),),
            first_text_at=datetime.now(UTC),
            input_tokens=700,
            output_tokens=60,
        )
        store.turns.close(opened, outcome)

    return turn
