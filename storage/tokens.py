"""Tokens: who somebody is who comes with one. Of a token only its digest is kept."""

import hashlib
from contextlib import suppress
from datetime import timedelta

import sqlalchemy as sa

from storage.clock import Clock
from storage.database import Database, Row
from storage.errors import StoreError, TokenNotFound
from storage.records import Token, to_microseconds, to_moment
from storage.rows import checked
from storage.schema import tokens

NOTED = timedelta(minutes=1)
"""A use is noted when the one noted before is older than that: reading must not mean writing each time."""

_COLUMNS = sa.select(tokens.c.id, tokens.c.owner, tokens.c.created_at, tokens.c.last_used)
_ALL = _COLUMNS.order_by(tokens.c.id)
_BY_DIGEST = _COLUMNS.where(tokens.c.digest == sa.bindparam("known_by"))
_ANY = sa.select(sa.exists().select_from(tokens))
_ADD = (
    sa.insert(tokens)
    .values(owner=sa.bindparam("whose"), digest=sa.bindparam("known_by"), created_at=sa.bindparam("now"))
    .returning(tokens.c.id)
)
_REVOKE = sa.delete(tokens).where(tokens.c.id == sa.bindparam("token_id"))
_USED = sa.update(tokens).where(tokens.c.id == sa.bindparam("token_id")).values(last_used=sa.bindparam("now"))


class Tokens:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def add(self, owner: str, token: str) -> int:
        """Have a token stand for an owner; give its number. Raises TextRefused."""
        now = to_microseconds(self._clock())
        with self._database.write() as transaction:
            row = {"whose": checked(owner), "known_by": _digest(token), "now": now}
            return int(transaction.value(_ADD, row))

    def all(self) -> tuple[Token, ...]:
        """In the order in which they were made."""
        with self._database.read() as transaction:
            return tuple(map(_to_token, transaction.rows(_ALL, {})))

    def any(self) -> bool:
        with self._database.read() as transaction:
            return bool(transaction.value(_ANY, {}))

    def find(self, token: str) -> Token | None:
        """The one it is, which is noted as its use; None where it is none of ours."""
        with self._database.read() as transaction:
            row = transaction.row(_BY_DIGEST, {"known_by": _digest(token)})
        if row is None:
            return None
        found, now = _to_token(row), self._clock()
        if found.last_used is None or now - found.last_used > NOTED:
            # A database that is full or locked is no reason not to let somebody read.
            with suppress(StoreError), self._database.write() as transaction:
                transaction.change(_USED, {"token_id": found.id, "now": to_microseconds(now)})
        return found

    def revoke(self, token_id: int) -> None:
        """Raises TokenNotFound."""
        with self._database.write() as transaction:
            if transaction.change(_REVOKE, {"token_id": token_id}) == 0:
                raise TokenNotFound(token_id)


def _digest(token: str) -> str:
    # Without salt or stretching: a token is 32 random bytes, which nobody guesses.
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _to_token(row: Row) -> Token:
    token_id, owner, created, used = row
    return Token(token_id, owner, to_moment(created), None if used is None else to_moment(used))
