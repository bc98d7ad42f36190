"""Deleting many sessions: those that are named, or those that were not used for long."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from storage.clock import Clock
from storage.database import Database, Transaction
from storage.errors import SessionBusy, SessionNotFound, StoreError
from storage.records import Session, to_microseconds
from storage.rows import SESSIONS, insert_if_missing, to_session
from storage.schema import housekeeping, sessions
from storage.sessions import delete_session

DAYS = 30
"""After so many days without use a session is cleaned up, if one asks for it."""

MOST_DAYS = 36_500

DAILY = timedelta(days=1)

_UNUSED = (
    sessions.c.owner == sa.bindparam("owner"),
    sa.not_(sessions.c.pinned),
    sessions.c.last_activity < sa.bindparam("before"),
    sessions.c.archived.in_((False, sa.bindparam("archived_too"))),
)
_COUNT = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(sessions.c.message_count), 0)).where(*_UNUSED)
_BY_AGE = (sessions.c.last_activity, sessions.c.id)
# Archived sessions and the others apart: within each, the index has them in order.
_OLDEST_OF_EACH = sa.union_all(
    *(
        sa.select(
            sa.select(sessions.c.id).where(kind, *_UNUSED).order_by(*_BY_AGE).limit(sa.bindparam("count")).subquery()
        )
        for kind in (sa.not_(sessions.c.archived), sessions.c.archived)
    )
)
_OLDEST = SESSIONS.where(sessions.c.id.in_(_OLDEST_OF_EACH)).order_by(*_BY_AGE).limit(sa.bindparam("count"))
_NAMES = sa.select(sessions.c.session_id).where(*_UNUSED).order_by(sessions.c.last_activity)
_STILL = sa.select(sessions.c.id).where(*_UNUSED, sessions.c.session_id == sa.bindparam("name")).with_for_update()
_CLAIM = (
    sa.update(housekeeping)
    .where(
        housekeeping.c.task == sa.bindparam("of_task"),
        # A time to come was written by a clock that has been set right since.
        sa.or_(housekeeping.c.value <= sa.bindparam("done_before"), housekeeping.c.value > sa.bindparam("now")),
    )
    .values(value=sa.bindparam("now"))
)

_UNCLAIM = sa.update(housekeeping).where(housekeeping.c.task == sa.bindparam("of_task")).values(value=0)

Progress = Callable[[int, int], None]
"""Is told how many sessions are done, of how many."""


@dataclass(frozen=True, slots=True)
class Unused:
    """What a clean-up would delete: how much in all, and the sessions that were not used for the longest time."""

    sessions: int
    messages: int
    longest: tuple[Session, ...]


@dataclass(frozen=True, slots=True)
class Deleted:
    """What was deleted. `kept` names the sessions that were not: a reply runs in them, or they were gone already."""

    sessions: int
    messages: int
    kept: tuple[str, ...] = ()


class Cleanup:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def delete(
        self, owner: str, session_ids: Iterable[str], *, progress: Progress = lambda _done, _of: None
    ) -> Deleted:
        """Delete sessions, each in a transaction of its own: whenever this ends, whole sessions are gone."""
        return self._delete_each(owner, tuple(dict.fromkeys(session_ids)), progress, lambda _transaction, _name: True)

    def unused(self, owner: str, *, days: float = DAYS, archived_too: bool = False, count: int = 50) -> Unused:
        """What `clean_up` would delete now, with up to `count` of the sessions."""
        terms = self._terms(owner, days, archived_too=archived_too)
        with self._database.read() as transaction:
            how_many, messages = transaction.rows(_COUNT, terms)[0]
            longest = transaction.rows(_OLDEST, terms | {"count": count})
        return Unused(how_many, int(messages), tuple(map(to_session, longest)))

    def clean_up(
        self,
        owner: str,
        *,
        days: float = DAYS,
        archived_too: bool = False,
        progress: Progress = lambda _done, _of: None,
    ) -> Deleted:
        """Delete the sessions that were not used for so many days; pinned ones stay, and archived ones unless asked.

        Each goes in a transaction of its own, that looks once more whether it was used meanwhile.
        """
        terms = self._terms(owner, days, archived_too=archived_too)
        with self._database.read() as transaction:
            names = [name for (name,) in transaction.rows(_NAMES, terms)]

        def still_unused(transaction: Transaction, name: str) -> bool:
            return transaction.row(_STILL, terms | {"name": name}) is not None

        deleted = self._delete_each(owner, names, progress, still_unused)
        return Deleted(deleted.sessions, deleted.messages)

    def clean_up_daily(self, owner: str, *, days: float = DAYS) -> Deleted | None:
        """Clean up, unless this was done within a day, by whichever process: then None."""
        now = self._clock()
        task = f"cleanup {owner}"
        with self._database.write() as transaction:
            transaction.change(
                insert_if_missing(transaction, housekeeping, "task", "value"), {"task": task, "value": 0}
            )
            times = {"now": to_microseconds(now), "done_before": to_microseconds(now - DAILY)}
            if transaction.change(_CLAIM, {"of_task": task, **times}) == 0:
                return None
        try:
            return self.clean_up(owner, days=days)
        except BaseException:
            with suppress(StoreError), self._database.write() as transaction:
                transaction.change(_UNCLAIM, {"of_task": task})
            raise

    def _delete_each(
        self, owner: str, names: Sequence[str], progress: Progress, wanted: Callable[[Transaction, str], bool]
    ) -> Deleted:
        """Delete the sessions that are still `wanted` to go when it is their turn."""
        gone, messages, kept = 0, 0, []
        for done, name in enumerate(names, start=1):
            try:
                with self._database.write() as transaction:
                    if wanted(transaction, name):
                        messages += delete_session(transaction, owner, name)
                        gone += 1
            except (SessionBusy, SessionNotFound):
                kept.append(name)
            progress(done, len(names))
        return Deleted(gone, messages, tuple(kept))

    def _terms(self, owner: str, days: float, *, archived_too: bool) -> dict[str, object]:
        if not 0 < days <= MOST_DAYS:
            raise ValueError(f"Sessions are unused for more than 0 and up to {MOST_DAYS:,} days, not {days}.")
        before = to_microseconds(self._clock() - timedelta(days=days))
        return {"owner": owner, "before": before, "archived_too": archived_too}
