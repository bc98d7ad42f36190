"""A writer that is made to be killed: it writes turns as fast as it can, and logs what the store acknowledged.

python -m tests.torture URL LOG SEED SESSION...
"""

import os
import random
import sys
import time
from contextlib import suppress
from uuid import uuid4

from storage import Message, OpenedTurn, Outcome, Piece, Sender, SessionBusy, Status, Store

GIVE_UP = 60.0
"""Seconds after which it ends by itself, should nobody kill it."""


def reply_to(key: str) -> str:
    """What is written in answer to the prompt of that key."""
    return f"reply to {key} " + key * 20


class Writer:
    """Opens, checkpoints and closes turns; each line of the log stands for something acknowledged."""

    def __init__(self, url: str, log: str, seed: int) -> None:
        self._store = Store(url)
        self._log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._dice = random.Random(seed)  # noqa: S311 - the same dice each time
        self._process = self._store.running.begin_process()

    def write(self, sessions: list[str]) -> None:
        session = self._dice.choice(sessions)
        key = uuid4().hex
        try:
            opened = self._open(session, key)
        except SessionBusy:
            self._store.running.sweep()
            return
        self._note("opened", session, key)
        for start in range(0, 40, 10):
            if self._dice.random() < 0.6:
                break
            piece = Piece(opened.id, start, reply_to(key)[start : start + 10])
            self._store.running.checkpoint(self._process, [piece])
        self._store.turns.close(opened, Outcome(Status.COMPLETE, (Message(Sender.AI, reply_to(key)),)))
        self._note("closed", session, key)
        if self._dice.random() < 0.05:
            with suppress(SessionBusy):
                self._store.branches.switch("local", session, opened.id)

    def _open(self, session: str, key: str) -> OpenedTurn:
        beside = None
        if self._dice.random() < 0.2 and (page := self._store.paths.page("local", session, 3)):
            beside = page[0].id
        return self._store.turns.open(
            "local",
            session,
            Message(Sender.HUMAN, f"prompt {key}"),
            model="echo",
            window=5,
            process_id=self._process,
            beside=beside,
            idempotency_key=key,
        )

    def _note(self, *words: str) -> None:
        os.write(self._log, f"{os.getpid()} {' '.join(words)}\n".encode())


def main() -> None:
    url, log, seed, *sessions = sys.argv[1:]
    writer = Writer(url, log, int(seed))
    deadline = time.monotonic() + GIVE_UP
    while time.monotonic() < deadline:
        writer.write(sessions)


if __name__ == "__main__":
    main()
