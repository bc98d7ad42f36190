"""Finding one's way in the tree of turns: ancestors, and where two paths part, in logarithmic time."""

import sqlalchemy as sa

from storage.database import Transaction
from storage.schema import turns


def _climb_statement() -> sa.Select[tuple[int]]:
    """Climb from `tip` to its ancestor at `depth`, by the long jump wherever it does not overshoot."""
    columns = (turns.c.id, turns.c.parent_id, turns.c.jump_id, turns.c.depth)
    climb = sa.select(*columns).where(turns.c.id == sa.bindparam("tip")).cte("climb", recursive=True)
    jump, higher = turns.alias("jump"), turns.alias("higher")
    depth = sa.bindparam("depth", type_=sa.Integer)
    climb = climb.union_all(
        sa.select(higher.c.id, higher.c.parent_id, higher.c.jump_id, higher.c.depth)
        .select_from(climb)
        .outerjoin(jump, jump.c.id == climb.c.jump_id)
        .join(higher, higher.c.id == sa.case((jump.c.depth >= depth, jump.c.id), else_=climb.c.parent_id))
        .where(climb.c.depth > depth)
    )
    return sa.select(climb.c.id).where(climb.c.depth == depth)


_CLIMB = _climb_statement()
_DEPTH = sa.select(turns.c.depth).where(turns.c.id == sa.bindparam("turn_id"))


def ancestor_at(transaction: Transaction, tip: int, depth: int) -> int | None:
    """The turn at `depth` on the path to `tip`, which may be itself; None where the path is shorter."""
    found: int | None = transaction.value(_CLIMB, {"tip": tip, "depth": depth})
    return found


def depth_of(transaction: Transaction, turn_id: int) -> int:
    depth: int = transaction.value(_DEPTH, {"turn_id": turn_id})
    return depth


def is_on_path(transaction: Transaction, turn_id: int, tip: int | None) -> bool:
    """Whether the path to `tip` leads through the turn."""
    return tip is not None and ancestor_at(transaction, tip, depth_of(transaction, turn_id)) == turn_id


def parting(transaction: Transaction, one: int, other: int) -> int | None:
    """The first depth at which the paths to two turns of a session differ; None where one leads to the other."""
    shared, end = 0, min(depth_of(transaction, one), depth_of(transaction, other))
    if ancestor_at(transaction, one, end) == ancestor_at(transaction, other, end):
        return None
    while end - shared > 1:
        middle = (shared + end) // 2
        if ancestor_at(transaction, one, middle) == ancestor_at(transaction, other, middle):
            shared = middle
        else:
            end = middle
    return end
