"""Sessions: started, listed, renamed, set, cleared, deleted."""

from functools import cache
from typing import Any

import sqlalchemy as sa

from storage.clock import Clock
from storage.database import Database, Transaction
from storage.errors import SessionBusy, SessionNotFound
from storage.index import TITLES, Index, Wanted, index_of, owner_mark, put_title, remove_session, remove_title
from storage.query import understood
from storage.records import Session, SessionPage, to_microseconds
from storage.rows import (
    ANY_RUNNING,
    HERE,
    SESSIONS,
    count_in_owner,
    find_session,
    insert_if_missing,
    one_session,
    to_json,
    to_session,
)
from storage.schema import messages, sessions, turns

PAGE = 50

_ORDER = (sessions.c.last_activity.desc(), sessions.c.id.desc())
_NEWEST = SESSIONS.where(sessions.c.owner == sa.bindparam("owner")).order_by(*_ORDER).limit(sa.bindparam("count"))
_AFTER = _NEWEST.where(
    sa.tuple_(sessions.c.last_activity, sessions.c.id) < sa.tuple_(sa.bindparam("active"), sa.bindparam("key"))
)
_RENAME = sa.update(sessions).where(sessions.c.id == sa.bindparam("key")).values(title=sa.bindparam("new_title"))
_SET = sa.update(sessions).where(*HERE).values(settings=sa.bindparam("new"))
_COUNTS = sa.select(sessions.c.id, sessions.c.turn_count, sessions.c.message_count).where(*HERE).with_for_update()
_OF_SESSION = turns.c.session_key == sa.bindparam("key")
_DELETE_TURNS = sa.delete(turns).where(_OF_SESSION)
_DELETE_SYSTEM_MESSAGES = sa.delete(messages).where(messages.c.session_key == sa.bindparam("key"))
_DELETE = sa.delete(sessions).where(sessions.c.id == sa.bindparam("key"))
_EMPTY = (
    sa.update(sessions).where(sessions.c.id == sa.bindparam("key")).values(head_id=None, turn_count=0, message_count=0)
)


@cache
def _titled(statement: sa.Select[Any], index: Index) -> sa.Select[Any]:
    titles = f"SELECT {index.key} FROM {TITLES} WHERE {index.condition(TITLES)}"  # noqa: S608 - our own constants
    return statement.where(sessions.c.id.in_(sa.text(titles).columns(sa.column("id", sa.BigInteger))))


class Sessions:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def start(self, owner: str, session_id: str) -> Session:
        """The owner's session of that name, made if there was none."""
        now = to_microseconds(self._clock())
        names = {"owner": owner, "session_id": session_id}
        with self._database.write() as transaction:
            row = {**names, "created_at": now, "last_activity": now}
            if transaction.change(insert_if_missing(transaction, sessions, *row), row) == 1:
                count_in_owner(transaction, owner, sessions=1)
            return one_session(transaction, owner, session_id)

    def get(self, owner: str, session_id: str) -> Session:
        """Raises SessionNotFound."""
        with self._database.read() as transaction:
            return one_session(transaction, owner, session_id)

    def page(
        self, owner: str, *, count: int = PAGE, after: tuple[int, int] | None = None, search: str = ""
    ) -> SessionPage:
        """Up to `count` sessions, last used first; `search` keeps those whose title holds its words.

        The last word need only begin so: it may still be typed.
        """
        statement = _NEWEST if after is None else _AFTER
        terms: dict[str, Any] = {"owner": owner, "count": count + 1}
        if after is not None:
            terms |= {"active": after[0], "key": after[1]}
        query = understood(search).open_ended()
        if search and not query.terms:
            return SessionPage((), None)
        with self._database.read() as transaction:
            if query.terms:
                index = index_of(transaction)
                statement = _titled(statement, index)
                terms |= index.terms(Wanted(query, ((owner_mark(owner),),)))
            found = [to_session(row) for row in transaction.rows(statement, terms)]
        shown = tuple(found[:count])
        more = len(found) > count
        return SessionPage(shown, (to_microseconds(shown[-1].last_activity), shown[-1].key) if more else None)

    def rename(self, owner: str, session_id: str, title: str) -> None:
        """Raises SessionNotFound."""
        with self._database.write() as transaction:
            key = find_session(transaction, owner, session_id, to_write=True).key
            remove_title(transaction, key)
            transaction.change(_RENAME, {"key": key, "new_title": title})
            put_title(transaction, key)

    def set(self, owner: str, session_id: str, changes: dict[str, Any]) -> None:
        """Override more settings, and keep those that are overridden already. Raises SessionNotFound."""
        with self._database.write() as transaction:
            find_session(transaction, owner, session_id, to_write=True)
            settings = one_session(transaction, owner, session_id).settings | changes
            transaction.change(_SET, {"owner": owner, "session_id": session_id, "new": to_json(settings)})

    def clear(self, owner: str, session_id: str) -> None:
        """Delete all messages of all branches; keep the session with its title and settings.

        Raises SessionNotFound, SessionBusy.
        """
        with self._database.write() as transaction:
            key = self._empty(transaction, owner, session_id)
            transaction.change(_EMPTY, {"key": key})

    def delete(self, owner: str, session_id: str) -> None:
        """Delete the session and all that is in it. Raises SessionNotFound, SessionBusy."""
        with self._database.write() as transaction:
            key = self._empty(transaction, owner, session_id)
            remove_title(transaction, key)
            transaction.change(_DELETE, {"key": key})
            count_in_owner(transaction, owner, sessions=-1)

    def _empty(self, transaction: Transaction, owner: str, session_id: str) -> int:
        row = transaction.row(_COUNTS, {"owner": owner, "session_id": session_id})
        if row is None:
            raise SessionNotFound(session_id)
        key, turn_count, message_count = row
        if transaction.value(ANY_RUNNING, {"key": key}) is not None:
            raise SessionBusy(session_id)
        remove_session(transaction, key)
        transaction.change(_DELETE_TURNS, {"key": key})
        transaction.change(_DELETE_SYSTEM_MESSAGES, {"key": key})
        count_in_owner(transaction, owner, turns=-turn_count, messages=-message_count)
        found: int = key
        return found
