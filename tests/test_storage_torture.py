"""Writers in several processes, killed at random: whatever was acknowledged is there, once."""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from storage import Status, Store
from tests.torture import GIVE_UP, reply_to

KILLS = int(os.environ.get("WINDOWSEAT_TEST_KILLS", "20"))
"""On each engine; `make soak` asks for more."""

WRITERS = 4
SHARED = ["shared 0", "shared 1", "shared 2"]


def test_nothing_acknowledged_is_lost_or_doubled_when_writers_are_killed(each_url: str, tmp_path: Path) -> None:
    with Store(each_url) as store:
        for session in (*SHARED, *(f"own {writer}" for writer in range(WRITERS))):
            store.sessions.start("local", session)
    log = tmp_path / "acknowledged.txt"
    _write_and_kill(each_url, log)

    opened, closed = _read(log)
    assert len(closed) > KILLS
    with Store(each_url, clock=lambda: datetime.now(UTC) + timedelta(seconds=10)) as store:
        store.running.sweep()
        assert store.verify() == []
        found = _all_turns(store)
    keys = Counter(prompt for prompt, _, _ in found)
    assert [key for key in opened if keys[f"prompt {key}"] != 1] == []
    assert [key for key, count in keys.items() if count > 1] == []
    assert {status for _, _, status in found} <= {Status.COMPLETE, Status.INTERRUPTED}
    replies = {prompt: reply for prompt, reply, _ in found}
    assert [key for key in closed if replies[f"prompt {key}"] != reply_to(key)] == []
    for prompt, reply, _ in found:
        assert reply_to(prompt.removeprefix("prompt ")).startswith(reply)


def _write_and_kill(url: str, log: Path) -> None:
    dice = random.Random(7)  # noqa: S311 - the same kills each time
    writers = [_start(url, log, place, 0) for place in range(WRITERS)]
    try:
        for kill in range(KILLS):
            place = dice.randrange(WRITERS)
            _wait_until_it_writes(writers[place], log)
            time.sleep(0.4 * dice.random())
            writers[place].kill()
            writers[place].wait()
            writers[place] = _start(url, log, place, kill + 1)
        for writer in writers:
            _wait_until_it_writes(writer, log)
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()


def _start(url: str, log: Path, place: int, kill: int) -> subprocess.Popen[bytes]:
    seed = str(100 * kill + place)
    return subprocess.Popen([sys.executable, "-m", "tests.torture", url, str(log), seed, f"own {place}", *SHARED])


def _wait_until_it_writes(writer: subprocess.Popen[bytes], log: Path) -> None:
    """A kill that comes while a writer still starts would try nothing."""
    deadline = time.monotonic() + GIVE_UP
    while not (log.exists() and f"{writer.pid} closed " in log.read_text()):
        assert writer.poll() is None, "a writer has ended by itself"
        assert time.monotonic() < deadline, "a writer has closed no turn"
        time.sleep(0.02)


def _read(log: Path) -> tuple[list[str], list[str]]:
    lines = [line.split() for line in log.read_text().splitlines() if len(line.split()) > 3]
    return [line[-1] for line in lines if line[1] == "opened"], [line[-1] for line in lines if line[1] == "closed"]


def _all_turns(store: Store) -> list[tuple[str, str, Status]]:
    """Prompt, reply and status of every turn on every branch."""
    with store._database.read() as transaction:  # noqa: SLF001 - the public door shows one path at a time
        places = transaction.driver.execute(
            "SELECT s.session_id, t.id FROM turns t JOIN sessions s ON s.id = t.session_key"
        ).fetchall()
    turns = [store.paths.turn("local", session, turn_id) for session, turn_id in places]
    return [(turn.prompt, turn.reply, turn.status) for turn in turns]
