"""The store's part of a turn, and the whole of a send, beside plain drivers, on both engines."""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from agent import Agent, Settings
from bench.fill import PROMPT, REPLY, count_on, fill, point_back
from bench.floor import Floor
from storage import Json, Message, Outcome, Past, Sender, Status, Store
from tests.postgres_server import PostgresServer

WINDOW = 10
ROUNDS = 300
SIZES = (0, 1_000, 10_000, 100_000)
"""Messages in the session before the measured turns."""

BESIDE = 1_000_000
"""Messages in other sessions."""


def run() -> None:
    print(f"\nA turn, with {BESIDE:,} messages beside it: medians of {ROUNDS} interleaved rounds, in ms and x floor")
    print(f"{'':>11} {'messages before':>16} {'floor':>8} {'store':>8} {'':>6} {'send':>8} {'':>6}")
    with tempfile.TemporaryDirectory() as folder, PostgresServer(Path(folder) / "postgres") as server:
        floor = Floor.on_sqlite(Path(folder) / "floor.db")
        _measure("SQLite", floor, f"sqlite:///{folder}/windowseat.db")
        _measure("PostgreSQL", Floor.on_postgresql(server.new_database()), server.new_database())


def _measure(engine: str, floor: Floor, url: str) -> None:
    settings = Settings.read(_env_file=None, database_url=url, model="echo", window_turns=WINDOW)
    with Store(url) as store, Agent(settings) as agent:
        floor.fill(1000, sessions=BESIDE // 100, length=100)
        with store._database.write() as transaction:  # noqa: SLF001
            fill(transaction.driver, owner="others", name="beside", sessions=BESIDE // 100, length=50)
            for size in SIZES:
                for name in ("stored", "sent", "read"):
                    fill(transaction.driver, owner="local", name=f"{name} {size}", sessions=1, length=size // 2)
            point_back(transaction.driver, "?" if engine == "SQLite" else "%s", f"read {SIZES[-1]} 1")
            if engine == "PostgreSQL":
                count_on(transaction.driver)
        if engine == "PostgreSQL":
            _tidy(store)
        for place, size in enumerate(SIZES):
            floor.fill(place, sessions=1, length=size)
            works = (_floor_turn(floor, place), _store_turn(store, f"stored {size} 1"), _send(agent, f"sent {size} 1"))
            least, stored, sent = interleaved(*works, rounds=ROUNDS)
            print(
                f"{engine:>11} {size:>16,} {least:>8.3f} {stored:>8.3f} {stored / least:>5.2f}x "
                f"{sent:>8.3f} {sent / least:>5.2f}x"
            )
        _pages(engine, store)
    floor.close()


def _pages(engine: str, store: Store) -> None:
    store.sessions.start("local", "read 30 1")
    pair = [Message(Sender.HUMAN, PROMPT), Message(Sender.AI, REPLY)]
    store.turns.append("local", "read 30 1", pair * 15)
    short, long, middle = interleaved(
        lambda: store.paths.page("local", "read 30 1", 15),
        lambda: store.paths.page("local", "read 100000 1", 15),
        lambda: store.paths.page("local", "read 100000 1", 15, until=25_000),
        rounds=ROUNDS,
    )
    print(
        f"{engine:>11}: newest page of 30 messages {short:.3f} ms, of 100,000 {long:.3f} ms ({long / short:.2f}x), "
        f"a jump into their middle {middle:.3f} ms ({middle / short:.2f}x)"
    )


def _floor_turn(floor: Floor, session: int) -> Callable[[], object]:
    return lambda: floor.turn(session, PROMPT, REPLY, WINDOW)


def _send(agent: Agent, session: str) -> Callable[[], object]:
    chat = agent.conversation(session)
    return lambda: chat.send(PROMPT)


def _store_turn(store: Store, session: str) -> Callable[[], object]:
    store.sessions.start("local", session)
    process = store.running.begin_process()
    outcome = Outcome(Status.COMPLETE, (Message(Sender.AI, REPLY),))
    prompt = Message(Sender.HUMAN, PROMPT)

    def receipt(past: Past) -> Json:
        return [WINDOW, past.depth - len(past.window), past.depth - 1]

    def turn() -> None:
        opened = store.turns.open(
            "local", session, prompt, model="echo", window=WINDOW, process_id=process, receipt=receipt
        )
        store.turns.close(opened, outcome)

    return turn


def _tidy(store: Store) -> None:
    """PostgreSQL plans by statistics, which its own housekeeping would gather within a minute."""
    with store._database.migration() as connection:  # noqa: SLF001
        connection.exec_driver_sql("ANALYZE")


def interleaved(*works: Callable[[], object], rounds: int) -> tuple[float, ...]:
    """The median time of each, in ms, done in turns so that whatever disturbs one disturbs all."""
    times: list[list[float]] = [[] for _ in works]
    for turn in range(rounds + 20):
        for work, taken in zip(works, times, strict=True):
            began = time.perf_counter()
            work()
            if turn >= 20:
                taken.append(1000 * (time.perf_counter() - began))
    return tuple(statistics.median(taken) for taken in times)
