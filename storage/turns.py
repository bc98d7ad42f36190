"""Writing turns: opening one with its window, closing it, and keeping the counters right in the same transaction."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from storage.branches import leave_branch
from storage.client_data import keep_data
from storage.clock import Clock
from storage.database import Database, Transaction
from storage.errors import SessionBusy, SessionEnded, TurnExists, TurnNotFound
from storage.images import keep_images
from storage.index import put_title, put_turn, remove_turn
from storage.paths import BY_KEY, parent_of, past_of
from storage.records import (
    Attached,
    Json,
    Message,
    OpenedTurn,
    Outcome,
    Past,
    Sender,
    Status,
    to_microseconds,
    to_moment,
)
from storage.rows import (
    ADD_MESSAGE,
    ANY_RUNNING,
    IS_RUNNING,
    LOCK_SESSION,
    checked,
    count_in_owner,
    count_in_session,
    find_session,
    insert_into,
    message_rows,
    to_json,
)
from storage.schema import messages, reply_pieces, sessions, thought_pieces, turns
from storage.usage import Ended, count_use
from storage.waiting import (
    Placed,
    add_waiting,
    bring_along,
    drop_passed,
    hold_waiting,
    keep_order,
    release_waiting,
    take_up,
)

NOTHING = Attached()

TITLE_LENGTH = 40
"""How much of the first prompt becomes the title, in characters."""

_parent, _jump, _far = turns.alias("parent"), turns.alias("jump"), turns.alias("far")
_JUMP = (
    # As far as the parent's jump jumps, where its own was as long as its parent's; else just to the parent.
    sa.select(sa.case((_parent.c.depth - _jump.c.depth == _jump.c.depth - _far.c.depth, _far.c.id), else_=_parent.c.id))
    .select_from(
        _parent.outerjoin(_jump, _jump.c.id == _parent.c.jump_id).outerjoin(_far, _far.c.id == _jump.c.jump_id)
    )
    .where(_parent.c.id == sa.bindparam("parent"))
)
_OPEN = (
    sa.insert(turns)
    .values(
        session_key=sa.bindparam("key"),
        parent_id=sa.bindparam("parent"),
        depth=sa.func.coalesce(
            sa.select(_parent.c.depth).where(_parent.c.id == sa.bindparam("parent")).scalar_subquery(), 0
        )
        + 1,
        jump_id=_JUMP.scalar_subquery(),
        idempotency_key=sa.bindparam("called"),
        receipt=sa.bindparam("note"),
        status=sa.bindparam("state"),
        model=sa.bindparam("by_model"),
        opened_at=sa.bindparam("now"),
        closed_at=sa.bindparam("closed"),
        process_id=sa.bindparam("process"),
    )
    .returning(turns.c.id)
)
_MOVE_HEAD = (
    sa.update(sessions)
    .where(sessions.c.id == sa.bindparam("key"))
    .values(
        head_id=sa.bindparam("head"),
        newest_turn=sa.bindparam("head"),
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
        receipt=sa.func.coalesce(sa.bindparam("as_receipt", type_=sa.Text), turns.c.receipt),
    )
    .returning(turns.c.model, turns.c.opened_at)
)
_STATUS = sa.select(turns.c.status).where(turns.c.id == sa.bindparam("turn_id"))
_BEGIN_REPLY = insert_into(reply_pieces, "turn_id", "start", "text")
_DROP_PIECES, _DROP_THOUGHTS = (
    sa.delete(pieces).where(pieces.c.turn_id == sa.bindparam("of_turn")) for pieces in (reply_pieces, thought_pieces)
)
_REPLY = sa.select(messages.c.content, messages.c.sender).where(
    messages.c.turn_id == sa.bindparam("of_turn"), messages.c.position > 0
)
_DROP_REPLY = sa.delete(messages).where(messages.c.turn_id == sa.bindparam("of_turn"), messages.c.position > 0)
_LAST_POSITION = sa.select(sa.func.max(messages.c.position)).where(messages.c.turn_id == sa.bindparam("of_turn"))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a new turn goes."""

    owner: str
    session_id: str
    key: int
    parent: int | None
    is_untitled: bool
    idempotency_key: str | None = None
    receipt: str | None = None


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
        idempotency_key: str | None = None,
        attached: Attached = NOTHING,
        receipt: Callable[[Past], Json] | None = None,
    ) -> OpenedTurn:
        """Make a running turn the head, with its prompt, and read the `window` turns before it.

        `receipt` makes the turn's receipt from what lies before it: it is kept from the start, and what it raises opens
        none. It follows the head; with `beside` it becomes another continuation next to that turn. When this
        returns, the prompt is on the disk. Raises SessionNotFound, SessionBusy, SessionEnded, TurnNotFound,
        TextRefused, and TurnExists where the session has a turn with the idempotency key; for what is attached
        WaitingGone where the prompt no longer waits, OthersFirst where it would overtake one, and TooManyWaiting.
        """
        with self._database.write() as transaction:
            key, head, title, ended, pinned = find_session(transaction, owner, session_id, to_write=True)
            if attached.waiting is not None:
                take_up(transaction, key, attached.waiting)
            keep_order(transaction, owner, session_id, attached)
            if idempotency_key is not None:
                known = transaction.value(BY_KEY, {"key": key, "called": idempotency_key})
                if known is not None:
                    raise TurnExists(known)
            if ended is not None:
                raise SessionEnded(session_id)
            parent = head if beside is None else parent_of(transaction, owner, session_id, beside)
            past = past_of(transaction, key, parent, window, any_pinned=pinned)
            note = to_json(receipt(past)) if receipt else None
            place = _Place(owner, session_id, key, parent, title == "", idempotency_key, note)
            turn_id = self._insert(transaction, place, prompt, model, process_id)
            keep_images(transaction, key, attached.images)
            if attached.data:
                keep_data(transaction, key, turn_id, attached.data)
            self._queue(transaction, key, turn_id, prompt, attached)
            if attached.begun:
                transaction.change(_BEGIN_REPLY, {"turn_id": turn_id, "start": 0, "text": checked(attached.begun)})
            if head is not None and head != parent:
                leave_branch(transaction, head, turn_id)
            return OpenedTurn(turn_id, owner, session_id, key, past)

    def close(self, opened: OpenedTurn, outcome: Outcome) -> Status:
        """End a running turn, and say which status stands.

        A turn that was swept meanwhile stays `interrupted` and takes the text, but not the figures; any other end
        stands as it is.
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

        A human message begins a turn, and those that follow belong to it; system messages belong to the session. Nobody
        knows how long they took or what they cost: they are in no figures of use. Raises SessionNotFound, SessionBusy,
        SessionEnded.
        """
        with self._database.write() as transaction:
            for message in group:
                key, head, title, ended, _ = find_session(transaction, owner, session_id, to_write=True)
                if ended is not None:
                    raise SessionEnded(session_id)
                if transaction.value(ANY_RUNNING, {"key": key}) is not None:
                    raise SessionBusy(session_id)
                if message.sender is Sender.SYSTEM:
                    self._add(transaction, owner, key, [message], first=0, session_key=key)
                elif message.sender is Sender.HUMAN or head is None:
                    place = _Place(owner, session_id, key, head, title == "")
                    put_turn(transaction, self._insert(transaction, place, message, "", None))
                else:
                    last = transaction.value(_LAST_POSITION, {"of_turn": head})
                    self._add(transaction, owner, key, [message], first=last + 1, turn_id=head)
                    put_turn(transaction, head, first=last + 1)

    def _queue(self, transaction: Transaction, key: int, turn_id: int, prompt: Message, attached: Attached) -> None:
        """Let those wait that follow from a turn that is now open."""
        if attached.waiting is not None:
            bring_along(transaction, key, attached.waiting, turn_id)
        if attached.releases:
            release_waiting(transaction, key)
        if attached.also:
            add_waiting(transaction, key, prompt, Placed(self._clock(), attached.also, beside=turn_id))

    def _insert(
        self,
        transaction: Transaction,
        place: "_Place",
        prompt: Message,
        model: str,
        process_id: int | None,
    ) -> int:
        """Insert a turn with its prompt as the new head: running, or complete where no process runs it."""
        now = to_microseconds(self._clock())
        status = Status.COMPLETE if process_id is None else Status.RUNNING
        row = transaction.only(
            _OPEN,
            {
                "key": place.key,
                "parent": place.parent,
                "called": place.idempotency_key and checked(place.idempotency_key),
                "note": place.receipt,
                "state": status.value,
                "by_model": model,
                "now": now,
                "closed": now if process_id is None else None,
                "process": process_id,
            },
        )
        if row is None:
            raise SessionBusy(place.session_id)
        turn_id: int = row[0]
        transaction.change_all(ADD_MESSAGE, message_rows(0, [prompt], now, turn_id=turn_id))
        transaction.change(
            _MOVE_HEAD, {"key": place.key, "head": turn_id, "first_title": title_from(prompt.content), "now": now}
        )
        drop_passed(transaction, place.key, place.parent)
        if place.is_untitled:
            put_title(transaction, place.key)
        count_in_owner(transaction, place.owner, turns=1, messages=1)
        return turn_id

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
        swept = transaction.rows(_REPLY, {"of_turn": opened.id})
        text = "".join(message.content for message in group)
        if not group or not all(sender == Sender.AI and text.startswith(content) for content, sender in swept):
            return  # Somebody has added to the turn meanwhile: what is there stands.
        remove_turn(transaction, opened.id, first=1)
        gone = transaction.change(_DROP_REPLY, {"of_turn": opened.id})
        self._add(transaction, opened.owner, opened.session_key, group, first=1, turn_id=opened.id)
        put_turn(transaction, opened.id, first=1)
        count_in_session(transaction, opened.session_key, -gone, to_microseconds(self._clock()))
        count_in_owner(transaction, opened.owner, messages=-gone)


def close_running(
    transaction: Transaction, owner: str, key: int, turn_id: int, outcome: Outcome, moment: datetime
) -> bool:
    """Give a running turn its end status and its messages. False, and nothing done, if it does not run."""
    now = to_microseconds(moment)
    transaction.row(LOCK_SESSION, {"key": key})  # First, as `open` does: so the two never wait for each other.
    closed = transaction.row(
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
    if closed is None:
        return False
    hold_waiting(transaction, key, outcome.status)
    if outcome.messages:
        transaction.change_all(ADD_MESSAGE, message_rows(1, outcome.messages, now, turn_id=turn_id))
    transaction.change(_DROP_PIECES, {"of_turn": turn_id})
    if any(message.thinking for message in outcome.messages):
        transaction.change(_DROP_THOUGHTS, {"of_turn": turn_id})
    count_in_session(transaction, key, len(outcome.messages), now)
    count_in_owner(transaction, owner, messages=len(outcome.messages))
    told = put_turn(transaction, turn_id)
    model, opened_at = closed
    ended = Ended(owner, key, model, to_moment(opened_at), moment, told[Sender.HUMAN], told[Sender.AI])
    count_use(transaction, ended, outcome)
    return True


def title_from(prompt: str) -> str:
    """The first words of a prompt, on one line."""
    return " ".join(prompt.split())[:TITLE_LENGTH].rstrip()
