"""Many at once: writers in two processes, and hundreds of running replies beside other turns."""

import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from bench.store import _store_turn
from storage import Message, Piece, Sender, Store

SECONDS = 8.0
PAUSE = 0.05
REPLIES = 200
TICK = 0.4
TEXT = "word " * 64
"""What each running reply adds in a tick: 16 kB over 20 s."""


def run() -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/windowseat.db"
        Store(url).close()
        _writers(url)
        _running(url)


def _writers(url: str) -> None:
    command = [sys.executable, "-m", "bench.crowd", url]
    processes = [subprocess.Popen([*command, str(place)], stdout=subprocess.PIPE) for place in range(2)]
    times = sorted(taken for process in processes for taken in json.loads(process.communicate()[0]))
    p50, p95, p99 = (times[int(share * (len(times) - 1))] for share in (0.5, 0.95, 0.99))
    print(
        f"\n8 writers in 2 processes, {1000 * PAUSE:.0f} ms between turns, {len(times):,} turns: "
        f"p50 {p50:.1f} ms, p95 {p95:.1f} ms, p99 {p99:.1f} ms, {sum(bool(p.returncode) for p in processes)} failed"
    )


def _write(url: str, place: str) -> list[float]:
    with Store(url) as store, ThreadPoolExecutor(4) as threads:
        return [taken for times in threads.map(lambda n: _paced(store, f"{place} {n}"), range(4)) for taken in times]


def _paced(store: Store, session: str) -> list[float]:
    turn, times = _store_turn(store, session), []
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        began = time.perf_counter()
        turn()
        times.append(1000 * (time.perf_counter() - began))
        time.sleep(PAUSE)
    return times


def _running(url: str) -> None:
    """Alternate stretches with and without the checkpoints, and compare the medians of the other turns."""
    with Store(url) as store:
        process = store.running.begin_process()
        ids = []
        for number in range(REPLIES):
            store.sessions.start("local", f"running {number}")
            prompt = Message(Sender.HUMAN, "Go on")
            opened = store.turns.open("local", f"running {number}", prompt, model="echo", window=0, process_id=process)
            ids.append(opened.id)
        turn = _store_turn(store, "beside")
        quiet, busy, start = [], [], 0
        for _ in range(5):
            quiet += _timed(turn, 1.5)
            stop = threading.Event()
            checkpoints = threading.Thread(target=_checkpoint, args=(store, process, ids, start, stop))
            checkpoints.start()
            busy += _timed(turn, 1.5)
            stop.set()
            checkpoints.join()
            start += 1_000_000
    plain, beside = statistics.median(quiet), statistics.median(busy)
    print(
        f"{REPLIES} running replies checkpointed each {TICK} s: other turns' median {beside:.3f} ms, "
        f"without them {plain:.3f} ms ({beside / plain:.2f}x)"
    )


def _checkpoint(store: Store, process: int, ids: list[int], start: int, stop: threading.Event) -> None:
    while not stop.wait(TICK):
        store.running.checkpoint(process, [Piece(turn_id, start, TEXT) for turn_id in ids])
        start += len(TEXT)


def _timed(turn: object, seconds: float) -> list[float]:
    times, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.perf_counter()
        turn()  # type: ignore[operator]
        times.append(1000 * (time.perf_counter() - began))
    return times


if __name__ == "__main__":
    print(json.dumps(_write(*sys.argv[1:])))
