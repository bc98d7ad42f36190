"""Sessions: started, listed, renamed, set, cleared, deleted."""

import json
from typing import Any

import sqlalchemy as sa

from storage.clock import Clock
from storage.database import Database, Transaction
from storage.errors import SessionBusy, SessionNotFound
from storage.images import drop_images
from storage.index import put_title, remove_session, remove_title
from storage.listing import page_of
from storage.records import TEXTS, Order, Session, SessionFilters, SessionPage, SessionPlace, to_microseconds
from storage.rows import (
    ANY_RUNNING,
    HERE,
    SESSIONS,
    checked,
    count_in_owner,
    find_session,
    insert_if_missing,
    insert_into,
    one_session,
    to_json,
    to_session,
)
from storage.schema import messages, session_texts, sessions, turns
from storage.tree import ancestor_at
from storage.turns import title_from
from storage.usage import count_session, forget_session
from storage.waiting import drop_waiting

PAGE = 50

_RENAME = sa.update(sessions).where(sessions.c.id == sa.bindparam("key")).values(title=sa.bindparam("new_title"))
_SET = sa.update(sessions).where(sessions.c.id == sa.bindparam("key")).values(settings=sa.bindparam("new"))
_CURRENT = (
    SESSIONS.where(
        sessions.c.owner == sa.bindparam("owner"), sessions.c.ended_at.is_(None), sa.not_(sessions.c.archived)
    )
    .order_by(sessions.c.last_activity.desc(), sessions.c.id.desc())
    .limit(1)
)
_ADD_TEXT = insert_into(session_texts, "session_key", "kind", "version", "content", "created_at")
_TEXT = sa.select(session_texts.c.content).where(
    session_texts.c.session_key == sa.bindparam("key"),
    session_texts.c.kind == sa.bindparam("of_kind"),
    session_texts.c.version == sa.bindparam("numbered"),
)
_LAST_VERSION = sa.select(sa.func.max(session_texts.c.version)).where(
    session_texts.c.session_key == sa.bindparam("key"), session_texts.c.kind == sa.bindparam("of_kind")
)
_FIRST_PROMPT = sa.select(messages.c.content).where(messages.c.turn_id == sa.bindparam("tip"), messages.c.position == 0)
_COUNTS = sa.select(sessions.c.id, sessions.c.turn_count, sessions.c.message_count).where(*HERE).with_for_update()
_OF_SESSION = turns.c.session_key == sa.bindparam("key")
_DELETE_TURNS = sa.delete(turns).where(_OF_SESSION)
_DELETE_SYSTEM_MESSAGES = sa.delete(messages).where(messages.c.session_key == sa.bindparam("key"))
_DELETE = sa.delete(sessions).where(sessions.c.id == sa.bindparam("key"))
_EMPTY = (
    sa.update(sessions)
    .where(sessions.c.id == sa.bindparam("key"))
    .values(head_id=None, newest_turn=None, turn_count=0, message_count=0)
)


_NAME = sa.select(sessions.c.session_id).where(
    sessions.c.owner == sa.bindparam("owner"), sessions.c.id == sa.bindparam("key")
)


class Sessions:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def start(self, owner: str, session_id: str, settings: dict[str, Any] | None = None) -> Session:
        """The owner's session of that name, made with these settings if there was none. Raises TextRefused."""
        now = to_microseconds(self._clock())
        names = {"owner": owner, "session_id": session_id}
        with self._database.write() as transaction:
            row = {**names, "created_at": now, "last_activity": now}
            if transaction.change(insert_if_missing(transaction, sessions, *row), row) == 1:
                count_in_owner(transaction, owner, sessions=1)
                count_session(transaction, owner, self._clock())
                if settings:
                    self._set(transaction, one_session(transaction, owner, session_id), settings)
            return one_session(transaction, owner, session_id)

    def get(self, owner: str, session_id: str) -> Session:
        """Raises SessionNotFound."""
        with self._database.read() as transaction:
            return one_session(transaction, owner, session_id)

    def named(self, owner: str, key: int) -> str:
        """The name of the session with that key. Raises SessionNotFound."""
        with self._database.read() as transaction:
            name: str | None = transaction.value(_NAME, {"owner": owner, "key": key})
        if name is None:
            raise SessionNotFound(str(key))
        return name

    def page(
        self,
        owner: str,
        filters: SessionFilters | None = None,
        *,
        order: Order = Order.ACTIVITY,
        count: int = PAGE,
        after: SessionPlace | None = None,
    ) -> SessionPage:
        """Up to `count` sessions that the filters let in; without any, all that are not archived."""
        with self._database.read() as transaction:
            return page_of(transaction, owner, filters or SessionFilters(), order=order, count=count, after=after)

    def current(self, owner: str) -> Session | None:
        """The session that was used last, of those that were neither ended nor archived."""
        with self._database.read() as transaction:
            row = transaction.row(_CURRENT, {"owner": owner})
            return to_session(row) if row else None

    def rename(self, owner: str, session_id: str, title: str) -> None:
        """Raises SessionNotFound, TextRefused."""
        with self._database.write() as transaction:
            self._rename(transaction, find_session(transaction, owner, session_id, to_write=True).key, title)

    def retitle(self, owner: str, session_id: str, title: str) -> bool:
        """Put a title in the place of the first words of the first prompt; False where it has another one already.

        Raises SessionNotFound, TextRefused.
        """
        with self._database.write() as transaction:
            key, head, before, *_ = find_session(transaction, owner, session_id, to_write=True)
            first = transaction.value(_FIRST_PROMPT, {"tip": ancestor_at(transaction, head, 1)}) if head else None
            if first is None or before != title_from(first):
                return False
            self._rename(transaction, key, title)
            return True

    def set(self, owner: str, session_id: str, changes: dict[str, Any]) -> None:
        """Override more settings, and keep those that are overridden already; None lets one go.

        Those of TEXTS are kept in all their versions. Raises SessionNotFound, TextRefused.
        """
        with self._database.write() as transaction:
            find_session(transaction, owner, session_id, to_write=True)
            self._set(transaction, one_session(transaction, owner, session_id), changes)

    def text(self, owner: str, session_id: str, kind: str, version: int) -> str:
        """A version of one of TEXTS; "" where there is none. Raises SessionNotFound."""
        with self._database.read() as transaction:
            key = find_session(transaction, owner, session_id).key
            return transaction.value(_TEXT, {"key": key, "of_kind": kind, "numbered": version}) or ""

    def clear(self, owner: str, session_id: str) -> None:
        """Delete all messages of all branches; keep the session with its title and settings.

        Raises SessionNotFound, SessionBusy.
        """
        with self._database.write() as transaction:
            key, _ = _empty(transaction, owner, session_id)
            transaction.change(_EMPTY, {"key": key})

    def delete(self, owner: str, session_id: str) -> None:
        """Delete the session and all that is in it. Raises SessionNotFound, SessionBusy."""
        with self._database.write() as transaction:
            delete_session(transaction, owner, session_id)

    def _rename(self, transaction: Transaction, key: int, title: str) -> None:
        remove_title(transaction, key)
        transaction.change(_RENAME, {"key": key, "new_title": checked(title)})
        put_title(transaction, key)

    def _set(self, transaction: Transaction, session: Session, changes: dict[str, Any]) -> None:
        now = to_microseconds(self._clock())
        stored: dict[str, Any] = json.loads(session.stored_settings)
        for name, value in changes.items():
            if value is None and name not in TEXTS:
                stored.pop(name, None)
            elif name in TEXTS:
                known = stored.get(name, {"version": 0, "text": ""})
                if known["text"] != (text := checked(value or "")):
                    # Not the next after the one in force: more may have come with what was taken in.
                    version = 1 + (transaction.value(_LAST_VERSION, {"key": session.key, "of_kind": name}) or 0)
                    stored[name] = {"version": version, "text": text}
                    row = {"session_key": session.key, "kind": name, "version": version}
                    transaction.change(_ADD_TEXT, {**row, "content": text, "created_at": now})
            else:
                stored[name] = value
        transaction.change(_SET, {"key": session.key, "new": to_json(stored)})


def delete_session(transaction: Transaction, owner: str, session_id: str) -> int:
    """Delete all of a session, and say how many messages it had. Raises SessionNotFound, SessionBusy."""
    key, messages = _empty(transaction, owner, session_id)
    remove_title(transaction, key)
    transaction.change(_DELETE, {"key": key})
    forget_session(transaction, owner, key)
    count_in_owner(transaction, owner, sessions=-1)
    return messages


def _empty(transaction: Transaction, owner: str, session_id: str) -> tuple[int, int]:
    """Delete the turns of a session, and say its key and how many messages it had."""
    row = transaction.row(_COUNTS, {"owner": owner, "session_id": session_id})
    if row is None:
        raise SessionNotFound(session_id)
    key, turn_count, message_count = row
    if transaction.value(ANY_RUNNING, {"key": key}) is not None:
        raise SessionBusy(session_id)
    remove_session(transaction, key)
    transaction.change(_DELETE_TURNS, {"key": key})
    transaction.change(_DELETE_SYSTEM_MESSAGES, {"key": key})
    drop_images(transaction, key)
    drop_waiting(transaction, key)
    count_in_owner(transaction, owner, turns=-turn_count, messages=-message_count)
    return key, message_count
