"""The store's part of a turn, beside plain sqlite3."""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from agent import Agent, Settings
from bench.floor import Floor
from storage import Message, Outcome, Sender, Status, Store

PROMPT, REPLY = "x" * 95, "y" * 395
WINDOW = 10
ROUNDS = 400
SIZES = (0, 1_000, 10_000)
"""Messages in the session before the measured turns."""


def run() -> None:
    print("\nA turn, medians of interleaved rounds, in ms and as a multiple of the floor")
    print(f"{'messages before':>16} {'floor':>9} {'store':>9} {'':>7} {'send':>9} {'':>7}")
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            floor, store, send = _measure(Path(folder), size)
        print(f"{size:>16,} {floor:>9.3f} {store:>9.3f} {store / floor:>6.2f}x {send:>9.3f} {send / floor:>6.2f}x")


def _measure(folder: Path, size: int) -> tuple[float, float, float]:
    floor = Floor(folder / "floor.db")
    floor.start(1)
    url = f"sqlite:///{folder / 'windowseat.db'}"
    settings = Settings.read(_env_file=None, database_url=url, model="echo", window_turns=WINDOW)
    with Store(url) as store, Agent(settings) as agent:
        turn = _store_turn(store)
        chat = agent.conversation("sent")
        for session in ("stored", "sent"):
            _fill(store, session, size)
        for _ in range(size // 2):
            floor.turn(1, PROMPT, REPLY, WINDOW)
        medians = _interleaved(
            lambda: floor.turn(1, PROMPT, REPLY, WINDOW), turn, lambda: chat.send(PROMPT), rounds=ROUNDS
        )
    floor.close()
    return medians


def _store_turn(store: Store) -> Callable[[], object]:
    store.sessions.start("local", "stored")
    process = store.running.begin_process()
    outcome = Outcome(Status.COMPLETE, (Message(Sender.AI, REPLY),), {"window": WINDOW, "turns": WINDOW})

    def turn() -> None:
        opened = store.turns.open(
            "local", "stored", Message(Sender.HUMAN, PROMPT), model="echo", window=WINDOW, process_id=process
        )
        store.turns.close(opened, outcome)

    return turn


def _fill(store: Store, session: str, size: int) -> None:
    pair = [Message(Sender.HUMAN, PROMPT), Message(Sender.AI, REPLY)]
    store.turns.append("local", session, pair * (size // 2))


def _interleaved(*works: Callable[[], object], rounds: int) -> tuple[float, float, float]:
    times: list[list[float]] = [[] for _ in works]
    for turn in range(rounds + 20):
        for work, taken in zip(works, times, strict=True):
            began = time.perf_counter()
            work()
            if turn >= 20:
                taken.append(1000 * (time.perf_counter() - began))
    first, second, third = (statistics.median(taken) for taken in times)
    return first, second, third
