"""What a person says of a single turn: whether the model is to see it, and whether the reply was good."""

import sqlalchemy as sa

from storage.database import Database, Transaction
from storage.errors import TooManyPinned
from storage.paths import parent_of
from storage.records import Mark
from storage.rows import count_change, find_session, insert_if_missing
from storage.schema import turn_marks

MOST_PINNED = 50
"""Turns of a session that can be pinned: each of them is looked for at every prompt."""

_HERE = turn_marks.c.turn_id == sa.bindparam("of_turn")
_MARK = sa.update(turn_marks).where(_HERE).values(mark=sa.bindparam("given"))
_RATE = sa.update(turn_marks).where(_HERE).values(rating=sa.bindparam("given"))
_TIDY = sa.delete(turn_marks).where(_HERE, turn_marks.c.mark.is_(None), turn_marks.c.rating.is_(None))
_PINNED = sa.select(sa.func.count()).where(
    turn_marks.c.session_key == sa.bindparam("key"), turn_marks.c.mark == Mark.PINNED.value
)


class Marks:
    """All of them raise SessionNotFound, TurnNotFound."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def mark(self, owner: str, session_id: str, turn_id: int, mark: Mark | None) -> None:
        """Pin a turn into the window, exclude it, or take either back. Raises TooManyPinned."""
        with self._database.write() as transaction:
            key = self._set(transaction, _MARK, (owner, session_id, turn_id), mark and mark.value)
            if mark is Mark.PINNED and transaction.value(_PINNED, {"key": key}) > MOST_PINNED:
                raise TooManyPinned(MOST_PINNED)

    def rate(self, owner: str, session_id: str, turn_id: int, rating: int | None) -> None:
        """1 for a good reply, -1 for a bad one, None for neither."""
        with self._database.write() as transaction:
            self._set(transaction, _RATE, (owner, session_id, turn_id), rating)

    def _set(
        self, transaction: Transaction, statement: sa.Update, place: tuple[str, str, int], given: str | int | None
    ) -> int:
        """Set one of the two, and give the session's key."""
        owner, session_id, turn_id = place
        key = find_session(transaction, owner, session_id, to_write=True).key
        parent_of(transaction, owner, session_id, turn_id)
        row = {"turn_id": turn_id, "session_key": key}
        transaction.change(insert_if_missing(transaction, turn_marks, *row), row)
        transaction.change(statement, {"of_turn": turn_id, "given": given})
        transaction.change(_TIDY, {"of_turn": turn_id})
        count_change(transaction, key)
        return key
