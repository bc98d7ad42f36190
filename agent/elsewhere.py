"""A reply that runs in another process on the same database: followed and stopped through the store."""

import time

from agent.context import Receipt
from agent.reply import Reply
from storage import Status, Store, Turn, TurnNotFound, WindowseatError

LOOK = 0.2
"""Seconds between two looks at the store while somebody waits."""


class ReplyElsewhere(Reply):
    """Reads what the other process checkpoints: its text is up to half a second behind."""

    def __init__(self, turn: Turn, owner: str, session_id: str, store: Store) -> None:
        super().__init__(turn.id, turn.prompt, turn.model, Receipt.from_json(turn.receipt))
        self.opened_at = turn.opened_at
        self._owner = owner
        self._session_id = session_id
        self._store = store
        self._look()

    def wait(self, start: int, timeout: float | None = None) -> bool:
        deadline = None if timeout is None else time.monotonic() + timeout
        while self.running and not self.since(start):
            if deadline is not None and time.monotonic() >= deadline:
                return False
            time.sleep(LOOK if deadline is None else max(0.0, min(LOOK, deadline - time.monotonic())))
            self._look()
        return True

    def wait_for_end(self, timeout: float) -> bool:
        deadline = time.monotonic() + timeout
        while self.running and time.monotonic() < deadline:
            time.sleep(LOOK)
            self._look()
        return not self.running

    def stop(self) -> None:
        """Leave word for the other process, which looks every half second."""
        self.stop_asked = True
        self._store.running.ask_to_stop(self._owner, self._session_id, self.turn_id)

    def _look(self) -> None:
        try:
            turn = self._store.paths.turn(self._owner, self._session_id, self.turn_id)
        except WindowseatError as error:
            if not isinstance(error, TurnNotFound):
                raise
            self.end(Status.INTERRUPTED, "The session was deleted.")
            return
        if turn.status is Status.RUNNING:
            self.add(self._store.running.text(self.turn_id, len(self.text)))
            return
        self.add(turn.reply[len(self.text) :])
        self.receipt = Receipt.from_json(turn.receipt)
        self.end(turn.status, turn.error)
