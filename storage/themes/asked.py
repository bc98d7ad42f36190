"""The prompts that themes are made of: all of a range, or an even share of them, chosen by the number of their turn.

Which turns there are stands in indexes, so that only those that are chosen are read.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import sqlalchemy as sa

from storage.database import Row, Transaction
from storage.schema import messages, sessions, turns

MOST = 3_000
"""About how many prompts are read; where there are more, every so-manieth is."""

LENGTH = 800
"""How much of a prompt is read, in bytes of UTF-8: what it is about stands at its beginning."""

EARLIEST, LATEST = -(2**63), 2**63 - 1

_HEAD = turns.alias("head")

# The golden ratio spreads numbers that follow each other evenly, whatever the step between them (Knuth 6.4).
_ALL = 2**32
_CHANCE = (
    (turns.c.id % sa.literal_column("2147483648")) * sa.literal_column("2654435761") % sa.literal_column(str(_ALL))
)


_IS_NO_COPY = turns.c.opened_at >= sessions.c.created_at


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose prompts, of one session or of all that are not archived, and from when to when, in microseconds.

    `is_past` says that sessions may have begun after `until`.
    """

    owner: str
    session_key: int | None
    since: int
    until: int
    is_past: bool

    @property
    def kind(self) -> "_Kind":
        return _Kind(self.session_key is not None, self.is_past)


@dataclass(frozen=True, slots=True)
class _Kind:
    """By what scopes differ in what they ask the database for."""

    is_one: bool
    is_past: bool


@dataclass(frozen=True, slots=True)
class Prompt:
    """When it was asked, in microseconds, and its beginning."""

    moment: int
    text: str


@dataclass(frozen=True, slots=True)
class Asked:
    """Prompts, the earliest first. `share` is how much of all of them this is: 1 for all."""

    prompts: tuple[Prompt, ...]
    share: float


def asked(transaction: Transaction, scope: Scope) -> Asked:
    """The prompts of the active paths. Those of a fork count where they were asked, unless it alone is looked at."""
    kind = scope.kind
    terms = {"owner": scope.owner, "key": scope.session_key, "since": scope.since, "until": scope.until}
    count = transaction.value(_count(kind), terms) or 0
    chosen = _ALL if count <= MOST else _ALL * MOST // count
    terms["chosen"] = chosen
    rows = transaction.rows(_read(kind), terms)
    if not all(is_only_path for *_, is_only_path in rows):
        rows = _on_path(transaction, kind, terms, rows)
    return Asked(tuple(Prompt(moment, _beginning(text)) for moment, _, text, _ in sorted(rows)), chosen / _ALL)


def _beginning(text: str) -> str:
    """Scripts that say more in a character have longer ones."""
    return text if text.isascii() else text.encode()[:LENGTH].decode(errors="ignore")


def _on_path(transaction: Transaction, kind: _Kind, terms: dict[str, Any], rows: list[Row]) -> list[Row]:
    """Those rows that are on the active path of their session, looked for where it has branches."""
    found = {turn_id for (turn_id,) in transaction.rows(_climb(kind), terms)}
    return [row for row in rows if row[-1] or row[1] in found]


def _of_sessions(kind: _Kind) -> list[sa.ColumnElement[bool]]:
    """What a session must be to have such turns."""
    mine = sessions.c.owner == sa.bindparam("owner")
    if kind.is_one:
        return [mine, sessions.c.id == sa.bindparam("key")]
    # Both places of the list are named, pinned or not, so that each is looked up from its newest end.
    places = (sa.not_(sessions.c.archived), sessions.c.pinned.in_((sa.false(), sa.true())))
    used = [mine, *places, sessions.c.last_activity >= sa.bindparam("since")]
    return [*used, sessions.c.created_at <= sa.bindparam("until")] if kind.is_past else used


@cache
def _count(kind: _Kind) -> sa.Select[Any]:
    """About how many turns there are: as a rule each has two messages, whose number an index knows."""
    counted = sa.func.sum(sessions.c.message_count if not kind.is_one else 2 * sessions.c.turn_count)
    return sa.select(sa.cast(counted, sa.BigInteger) // 2).where(*_of_sessions(kind))


def _chosen(kind: _Kind) -> tuple[sa.FromClause, list[sa.ColumnElement[bool]]]:
    of_sessions = _of_sessions(kind)
    # By themselves at first, which an index can tell without the turns. PostgreSQL takes a range for a few rows.
    picked = sa.select(turns.c.id).join(sessions).where(*of_sessions, _CHANCE.between(0, sa.bindparam("chosen")))
    conditions = [
        turns.c.id.in_(picked),
        turns.c.status != "running",
        turns.c.opened_at.between(sa.bindparam("since"), sa.bindparam("until")),
        *([] if kind.is_one else [sa.or_(sessions.c.forked_from.is_(None), _IS_NO_COPY)]),
    ]
    return turns.join(sessions).join(_HEAD, _HEAD.c.id == sessions.c.head_id), conditions


@cache
def _read(kind: _Kind) -> sa.Select[Any]:
    source, conditions = _chosen(kind)
    text = sa.func.substr(messages.c.content, 1, LENGTH)
    return (
        # Without a branch, a session has as many turns as its path is long.
        sa.select(turns.c.opened_at, turns.c.id, text, _HEAD.c.depth == sessions.c.turn_count)
        .select_from(source.join(messages, messages.c.turn_id == turns.c.id))
        .where(*conditions, messages.c.position == 0, messages.c.sender == "Human")
    )


@cache
def _climb(kind: _Kind) -> sa.Select[Any]:
    """As `storage.tree` climbs, for all of them at once: from each head to the depth of each turn that was chosen."""
    source, conditions = _chosen(kind)
    wanted = (turns.c.id.label("wanted"), turns.c.depth.label("at"))
    begin = sa.select(*wanted, *_places(_HEAD)).select_from(source)
    climb = begin.where(*conditions, _HEAD.c.depth != sessions.c.turn_count).cte("climb", recursive=True)
    jump, higher = turns.alias("jump"), turns.alias("higher")
    climb = climb.union_all(
        sa.select(climb.c.wanted, climb.c.at, *_places(higher))
        .select_from(climb)
        .outerjoin(jump, jump.c.id == climb.c.jump_id)
        .join(higher, higher.c.id == sa.case((jump.c.depth >= climb.c.at, jump.c.id), else_=climb.c.parent_id))
        .where(climb.c.depth > climb.c.at)
    )
    return sa.select(climb.c.wanted).where(climb.c.id == climb.c.wanted)


def _places(of: Any) -> tuple[sa.ColumnElement[Any], ...]:
    return of.c.id, of.c.parent_id, of.c.jump_id, of.c.depth
