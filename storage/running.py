"""Replies while they run.

The lease of the process that runs them, their text so far, requests to stop, and the sweep that ends those whose
process is gone.
"""

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import timedelta

import sqlalchemy as sa

from storage.clock import Clock
from storage.database import Database, Transaction
from storage.paths import parent_of
from storage.records import Message, Outcome, Status, to_microseconds
from storage.rows import HERE, IS_RUNNING, LOCK_SESSION, insert_if_missing
from storage.schema import processes, reply_pieces, sessions, thought_pieces, turns
from storage.turns import close_running

LEASE = timedelta(seconds=5)
"""How long a process's word is good that its turns still run. A turn opened within this time is never swept."""

INTERRUPTED = "The program that ran this reply ended before the reply did."

_ADD_PROCESS = sa.insert(processes).values(lease_until=sa.bindparam("until")).returning(processes.c.id)
_RENEW = sa.update(processes).where(processes.c.id == sa.bindparam("process")).values(lease_until=sa.bindparam("until"))
_END_PROCESS = sa.delete(processes).where(processes.c.id == sa.bindparam("process"))
# Locked, so that none of them ends between the look and the writing of its pieces.
_STILL_RUNNING = (
    sa.select(turns.c.id, turns.c.stop_requested)
    .where(IS_RUNNING, turns.c.process_id == sa.bindparam("process"))
    .with_for_update(key_share=True)
)
_ASK_TO_STOP = (
    sa.update(turns)
    .where(
        turns.c.id == sa.bindparam("turn_id"),
        IS_RUNNING,
        turns.c.session_key.in_(sa.select(sessions.c.id).where(*HERE)),
    )
    .values(stop_requested=True)
)


def _pieces_of(pieces: sa.Table) -> sa.Select[tuple[str]]:
    return (
        sa.select(pieces.c.text)
        .where(pieces.c.turn_id == sa.bindparam("turn_id"), pieces.c.start >= sa.bindparam("start"))
        .order_by(pieces.c.start)
    )


_TEXT, _THINKING = _pieces_of(reply_pieces), _pieces_of(thought_pieces)
_ORPHANS = (
    sa.select(turns.c.id, turns.c.session_key, sessions.c.owner)
    .join(sessions)
    .outerjoin(processes, processes.c.id == turns.c.process_id)
    .where(
        IS_RUNNING,
        turns.c.opened_at < sa.bindparam("opened_before"),
        sa.or_(
            processes.c.id.is_(None),
            processes.c.lease_until < sa.bindparam("now"),
            processes.c.id == sa.bindparam("mine"),
        ),
    )
)

_ORPHAN = _ORPHANS.where(turns.c.id == sa.bindparam("turn_id"))


@dataclass(frozen=True, slots=True)
class Piece:
    """New text of a running reply, or of the thinking before it, that begins after its first `start` characters."""

    turn_id: int
    start: int
    text: str


class Running:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def begin_process(self) -> int:
        """Register this process, with a lease, and give it the number under which it opens turns."""
        with self._database.write() as transaction:
            process: int = transaction.value(_ADD_PROCESS, {"until": self._until()})
            return process

    def end_process(self, process_id: int) -> None:
        with self._database.write() as transaction:
            transaction.change(_END_PROCESS, {"process": process_id})

    def checkpoint(self, process_id: int, pieces: Iterable[Piece], thoughts: Iterable[Piece] = ()) -> set[int]:
        """Keep new text of this process's running turns and renew its lease, in one transaction.

        Says which of the turns somebody asked to stop. Text of turns that run no longer is dropped: they were
        closed with all of it, swept, or deleted. Pieces that are kept already may be handed in again.
        """
        with self._database.write() as transaction:
            rows = transaction.rows(_STILL_RUNNING, {"process": process_id})
            alive = {turn_id for turn_id, _ in rows}
            for table, given in ((reply_pieces, pieces), (thought_pieces, thoughts)):
                kept = [asdict(piece) for piece in given if piece.turn_id in alive]
                transaction.change_all(insert_if_missing(transaction, table, "turn_id", "start", "text"), kept)
            transaction.change(_RENEW, {"process": process_id, "until": self._until()})
            return {turn_id for turn_id, asked in rows if asked}

    def text(self, owner: str, session_id: str, turn_id: int, start: int = 0) -> str:
        """What was checkpointed of a running reply, from one of its pieces' starts on."""
        return self._read(_TEXT, (owner, session_id, turn_id), start)

    def thinking(self, owner: str, session_id: str, turn_id: int, start: int = 0) -> str:
        """The same of what the model thinks before it answers."""
        return self._read(_THINKING, (owner, session_id, turn_id), start)

    def ask_to_stop(self, owner: str, session_id: str, turn_id: int) -> None:
        """Leave word for the process that runs the turn. Does nothing where the turn has ended."""
        with self._database.write() as transaction:
            transaction.change(_ASK_TO_STOP, {"owner": owner, "session_id": session_id, "turn_id": turn_id})

    def sweep(self, *, process_id: int | None = None, runs: Collection[int] = ()) -> int:
        """End turns that nobody runs as `interrupted`, with the text they had; say how many.

        Those are the turns of processes whose lease has run out, and turns of the asking process that are not
        among those it `runs`; but none that was opened within a LEASE.
        """
        with self._database.read() as transaction:
            orphans = transaction.rows(_ORPHANS, self._orphan_terms(process_id))
        return sum(self._interrupt(turn, key, owner, process_id) for turn, key, owner in orphans if turn not in runs)

    def _read(self, pieces: sa.Select[tuple[str]], place: tuple[str, str, int], start: int) -> str:
        with self._database.read() as transaction:
            parent_of(transaction, *place)
            return _joined(transaction, pieces, place[-1], start)

    def _orphan_terms(self, process_id: int | None) -> dict[str, int]:
        now = self._clock()
        return {"now": to_microseconds(now), "opened_before": to_microseconds(now - LEASE), "mine": process_id or 0}

    def _interrupt(self, turn_id: int, key: int, owner: str, process_id: int | None) -> bool:
        """End one turn, in a transaction of its own. False where it ended, or its lease was renewed, meanwhile."""
        with self._database.write() as transaction:
            transaction.row(LOCK_SESSION, {"key": key})
            if transaction.row(_ORPHAN, {**self._orphan_terms(process_id), "turn_id": turn_id}) is None:
                return False
            text, thinking = (_joined(transaction, pieces, turn_id, 0) for pieces in (_TEXT, _THINKING))
            reply = (Message.reply(text, thinking),) if text or thinking else ()
            outcome = Outcome(Status.INTERRUPTED, reply, error=INTERRUPTED)
            return close_running(transaction, owner, key, turn_id, outcome, self._clock())

    def _until(self) -> int:
        return to_microseconds(self._clock() + LEASE)


def _joined(transaction: Transaction, pieces: sa.Select[tuple[str]], turn_id: int, start: int) -> str:
    return "".join(text for (text,) in transaction.rows(pieces, {"turn_id": turn_id, "start": start}))
