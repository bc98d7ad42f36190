"""What a client wants kept with a turn, for itself: nobody else reads it."""

import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from storage.database import Database, Transaction
from storage.rows import checked, find_session, insert_into
from storage.schema import turn_data

_ADD = insert_into(turn_data, "turn_id", "session_key", "content")
_OF_TURN = sa.select(turn_data.c.content).where(
    turn_data.c.session_key == sa.bindparam("key"), turn_data.c.turn_id == sa.bindparam("wanted")
)
_OF_SESSION = sa.select(turn_data.c.turn_id, turn_data.c.content).where(turn_data.c.session_key == sa.bindparam("key"))


class ClientData:
    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, owner: str, session_id: str, turn_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        """By turn, for those of these turns that have any. Raises SessionNotFound."""
        with self._database.read() as transaction:
            key = find_session(transaction, owner, session_id).key
            found = {turn_id: transaction.value(_OF_TURN, {"key": key, "wanted": turn_id}) for turn_id in turn_ids}
        return {turn_id: json.loads(content) for turn_id, content in found.items() if content is not None}


def keep_data(transaction: Transaction, key: int, turn_id: int, content: str) -> None:
    """Raises TextRefused."""
    transaction.change(_ADD, {"turn_id": turn_id, "session_key": key, "content": checked(content)})


def copy_data(transaction: Transaction, source: int, target: int, copies: dict[int, int]) -> None:
    """Keep with the copies of turns, in another session, what was kept with the originals."""
    for turn_id, content in transaction.rows(_OF_SESSION, {"key": source}):
        if turn_id in copies:
            keep_data(transaction, target, copies[turn_id], content)
