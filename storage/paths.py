"""Reading turns.

They form a tree. The path to a turn is walked back from it, so that one pays for the turns one asks for, never for
the history behind them.
"""

from collections.abc import Sequence
from operator import itemgetter

import sqlalchemy as sa

from storage.database import Database, Transaction
from storage.errors import TurnNotFound
from storage.records import Message, Past, RecentTurn, Turn
from storage.rows import HERE, IS_RUNNING, MESSAGE_COLUMNS, TURN_COLUMNS, find_session, to_message, to_turns
from storage.schema import messages, sessions, turn_marks, turns
from storage.tree import ancestor_at, depth_of

WHOLE = 2**31 - 1
"""As a count of turns: all there are."""


def _walk_back() -> sa.CTE:
    """The turn `tip` and those before it, `count` at the most; `step` is 1 for the tip."""
    tip = sa.select(turns.c.id, turns.c.parent_id, sa.literal_column("1").label("step"))
    path = tip.where(turns.c.id == sa.bindparam("tip")).cte("path", recursive=True)
    return path.union_all(
        sa.select(turns.c.id, turns.c.parent_id, path.c.step + 1).where(
            turns.c.id == path.c.parent_id, path.c.step < sa.bindparam("count", type_=sa.Integer)
        )
    )


BACK = _walk_back()
_PATH = (
    sa.select(*TURN_COLUMNS, *MESSAGE_COLUMNS)
    .select_from(BACK)
    .join(turns, turns.c.id == BACK.c.id)
    .outerjoin(turn_marks, turn_marks.c.turn_id == turns.c.id)
    .join(messages, messages.c.turn_id == turns.c.id)
    .order_by(BACK.c.step.desc(), messages.c.position)
)
_prompts = messages.alias("prompts")
_MESSAGES = (
    sa.select(_prompts.c.id, messages.c.position, *MESSAGE_COLUMNS)
    .select_from(BACK)
    .join(_prompts, sa.and_(_prompts.c.turn_id == BACK.c.id, _prompts.c.position == 0))
    .join(messages, messages.c.turn_id == BACK.c.id)
)
_SYSTEM_MESSAGES = sa.select(messages.c.id, *MESSAGE_COLUMNS).where(messages.c.session_key == sa.bindparam("key"))
_OF_SESSION = sa.select(turns.c.id, turns.c.parent_id).join(sessions).where(*HERE)
BY_KEY = sa.select(turns.c.id).where(
    turns.c.session_key == sa.bindparam("key"), turns.c.idempotency_key == sa.bindparam("called")
)
_PINNED = (
    sa.select(turns.c.id, turns.c.depth)
    .join(turn_marks, turn_marks.c.turn_id == turns.c.id)
    .where(
        turn_marks.c.session_key == sa.bindparam("key"),
        turn_marks.c.mark == sa.literal_column("'pinned'"),
        turns.c.depth < sa.bindparam("before_depth"),
    )
    .order_by(turns.c.depth)
)
_PARENT = _OF_SESSION.where(turns.c.id == sa.bindparam("turn_id"))
_RUNNING = _OF_SESSION.where(IS_RUNNING)
_MADE_AFTER = (
    sa.select(turns.c.id)
    .where(turns.c.session_key == sa.bindparam("key"), turns.c.id > sa.bindparam("after"))
    .order_by(turns.c.session_key, turns.c.id)
    .limit(sa.bindparam("count"))
)

# Of the sessions with the newest turns, the newest of each; of all those the newest.
_RECENT = sa.text(
    "SELECT t.id, s.session_id, s.title FROM (SELECT id, session_id, title, created_at FROM sessions "
    "WHERE owner = :owner AND newest_turn IS NOT NULL ORDER BY newest_turn DESC LIMIT :count) AS s "
    "JOIN turns t ON t.id IN (SELECT n.id FROM turns n WHERE n.session_key = s.id AND n.opened_at >= s.created_at "
    "ORDER BY n.session_key DESC, n.id DESC LIMIT :count) ORDER BY t.id DESC LIMIT :count"
)


def path_to(transaction: Transaction, tip: int | None, count: int) -> tuple[Turn, ...]:
    """The last `count` turns of the path that ends with `tip`, oldest first; () without a tip."""
    if tip is None or count < 1:
        return ()
    return to_turns(transaction.rows(_PATH, {"tip": tip, "count": count}))


def past_of(transaction: Transaction, key: int, parent: int | None, window: int, *, any_pinned: bool) -> Past:
    """What lies before a turn that follows `parent`: the `window` turns, and the pinned ones before those."""
    seen = path_to(transaction, parent, window)
    if parent is None:
        return Past(1, seen)
    depth = 1 + (seen[-1].depth if seen else depth_of(transaction, parent))
    if not any_pinned:
        return Past(depth, seen)
    rows = transaction.rows(_PINNED, {"key": key, "before_depth": depth - len(seen)})
    pinned = [turn_id for turn_id, at in rows if ancestor_at(transaction, parent, at) == turn_id]
    return Past(depth, seen, tuple(turn for turn_id in pinned for turn in path_to(transaction, turn_id, 1)))


def parent_of(transaction: Transaction, owner: str, session_id: str, turn_id: int) -> int | None:
    """None for a first turn. Raises TurnNotFound for a turn of another session."""
    row = transaction.row(_PARENT, {"owner": owner, "session_id": session_id, "turn_id": turn_id})
    if row is None:
        raise TurnNotFound(turn_id)
    parent: int | None = row[1]
    return parent


class Paths:
    def __init__(self, database: Database) -> None:
        self._database = database

    def page(
        self, owner: str, session_id: str, count: int, *, before: int | None = None, until: int | None = None
    ) -> tuple[Turn, ...]:
        """The `count` newest turns of the active path, oldest first.

        `before` a turn, on whichever branch, or `until` a depth of the active path, both of which cost the same
        wherever that is. Raises SessionNotFound, and TurnNotFound where `before` is no turn of the session.
        """
        with self._database.read() as transaction:
            tip = find_session(transaction, owner, session_id).head
            if before is not None:
                tip = parent_of(transaction, owner, session_id, before)
            if until is not None and tip is not None:
                tip = ancestor_at(transaction, tip, until)
            return path_to(transaction, tip, count)

    def of_all_branches(self, owner: str, session_id: str, count: int, *, after: int = 0) -> tuple[Turn, ...]:
        """The first `count` turns that were made after the turn `after`, in the order in which they were made.

        Raises SessionNotFound.
        """
        with self._database.read() as transaction:
            key = find_session(transaction, owner, session_id).key
            rows = transaction.rows(_MADE_AFTER, {"key": key, "after": after, "count": count})
            return tuple(path_to(transaction, turn_id, 1)[0] for (turn_id,) in rows)

    def past(self, owner: str, session_id: str, window: int, *, beside: int | None = None) -> Past:
        """What would lie before a turn that is opened now, or beside another. Raises SessionNotFound, TurnNotFound."""
        with self._database.read() as transaction:
            session = find_session(transaction, owner, session_id)
            parent = session.head if beside is None else parent_of(transaction, owner, session_id, beside)
            return past_of(transaction, session.key, parent, window, any_pinned=session.pinned_any)

    def before(self, owner: str, session_id: str, turn_id: int, depths: Sequence[int]) -> tuple[Turn, ...]:
        """The turns at these depths of the path to a turn, oldest first. Raises TurnNotFound."""
        with self._database.read() as transaction:
            parent = parent_of(transaction, owner, session_id, turn_id)
            if parent is None or not depths:
                return ()
            # Most of them stand in a row; those far above it are fetched by themselves.
            row = path_to(transaction, ancestor_at(transaction, parent, max(depths)), len(depths))
            there = {turn.depth: turn for turn in row}
            for depth in set(depths) - there.keys():
                there |= {depth: path_to(transaction, ancestor_at(transaction, parent, depth), 1)[0]}
            return tuple(there[depth] for depth in sorted(depths))

    def turn(self, owner: str, session_id: str, turn_id: int) -> Turn:
        """One turn, on whichever branch. Raises TurnNotFound."""
        with self._database.read() as transaction:
            parent_of(transaction, owner, session_id, turn_id)
            return path_to(transaction, turn_id, 1)[0]

    def messages(self, owner: str, session_id: str) -> list[Message]:
        """Every message of the active path, and the session's system messages in their places, oldest first."""
        with self._database.read() as transaction:
            key, head, *_ = find_session(transaction, owner, session_id)
            told = transaction.rows(_MESSAGES, {"tip": head, "count": WHOLE})
            system = transaction.rows(_SYSTEM_MESSAGES, {"key": key})
        # A turn's place is that of its prompt: text may be added to it late.
        placed = [((first, position), row) for first, position, *row in told]
        placed += [((message_id, 0), row) for message_id, *row in system]
        return [to_message(*row) for _, row in sorted(placed, key=itemgetter(0))]

    def find(self, owner: str, session_id: str, idempotency_key: str) -> int | None:
        """The turn that was opened with the key. Raises SessionNotFound."""
        with self._database.read() as transaction:
            key = find_session(transaction, owner, session_id).key
            found: int | None = transaction.value(BY_KEY, {"key": key, "called": idempotency_key})
            return found

    def recent(self, owner: str, count: int) -> tuple[RecentTurn, ...]:
        """The last `count` turns of all of an owner's sessions, the newest first, without those that were copied."""
        with self._database.read() as transaction:
            rows = transaction.rows(_RECENT, {"owner": owner, "count": max(1, count)})
            return tuple(
                RecentTurn(session_id, title, path_to(transaction, turn_id, 1)[0])
                for turn_id, session_id, title in rows
            )

    def running(self, owner: str, session_id: str) -> Turn | None:
        with self._database.read() as transaction:
            row = transaction.row(_RUNNING, {"owner": owner, "session_id": session_id})
            return path_to(transaction, row[0], 1)[0] if row else None
