"""Writing turns: opening one with its window, closing it, and keeping the counters right in the same transaction."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa

from storage.clock import Clock
from storage.database import Database, Transaction
from storage.errors import SessionBusy, TurnNotFound
from storage.paths import parent_of, path_to
from storage.records import Message, OpenedTurn, Outcome, Sender, Status, to_microseconds
from storage.rows import (
    ADD_MESSAGE,
    IS_RUNNING,
    LOCK_SESSION,
    count_in_owner,
    count_in_session,
    find_session,
    message_rows,
    to_json,
)
from storage.schema import messages, reply_pieces, sessions, turns
from storage.usage import count_use

TITLE_LENGTH = 40
"""How much of the first prompt becomes the title, in characters."""

_parent = turns.alias("parent")
_OPEN = (
    sa.insert(turns)
    .values(
        session_key=sa.bindparam("key"),
        parent_id=sa.bindparam("parent"),
        depth=sa.func.coalesce(
            sa.select(_parent.c.depth).where(_parent.c.id == sa.bindparam("parent")).scalar_subquery(), 0
        )
        + 1,
        status=sa.bindparam("state"),
        model=sa.bindparam("by_model"),
        opened_at=sa.bindparam("now"),
        closed_at=sa.bindparam("closed"),
        process_id=sa.bindparam("process"),
    )
    .returning(turns.c.id, turns.c.depth)
)
_MOVE_HEAD = (
    sa.update(sessions)
    .where(sessions.c.id == sa.bindparam("key"))
    .values(
        head_id=sa.bindparam("head"),
        title=sa.case((sessions.c.title == "", sa.bindparam("first_title")), else_=sessions.c.title),
        turn_count=sessions.c.turn_count + 1,
        message_count=sessions.c.message_count + 1,
        last_activity=sa.bindparam("now"),
    )
)
_CLOSE = (
    sa.update(turns)
    .where(turns.c.id == sa.bindparam("turn_id"), IS_RUNNING)
    .values(
        status=sa.bindparam("state"),
        closed_at=sa.bindparam("now"),
        first_text_at=sa.bindparam("first_text"),
        input_tokens=sa.bindparam("tokens_in"),
        output_tokens=sa.bindparam("tokens_out"),
        error=sa.bindparam("sentence"),
        receipt=sa.bindparam("as_receipt"),
    )
)
_STATUS = sa.select(turns.c.status).where(turns.c.id == sa.bindparam("turn_id"))
_DROP_PIECES = sa.delete(reply_pieces).where(reply_pieces.c.turn_id == sa.bindparam("of_turn"))
_DROP_REPLY = sa.delete(messages).where(messages.c.turn_id == sa.bindparam("of_turn"), messages.c.position > 0)
_LAST_POSITION = sa.select(sa.func.max(messages.c.position)).where(messages.c.turn_id == sa.bindparam("of_turn"))
_ANY_RUNNING = sa.select(turns.c.id).where(turns.c.session_key == sa.bindparam("key"), IS_RUNNING)


class Turns:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def open(
        self,
        owner: str,
        session_id: str,
        prompt: Message,
        *,
        model: str,
        window: int,
        process_id: int,
        beside: int | None = None,
    ) -> OpenedTurn:
        """Make a running turn the head, with its prompt, and read the `window` turns before it.

        It follows the head; with `beside` it becomes another continuation next to that turn. When this
        returns, the prompt is on the disk. Raises SessionNotFound, SessionBusy, TurnNotFound.
        """
        with self._database.write() as transaction:
            key, parent = find_session(transaction, owner, session_id, to_write=True)
            if beside is not None:
                parent = parent_of(transaction, owner, session_id, beside)
            turn_id, depth = self._insert(transaction, owner, session_id, key, parent, prompt, model, process_id)
            return OpenedTurn(turn_id, owner, session_id, key, depth, path_to(transaction, parent, window))

    def close(self, opened: OpenedTurn, outcome: Outcome) -> Status:
        """End a running turn, and say which status stands.

        A turn that was swept meanwhile stays `interrupted` and takes the text; any other end stands as it is.
        Raises TurnNotFound where the turn was deleted meanwhile.
        """
        with self._database.write() as transaction:
            if close_running(transaction, opened.owner, opened.session_key, opened.id, outcome, self._clock()):
                return outcome.status
            standing = transaction.value(_STATUS, {"turn_id": opened.id})
            if standing is None:
                raise TurnNotFound(opened.id)
            if standing == Status.INTERRUPTED:
                self._replace_reply(transaction, opened, outcome.messages)
            return Status(standing)

    def append(self, owner: str, session_id: str, group: Iterable[Message]) -> None:
        """Add messages that somebody else's agent exchanged, as whole turns, in one transaction.

        A human message begins a turn, and those that follow belong to it; system messages belong to the
        session. Raises SessionNotFound, SessionBusy.
        """
        with self._database.write() as transaction:
            for message in group:
                key, head = find_session(transaction, owner, session_id, to_write=True)
                if transaction.value(_ANY_RUNNING, {"key": key}) is not None:
                    raise SessionBusy(session_id)
                if message.sender is Sender.SYSTEM:
                    self._add(transaction, owner, key, [message], first=0, session_key=key)
                elif message.sender is Sender.HUMAN or head is None:
                    self._insert(transaction, owner, session_id, key, head, message, "", None)
                else:
                    last = transaction.value(_LAST_POSITION, {"of_turn": head})
                    self._add(transaction, owner, key, [message], first=last + 1, turn_id=head)

    def _insert(
        self,
        transaction: Transaction,
        owner: str,
        session_id: str,
        key: int,
        parent: int | None,
        prompt: Message,
        model: str,
        process_id: int | None,
    ) -> tuple[int, int]:
        """Insert a turn with its prompt as the new head: running, or complete where no process runs it."""
        now = to_microseconds(self._clock())
        status = Status.COMPLETE if process_id is None else Status.RUNNING
        row = transaction.only(
            _OPEN,
            {
                "key": key,
                "parent": parent,
                "state": status.value,
                "by_model": model,
                "now": now,
                "closed": now if process_id is None else None,
                "process": process_id,
            },
        )
        if row is None:
            raise SessionBusy(session_id)
        turn_id, depth = row
        transaction.change_all(ADD_MESSAGE, message_rows(0, [prompt], now, turn_id=turn_id))
        transaction.change(
            _MOVE_HEAD, {"key": key, "head": turn_id, "first_title": title_from(prompt.content), "now": now}
        )
        count_in_owner(transaction, owner, turns=1, messages=1)
        return turn_id, depth

    def _add(
        self,
        transaction: Transaction,
        owner: str,
        key: int,
        group: Sequence[Message],
        *,
        first: int,
        **belongs: int,
    ) -> None:
        now = to_microseconds(self._clock())
        transaction.change_all(ADD_MESSAGE, message_rows(first, group, now, **belongs))
        count_in_session(transaction, key, len(group), now)
        count_in_owner(transaction, owner, messages=len(group))

    def _replace_reply(self, transaction: Transaction, opened: OpenedTurn, group: Sequence[Message]) -> None:
        if not group:
            return
        gone = transaction.change(_DROP_REPLY, {"of_turn": opened.id})
        self._add(transaction, opened.owner, opened.session_key, group, first=1, turn_id=opened.id)
        count_in_session(transaction, opened.session_key, -gone, to_microseconds(self._clock()))
        count_in_owner(transaction, opened.owner, messages=-gone)


def close_running(
    transaction: Transaction, owner: str, key: int, turn_id: int, outcome: Outcome, moment: datetime
) -> bool:
    """Give a running turn its end status and its messages. False, and nothing done, if it does not run."""
    now = to_microseconds(moment)
    transaction.row(LOCK_SESSION, {"key": key})  # First, as `open` does: so the two never wait for each other.
    closed = transaction.change(
        _CLOSE,
        {
            "turn_id": turn_id,
            "state": outcome.status.value,
            "now": now,
            "first_text": None if outcome.first_text_at is None else to_microseconds(outcome.first_text_at),
            "tokens_in": outcome.input_tokens,
            "tokens_out": outcome.output_tokens,
            "sentence": outcome.error,
            "as_receipt": to_json(outcome.receipt) if outcome.receipt else None,
        },
    )
    if closed == 0:
        return False
    if outcome.messages:
        transaction.change_all(ADD_MESSAGE, message_rows(1, outcome.messages, now, turn_id=turn_id))
    transaction.change(_DROP_PIECES, {"of_turn": turn_id})
    count_in_session(transaction, key, len(outcome.messages), now)
    count_in_owner(transaction, owner, messages=len(outcome.messages))
    count_use(transaction, owner, moment, outcome)
    return True


def title_from(prompt: str) -> str:
    """The first words of a prompt, on one line."""
    return " ".join(prompt.split())[:TITLE_LENGTH].rstrip()
