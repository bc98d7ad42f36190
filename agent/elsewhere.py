"""A reply that runs in another process on the same database: followed and stopped through the store."""

import threading
import time
from collections.abc import Callable

from agent.receipt import Receipt
from agent.reply import Reply
from storage import Status, Store, Turn, TurnNotFound

LOOK = 0.2
"""Seconds between two looks at the store while somebody waits."""


class ReplyElsewhere(Reply):
    """Reads what the other process checkpoints: its text is up to half a second behind.

    `sweep` ends the turns of processes that are gone, so that nobody waits for one of them.
    """

    elsewhere = True

    def __init__(self, turn: Turn, owner: str, session_id: str, store: Store, sweep: Callable[[], None]) -> None:
        super().__init__(turn.id, turn.prompt, turn.model, Receipt.of(turn))
        self.opened_at = turn.opened_at
        self._owner = owner
        self._session_id = session_id
        self._store = store
        self._sweep = sweep
        self._looked_at = float("-inf")
        self._looking = threading.Lock()
        self._look()

    def stop(self) -> None:
        """Leave word for the other process, which looks every half second."""
        self.stop_asked = True
        self._store.running.ask_to_stop(self._owner, self._session_id, self.turn_id)

    def wait_for_end(self, timeout: float) -> bool:
        return self._wait_for(lambda: not self.running, timeout)

    def _wait_for(self, happened: Callable[[], bool], timeout: float) -> bool:
        deadline = time.monotonic() + timeout
        while True:
            if self.running and time.monotonic() - self._looked_at >= LOOK:
                self._look()
            if happened():
                return True
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(LOOK, left))

    def _look(self) -> None:
        """See what is new; one reader at a time, so that none of it is taken twice."""
        with self._looking:
            self._looked_at = time.monotonic()
            self._sweep()
            try:
                self._take()
            except TurnNotFound:
                self.end(Status.INTERRUPTED, "The session was deleted.")

    def _take(self) -> None:
        turn = self._store.paths.turn(self._owner, self._session_id, self.turn_id)
        if turn.status is Status.RUNNING:
            place = (self._owner, self._session_id, self.turn_id)
            self.think(self._store.running.thinking(*place, len(self.thinking)))
            self.add(self._store.running.text(*place, len(self.text)))
            return
        self.think(turn.thinking[len(self.thinking) :])
        self.add(turn.reply[len(self.text) :])
        self.receipt = Receipt.of(turn)
        self.end(turn.status, turn.error)
