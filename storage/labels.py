"""What a person does to a session to find it again: pin it, archive it, tag it, end it and reopen it."""

import sqlalchemy as sa

from storage.clock import Clock
from storage.database import Database
from storage.listing import owns_all
from storage.records import as_tag, to_microseconds
from storage.rows import checked, find_session, insert_if_missing
from storage.schema import session_tags, sessions

_HERE = sessions.c.id == sa.bindparam("key")
_PIN = sa.update(sessions).where(_HERE).values(pinned=sa.bindparam("yes"))
_ARCHIVE = sa.update(sessions).where(_HERE).values(archived=sa.bindparam("yes"))
_END = sa.update(sessions).where(_HERE).values(ended_at=sa.func.coalesce(sessions.c.ended_at, sa.bindparam("now")))
_REOPEN = sa.update(sessions).where(_HERE).values(ended_at=None)
_UNTAG = sa.delete(session_tags).where(
    session_tags.c.session_key == sa.bindparam("key"), session_tags.c.tag == sa.bindparam("dropped")
)
_ALL_TAGS = sa.select(session_tags.c.tag, sa.func.count()).group_by(session_tags.c.tag)
_TAGS = _ALL_TAGS.join(sessions).where(sessions.c.owner == sa.bindparam("owner"))


class Labels:
    """None of it counts as using the session. All of them raise SessionNotFound but `tags`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def pin(self, owner: str, session_id: str, *, yes: bool = True) -> None:
        self._set(_PIN, owner, session_id, yes=yes)

    def archive(self, owner: str, session_id: str, *, yes: bool = True) -> None:
        self._set(_ARCHIVE, owner, session_id, yes=yes)

    def end(self, owner: str, session_id: str) -> None:
        """Let it take no prompt any more. A reply that runs goes on; one that was ended before keeps its time."""
        self._set(_END, owner, session_id, now=to_microseconds(self._clock()))

    def reopen(self, owner: str, session_id: str) -> None:
        self._set(_REOPEN, owner, session_id)

    def tag(self, owner: str, session_id: str, *tags: str) -> None:
        """Raises TextRefused."""
        with self._database.write() as transaction:
            key = find_session(transaction, owner, session_id, to_write=True).key
            rows = [{"session_key": key, "tag": checked(as_tag(tag))} for tag in tags]
            transaction.change_all(insert_if_missing(transaction, session_tags, "session_key", "tag"), rows)

    def untag(self, owner: str, session_id: str, *tags: str) -> None:
        """Do nothing about tags that it has not."""
        with self._database.write() as transaction:
            key = find_session(transaction, owner, session_id, to_write=True).key
            transaction.change_all(_UNTAG, [{"key": key, "dropped": as_tag(tag)} for tag in tags])

    def tags(self, owner: str) -> dict[str, int]:
        """The owner's tags, in order, and how many sessions have each."""
        with self._database.read() as transaction:
            rows = transaction.rows(_ALL_TAGS if owns_all(transaction, owner) else _TAGS, {"owner": owner})
            return dict(sorted((tag, count) for tag, count in rows))

    def _set(self, statement: sa.Update, owner: str, session_id: str, **values: int) -> None:
        with self._database.write() as transaction:
            key = find_session(transaction, owner, session_id, to_write=True).key
            transaction.change(statement, {"key": key, **values})
