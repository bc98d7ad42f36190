"""Prompts that wait until the reply before them has ended."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from storage.clock import Clock
from storage.database import Database, Row, Transaction
from storage.errors import OthersFirst, SessionEnded, TooManyWaiting, WaitingGone
from storage.images import contents_of
from storage.records import Attached, Message, Sender, Status, WaitingPrompt, to_microseconds, to_moment
from storage.rows import ANY_RUNNING, HERE, checked, count_change, find_session, insert_into, to_json
from storage.schema import sessions, turns, waiting_prompts

MOST_WAITING = 20
"""Prompts that wait in a session."""

_COLUMNS = [
    waiting_prompts.c[name] for name in ("id", "content", "full", "model", "beside", "along_with", "held", "placed_at")
]
_OF_SESSION = waiting_prompts.c.session_key == sa.bindparam("key")
_HERE = sa.and_(waiting_prompts.c.id == sa.bindparam("waiting_id"), _OF_SESSION)
_ALL = sa.select(*_COLUMNS).join(sessions).where(*HERE).order_by(waiting_prompts.c.id)
_head, _first = turns.alias("head"), turns.alias("first")
_FIRST = (
    sa.select(waiting_prompts.c.id, waiting_prompts.c.session_key)
    .select_from(
        waiting_prompts.join(sessions)
        .join(_head, _head.c.id == sessions.c.head_id)
        .outerjoin(_first, _first.c.id == waiting_prompts.c.beside)
    )
    .where(
        *HERE,
        sa.or_(waiting_prompts.c.beside.is_(None), _first.c.parent_id.is_not_distinct_from(_head.c.parent_id)),
    )
    .order_by(waiting_prompts.c.beside.is_(None), waiting_prompts.c.id)
    .limit(1)
)
# Whatever runs is the head.
_FIRST_DUE = _FIRST.where(_head.c.status != "running", sa.not_(waiting_prompts.c.held))
_ONE = sa.select(*_COLUMNS).where(_HERE)
_CONTENTS = sa.select(waiting_prompts.c.contents).where(_HERE)
_COUNT = sa.select(sa.func.count()).where(_OF_SESSION)
_PLACE = insert_into(
    waiting_prompts, "session_key", "content", "full", "model", "beside", "along_with", "placed_at", "contents"
).returning(waiting_prompts.c.id)
_TAKE = sa.delete(waiting_prompts).where(_HERE)
_DROP = sa.delete(waiting_prompts).where(_OF_SESSION)
_DROP_PASSED = _DROP.where(
    waiting_prompts.c.beside.is_not(None),
    sa.select(_first.c.parent_id)
    .where(_first.c.id == waiting_prompts.c.beside)
    .scalar_subquery()
    .is_distinct_from(sa.bindparam("parent")),
)
_HOLD = sa.update(waiting_prompts).where(_OF_SESSION).values(held=sa.true())
_asked_next = waiting_prompts.alias("asked_next")
_HOLD_IN_ROW = _HOLD.where(
    waiting_prompts.c.beside.is_(None),
    sa.not_(
        sa.exists().where(
            _asked_next.c.session_key == sa.bindparam("key"),
            _asked_next.c.beside.is_not(None),
            sa.not_(_asked_next.c.held),
        )
    ),
)
_HEAD_STATUS = (
    sa.select(_head.c.status)
    .join(sessions, sessions.c.head_id == _head.c.id)
    .where(sessions.c.id == sa.bindparam("key"))
)
_RELEASE = sa.update(waiting_prompts).where(_OF_SESSION).values(held=sa.false())
_ALONG = sa.update(waiting_prompts).where(waiting_prompts.c.along_with == sa.bindparam("waiting_id"), _OF_SESSION)
_BRING_ALONG = _ALONG.values(beside=sa.bindparam("turn_id"), along_with=None, contents=None)
_LEAVE_ALONE = _ALONG.values(along_with=None)


@dataclass(frozen=True, slots=True)
class Placed:
    """How a prompt waits, as in WaitingPrompt."""

    at: datetime
    model: str | None
    beside: int | None = None
    along_with: int | None = None


class Waiting:
    """Whatever waits is sent once: `Turns.open` takes it away as it opens its turn, in one transaction."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def put(
        self,
        owner: str,
        session_id: str,
        prompt: Message,
        images: Mapping[str, bytes],
        *,
        model: str | None = None,
        also: str | None = None,
    ) -> int | None:
        """Let a prompt wait for the turn that runs; None, and nothing kept, where none does any more.

        So whoever closes that turn finds it. With `also`, the name of another model, the same waits behind it, to be
        asked of that one beside it. `images` are the contents by digest. Raises SessionNotFound, SessionEnded,
        TextRefused, TooManyWaiting.
        """
        with self._database.write() as transaction:
            key, _, _, ended, _ = find_session(transaction, owner, session_id, to_write=True)
            if ended is not None:
                raise SessionEnded(session_id)
            if transaction.value(ANY_RUNNING, {"key": key}) is None:
                return None
            now = self._clock()
            waiting_id = add_waiting(transaction, key, prompt, Placed(now, model), images)
            if also:
                add_waiting(transaction, key, prompt, Placed(now, also, along_with=waiting_id), images)
            return waiting_id

    def all(self, owner: str, session_id: str) -> tuple[WaitingPrompt, ...]:
        """In the order in which they were placed."""
        with self._database.read() as transaction:
            return tuple(map(_to_waiting, transaction.rows(_ALL, {"owner": owner, "session_id": session_id})))

    def first(self, owner: str, session_id: str, *, due: bool = False) -> WaitingPrompt | None:
        """The one to be sent next: one that is to be asked beside the head, else the one placed first.

        With `due` only where no turn runs, and of those that are not held.
        """
        with self._database.read() as transaction:
            return first_waiting(transaction, owner, session_id, due=due)

    def contents(self, owner: str, session_id: str, waiting_id: int) -> dict[str, bytes]:
        """Of its images, by digest. Raises SessionNotFound, WaitingGone."""
        with self._database.read() as transaction:
            return dict(_whole(transaction, find_session(transaction, owner, session_id).key, waiting_id).contents)

    def take(self, owner: str, session_id: str, waiting_id: int) -> WaitingPrompt:
        """Take it back, with the contents of its images. What was to be asked along with it waits by itself then.

        Raises SessionNotFound, and WaitingGone where it was sent meanwhile.
        """
        with self._database.write() as transaction:
            key = find_session(transaction, owner, session_id, to_write=True).key
            taken = _whole(transaction, key, waiting_id)
            take_up(transaction, key, waiting_id)
            transaction.change(_LEAVE_ALONE, {"key": key, "waiting_id": waiting_id})
            if transaction.value(_HEAD_STATUS, {"key": key}) == Status.FAILED:
                hold_waiting(transaction, key, Status.FAILED)
            count_change(transaction, key)
            return taken

    def hold(self, owner: str, session_id: str) -> None:
        """Let all that waits be sent only when a person asks for that. Raises SessionNotFound."""
        with self._database.write() as transaction:
            key = find_session(transaction, owner, session_id, to_write=True).key
            hold_waiting(transaction, key, Status.INTERRUPTED)
            count_change(transaction, key)


def first_waiting(transaction: Transaction, owner: str, session_id: str, *, due: bool) -> WaitingPrompt | None:
    """As `Waiting.first` says."""
    found = transaction.row(_FIRST_DUE if due else _FIRST, {"owner": owner, "session_id": session_id})
    if found is None:
        return None
    row = transaction.row(_ONE, {"waiting_id": found[0], "key": found[1]})
    return None if row is None else _to_waiting(row)


def add_waiting(
    transaction: Transaction, key: int, prompt: Message, placed: Placed, images: Mapping[str, bytes] | None = None
) -> int:
    """Let a prompt wait. Where its images are not given, the session has them. Raises TextRefused, TooManyWaiting."""
    if transaction.value(_COUNT, {"key": key}) >= MOST_WAITING:
        raise TooManyWaiting(MOST_WAITING)
    row = {
        "session_key": key,
        "content": checked(prompt.content),
        "full": None if prompt.full is None else to_json(prompt.full),
        "model": placed.model and checked(placed.model),
        "beside": placed.beside,
        "along_with": placed.along_with,
        "placed_at": to_microseconds(placed.at),
        "contents": b"".join(images[image.digest] for image in prompt.images) if images else None,
    }
    waiting_id: int = transaction.value(_PLACE, row)
    count_change(transaction, key)
    return waiting_id


def keep_order(transaction: Transaction, owner: str, session_id: str, attached: Attached) -> None:
    """Raises OthersFirst where a prompt that queues would overtake one that is due."""
    if attached.queues:
        due = first_waiting(transaction, owner, session_id, due=True)
        if due is not None and due.id != attached.stuck:
            raise OthersFirst


def take_up(transaction: Transaction, key: int, waiting_id: int) -> None:
    """Raises WaitingGone where somebody else was first."""
    if transaction.change(_TAKE, {"key": key, "waiting_id": waiting_id}) == 0:
        raise WaitingGone


def bring_along(transaction: Transaction, key: int, waiting_id: int, turn_id: int) -> None:
    """Let what waits along with a prompt wait for its turn, now that this is open."""
    transaction.change(_BRING_ALONG, {"key": key, "waiting_id": waiting_id, "turn_id": turn_id})


def drop_passed(transaction: Transaction, key: int, parent: int | None) -> None:
    """Let nothing be asked any more beside turns that the session goes on past, with a turn after `parent`.

    Those prompts are in the turns beside which they were to be asked of another model too.
    """
    transaction.change(_DROP_PASSED, {"key": key, "parent": parent})


def hold_waiting(transaction: Transaction, key: int, after: Status) -> None:
    """Have a person decide about what waits after a turn that went wrong.

    After one that `failed` what is to be asked beside it is asked all the same, and the end of that decides.
    """
    if after in {Status.FAILED, Status.INTERRUPTED}:
        transaction.change(_HOLD if after is Status.INTERRUPTED else _HOLD_IN_ROW, {"key": key})


def release_waiting(transaction: Transaction, key: int) -> None:
    transaction.change(_RELEASE, {"key": key})


def drop_waiting(transaction: Transaction, key: int) -> None:
    transaction.change(_DROP, {"key": key})


def _whole(transaction: Transaction, key: int, waiting_id: int) -> WaitingPrompt:
    """With the contents of its images. Raises WaitingGone."""
    terms = {"key": key, "waiting_id": waiting_id}
    row = transaction.row(_ONE, terms)
    if row is None:
        raise WaitingGone
    found = _to_waiting(row)
    contents = transaction.value(_CONTENTS, terms)
    if contents is None:
        return replace(found, contents=contents_of(transaction, key, [image.digest for image in found.message.images]))
    return replace(found, contents=_apart(bytes(contents), found.message))


def _apart(contents: bytes, message: Message) -> dict[str, bytes]:
    """The contents of images that stand one after the other, by digest."""
    apart, start = {}, 0
    for image in message.images:
        apart[image.digest] = contents[start : start + image.size]
        start += image.size
    return apart


def _to_waiting(row: Row) -> WaitingPrompt:
    waiting_id, content, full, model, beside, along_with, held, placed_at = row
    message = Message(Sender.HUMAN, content, json.loads(full) if full else None)
    return WaitingPrompt(waiting_id, message, model, beside, along_with, bool(held), to_moment(placed_at))
