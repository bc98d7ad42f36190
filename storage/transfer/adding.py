"""Turns into a session: their rows, as if they had been made here."""

import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from storage.client_data import keep_data
from storage.database import Transaction
from storage.records import Message, Outcome, Sender, to_microseconds
from storage.rows import ADD_MESSAGE, checked, insert_into, to_json
from storage.schema import turn_marks, turns
from storage.transfer.taken import Stopped
from storage.transfer.talk import Talk, TalkMessage, TalkTurn
from storage.usage import Ended
from storage.usage_many import Added

STEP = 200
"""Turns from one look at whether to end to the next."""

_OF_TURN = (
    "session_key",
    "parent_id",
    "depth",
    "jump_id",
    "status",
    "model",
    "opened_at",
    "first_text_at",
    "closed_at",
    "input_tokens",
    "output_tokens",
    "error",
    "receipt",
    "idempotency_key",
)
_ADD_TURN = insert_into(turns, *_OF_TURN).returning(turns.c.id)
_ADD_MARK = insert_into(turn_marks, "turn_id", "session_key", "mark", "rating")
_SET_TIP = sa.update(turns).where(turns.c.id == sa.bindparam("turn_id")).values(tip_id=sa.bindparam("tip"))
_IDS = (
    sa.select(turns.c.id, turns.c.depth, turns.c.jump_id)
    .where(turns.c.session_key == sa.bindparam("key"))
    .order_by(turns.c.id)
)


@dataclass(frozen=True, slots=True)
class Node:
    """A turn that is in the store, as far as its children need it."""

    id: int
    depth: int
    jump: "Node | None"


@dataclass(frozen=True, slots=True)
class Into:
    """Where turns go, and what counts them; `texts` are new numbers of versions of texts, by kind and old number.

    `stopped` says whether to end.
    """

    transaction: Transaction
    owner: str
    counted: Added
    stopped: Callable[[], bool]
    key: int = 0
    texts: Mapping[tuple[str, int], int] = field(default_factory=dict)

    def of(self, key: int, texts: Mapping[tuple[str, int], int] | None = None) -> "Into":
        """The same for a session."""
        return replace(self, key=key, texts=texts or {})


def nodes_of(transaction: Transaction, key: int) -> list[Node]:
    """The turns that a session has, in the order in which they were made."""
    found: dict[int, Node] = {}
    for turn_id, depth, jump in transaction.rows(_IDS, {"key": key}):
        found[turn_id] = Node(turn_id, depth, found.get(jump))
    return [*found.values()]


def add_turns(
    into: Into, talk: Talk, there: Sequence[Node | None], between: Sequence[tuple[int, TalkMessage]]
) -> list[Node]:
    """Add the turns that are not `there` yet, and what is to be told `between` them.

    It gives the nodes of all turns. Raises TextRefused, Stopped.
    """
    told = deque(between)
    nodes: list[Node] = []
    for place, turn in enumerate(talk.turns):
        if place % STEP == 0 and into.stopped():
            raise Stopped
        _tell(into, talk, told, place)
        known = there[place]
        nodes.append(known or _add_turn(into, talk, turn, None if turn.parent is None else nodes[turn.parent]))
    _tell(into, talk, told, len(talk.turns))
    tips = [
        {"turn_id": node.id, "tip": nodes[turn.tip].id}
        for node, turn, known in zip(nodes, talk.turns, there, strict=True)
        if turn.tip is not None and known is None
    ]
    into.transaction.change_all(_SET_TIP, tips)
    return nodes


def _tell(into: Into, talk: Talk, told: deque[tuple[int, TalkMessage]], before: int) -> None:
    """Add the system messages that stand before a turn, and take them off."""
    while told and told[0][0] <= before:
        _, said = told.popleft()
        into.transaction.change(ADD_MESSAGE, _message_row(said, 0, talk.created_at, session_key=into.key))


def _add_turn(into: Into, talk: Talk, turn: TalkTurn, parent: Node | None) -> Node:
    depth, jump = (1, None) if parent is None else (parent.depth + 1, _jump(parent))
    ancestors = {"parent_id": parent and parent.id, "depth": depth, "jump_id": jump and jump.id}
    turn_id = int(into.transaction.value(_ADD_TURN, {"session_key": into.key, **ancestors, **_turn_row(into, turn)}))
    rows = [_message_row(said, place, turn.opened_at, turn_id=turn_id) for place, said in enumerate(turn.messages)]
    into.transaction.change_all(ADD_MESSAGE, rows)
    if turn.mark is not None or turn.rating is not None:
        mark = {"turn_id": turn_id, "session_key": into.key, "mark": turn.mark and turn.mark.value}
        into.transaction.change(_ADD_MARK, mark | {"rating": turn.rating})
    if turn.data is not None:
        keep_data(into.transaction, into.key, turn_id, json.dumps(dict(turn.data), ensure_ascii=False))
    if is_own(talk, turn):
        _count(into, turn)
    return Node(turn_id, depth, jump)


def is_own(talk: Talk, turn: TalkTurn) -> bool:
    """Whether a turn was made in this session, and not copied with the others from the session it was forked from."""
    return talk.forked_from is None or turn.opened_at >= talk.created_at


def _jump(parent: Node) -> Node:
    """As far as the parent's jump jumps, where its own was as long as its parent's; else just to the parent."""
    jump = parent.jump
    if jump is not None and jump.jump is not None and parent.depth - jump.depth == jump.depth - jump.jump.depth:
        return jump.jump
    return parent


def _turn_row(into: Into, turn: TalkTurn) -> dict[str, Any]:
    receipt = _renumbered(turn.receipt, into.texts)
    return {
        "status": turn.status.value,
        "model": checked(turn.model),
        "opened_at": to_microseconds(turn.opened_at),
        "first_text_at": microseconds(turn.first_text_at),
        "closed_at": to_microseconds(turn.closed_at or turn.opened_at),
        "input_tokens": turn.input_tokens,
        "output_tokens": turn.output_tokens,
        "error": _kept(turn.error),
        "receipt": None if receipt is None else checked(to_json(receipt)),
        "idempotency_key": _kept(turn.idempotency_key),
    }


def _renumbered(receipt: Any, texts: Mapping[tuple[str, int], int]) -> Any:
    """The receipt with the numbers that versions of texts have here."""
    if not texts or not isinstance(receipt, dict):
        return receipt
    return receipt | {kind: new for (kind, old), new in texts.items() if receipt.get(kind) == old}


def _message_row(said: TalkMessage, position: int, at: datetime, **belongs: int) -> dict[str, Any]:
    return {
        "turn_id": None,
        "session_key": None,
        **belongs,
        "position": position,
        "sender": said.sender.value,
        "content": checked(said.content),
        "timestamp": to_microseconds(said.at or at),
        "full": None if said.full is None else checked(to_json(said.full)),
    }


def _count(into: Into, turn: TalkTurn) -> None:
    prompt, reply = (
        sum(len(said.content) for said in turn.messages if said.sender is sender)
        for sender in (Sender.HUMAN, Sender.AI)
    )
    ended = Ended(into.owner, into.key, turn.model, turn.opened_at, turn.closed_at or turn.opened_at, prompt, reply)
    outcome = Outcome(
        turn.status,
        tuple(Message(said.sender, "") for said in turn.messages[1:]),
        first_text_at=turn.first_text_at,
        input_tokens=turn.input_tokens,
        output_tokens=turn.output_tokens,
    )
    into.counted.turn(ended, outcome)


def _kept(text: str | None) -> str | None:
    return None if text is None else checked(text)


def microseconds(moment: datetime | None) -> int | None:
    return None if moment is None else to_microseconds(moment)
