"""Taking everything along: how long, in how much memory, and whether both grow as the data do.

The floor does the least of it: rows of SQLite to lines of JSON, and lines of JSON to rows, without branches, without
words to search by, without figures, and without looking whether anything is there already.
"""

import filecmp
import json
import random
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from storage import Sender, Store
from storage.transfer import Form, as_file, read, save
from storage.transfer.talk import Talk, TalkMessage, TalkTurn

SIZES = (1_000, 10_000, 100_000)
"""Sessions, of TURNS turns each."""

TURNS = 5
OWNER = "local"
WORDS = [f"{begin}{middle}{end}" for begin in "bdfgklmnprstvz" for middle in "aeiou" for end in ("n", "ra", "lo", "st")]
BEGIN = datetime(2024, 1, 1, tzinfo=UTC)


class Cost(NamedTuple):
    seconds: float
    megabytes: float


def run() -> None:
    print(f"\nTaking along: sessions of {TURNS} turns, in seconds and MB of memory at the most, beside the floor")
    print(f"{'':<10} {'messages':>10} {'file':>9} {'seconds':>9} {'floor':>9} {'times':>6} {'memory':>9} {'floor':>9}")
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            _measure(Path(folder), size)


def _measure(folder: Path, size: int) -> None:
    file, again, plain = (folder / f"{size}.{end}" for end in ("json", "again.json", "plain.json"))
    url, floor = f"sqlite:///{folder}/{size}.db", f"{folder}/{size}.floor.db"
    save(as_file(_talks(size), Form.JSON, many=True), file)
    _row("import", size, file, _cost("take", file, url), _cost("take_plainly", file, floor))
    _row("export", size, file, _cost("give", again, url), _cost("give_plainly", plain, floor))
    assert filecmp.cmp(file, again, shallow=False)
    for path in folder.glob(f"{size}.*"):
        path.unlink()


def _row(name: str, size: int, file: Path, ours: Cost, floor: Cost) -> None:
    megabytes = file.stat().st_size / 1e6
    print(
        f"{name:<10} {2 * TURNS * size:>10,} {megabytes:>6,.0f} MB {ours.seconds:>9.1f} {floor.seconds:>9.1f} "
        f"{ours.seconds / floor.seconds:>6.1f} {ours.megabytes:>6.0f} MB {floor.megabytes:>6.0f} MB"
    )


def _cost(act: str, *arguments: object) -> Cost:
    """Of one of `_ACTS`, in a process of its own, whose memory nothing else has used."""
    command = [sys.executable, "-m", "bench.transfer", act, *map(str, arguments)]
    seconds, kilobytes = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return Cost(seconds, kilobytes / 1e3)


def _talks(size: int) -> Iterator[Talk]:
    made = random.Random(7)
    for number in range(size):
        begun = BEGIN + timedelta(minutes=7 * number)
        turns = tuple(_turn(made, place, begun + timedelta(minutes=place)) for place in range(TURNS))
        last = turns[-1].closed_at or begun
        yield Talk("", f"session {number}", _said(made, 5), begun, last, turns, TURNS - 1)


def _turn(made: random.Random, place: int, at: datetime) -> TalkTurn:
    end = at + timedelta(seconds=9)
    said = TalkMessage(Sender.HUMAN, _said(made, 16), at), TalkMessage(Sender.AI, _said(made, 80), end)
    parent = place - 1 if place else None
    return TalkTurn(parent, said, at, model="llama3.2:3b", closed_at=end, input_tokens=90, output_tokens=120)


def _said(made: random.Random, count: int) -> str:
    return " ".join(made.choices(WORDS, k=count))


def take(file: str, url: str) -> None:
    with Store(url) as store:
        for _ in store.transfer.take(OWNER, read(Path(file))):
            pass


def give(file: str, url: str) -> None:
    with Store(url) as store:
        save(as_file(store.transfer.give(OWNER), Form.JSON, many=True), Path(file))


def take_plainly(file: str, path: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE message_store (id INTEGER PRIMARY KEY, session_id TEXT, message TEXT)")
    with Path(file).open(encoding="utf-8") as lines:
        connection.executemany("INSERT INTO message_store (session_id, message) VALUES (?, ?)", _plain_rows(lines))
    connection.commit()


def _plain_rows(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        if line.startswith('{"session_id"'):
            session = json.loads(line.rstrip(",\n"))
            for turn in session["turns"]:
                yield from ((session["session_id"], json.dumps(said)) for said in turn["messages"])


def give_plainly(file: str, path: str) -> None:
    rows = sqlite3.connect(path).execute("SELECT session_id, message FROM message_store ORDER BY id")
    with Path(file).open("w", encoding="utf-8") as written:
        written.writelines(f'{{"session_id":{json.dumps(name)},"message":{said}}}\n' for name, said in rows)


_ACTS: dict[str, Callable[[str, str], None]] = {act.__name__: act for act in (take, give, take_plainly, give_plainly)}

if __name__ == "__main__":
    began = time.monotonic()
    _ACTS[sys.argv[1]](*sys.argv[2:])
    print(json.dumps([time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]))
