"""The receipt: the stored record of a context, which says what a reply was made from."""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Self

from agent.echo import ECHO
from agent.tokens import MARGIN
from storage import Json, Turn


class Verdict(StrEnum):
    """Whether the model saw all of the context: `complete`, `cut` by its server, or `unknown`."""

    COMPLETE = "complete"
    CUT = "cut"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a reply was made from.

    A path never changes above a turn, so depths name the same turns for ever, in a fork too. `window` is the size asked
    for, in turns; `first` and `last` are the depths of the oldest and newest turn of it in the context, None where
    there is none, and `pinned` those of turns further up that were pinned into it. `turns` counts all in the context.

    Left out were the `beyond_window` turns before the window; the `beyond_budget` ones in it that the model's context
    length left no room for; and those at the depths `excluded` by hand and `empty`, without reply text.

    `messages` counts what the model got, without what it was told of the session: the versions of `system_prompt` and
    `summary`, None where there was none. `parameters` are those that were set. `continued` is how many characters of
    the reply were there before it was continued; `cut_at` gives for turns that were interrupted how many characters of
    their replies were there. `unseen_images` were left to a model that sees none, by their names. An `own_agent`,
    somebody's own, may have told the model more, and asked it more than once: this is what it was given by us first.

    `context_asked` and `context_loaded` are the context lengths asked for and really there, and `estimated` and
    `counted` what we and the model's server made of the messages, all in tokens and None where nobody knows.
    """

    window: int
    first: int | None
    last: int | None
    turns: int
    beyond_window: int
    messages: int
    beyond_budget: int = 0
    empty: tuple[int, ...] = ()
    excluded: tuple[int, ...] = ()
    pinned: tuple[int, ...] = ()
    cut_at: tuple[tuple[int, int], ...] = ()
    system_prompt: int | None = None
    summary: int | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    continued: int = 0
    unseen_images: int = 0
    own_agent: bool = False
    context_asked: int | None = None
    context_loaded: int | None = None
    estimated: int | None = None
    counted: int | None = None
    verdict: Verdict = Verdict.UNKNOWN

    @property
    def context(self) -> int | None:
        """The context length that counted: the one that was there, else the one asked for."""
        return self.context_loaded or self.context_asked

    @property
    def left_out(self) -> dict[str, int]:
        """How many turns of the path were left out, by reason: `window`, `budget`, `excluded`, `empty`."""
        by_hand, empty = len(self.excluded), len(self.empty)
        return {"window": self.beyond_window, "budget": self.beyond_budget, "excluded": by_hand, "empty": empty}

    @property
    def depths(self) -> list[int]:
        """Of the turns in the context, oldest first."""
        row = range(self.first, self.last + 1) if self.first is not None and self.last is not None else ()
        return sorted({*row} - {*self.empty} - {*self.excluded} | {*self.pinned})

    @classmethod
    def plain(cls, window: int, first: int | None, last: int | None, *sizes: int | None) -> Self:
        """That of a context with every turn up to the last, each of a prompt and one reply, and nothing else."""
        turns = 0 if first is None or last is None else last - first + 1
        given: dict[str, Any] = dict(zip(_ROW[_SHORTEST:], sizes, strict=False))
        return cls(window, first, last, turns, (first or 1) - 1, 2 * turns + 1, **given)

    def to_json(self) -> Json:
        """Short, since one is kept with every turn: a plain one as its first numbers, else what differs from that too.

        What the server counted stands with the turn, and the verdict follows from it.
        """
        row = [getattr(self, name) for name in _ROW]
        while len(row) > _SHORTEST and row[-1] is None:
            row.pop()
        usual = self.plain(*row)
        ours = replace(self, counted=None, verdict=Verdict.UNKNOWN)
        if ours == usual:
            return row
        shown = {name: getattr(ours, name) for name in self.__slots__ if name not in _ROW}
        return {"row": row} | {name: value for name, value in shown.items() if value != getattr(usual, name)}

    @staticmethod
    def of(turn: Turn) -> "Receipt | None":
        """That of a stored turn; None for one that has none, or one that was taken in with what is no receipt."""
        try:
            made = Receipt.from_json(turn.receipt)
        except (TypeError, ValueError, KeyError):
            return None
        if made.last is not None and not 0 < (made.first or 0) <= made.last <= turn.depth:
            return None
        return judged(made, model=turn.model, counted=turn.input_tokens, written=turn.output_tokens)

    @classmethod
    def from_json(cls, stored: Json) -> Self:
        """As it was when the reply began."""
        if isinstance(stored, list):
            return cls.plain(*stored)
        given = dict(stored)
        row = given.pop("row", None) or [given.pop(name) for name in _ROW[:_SHORTEST]]
        for name in ("empty", "excluded", "pinned"):
            given[name] = tuple(given.get(name, ()))
        given["cut_at"] = tuple((depth, length) for depth, length in given.get("cut_at", ()))
        return replace(cls.plain(*row), **given)


_ROW = ("window", "first", "last", "context_asked", "context_loaded", "estimated")
_SHORTEST = 3


def judged(
    receipt: Receipt, *, model: str, counted: int | None, written: int | None, loaded: int | None = None
) -> Receipt:
    """The receipt with what the server said afterwards: tokens it counted and wrote, and the context it had loaded."""
    if receipt.own_agent:
        return receipt  # What was counted there is the sum of all its calls.
    known = replace(receipt, counted=counted, context_loaded=loaded or receipt.context_loaded)
    return replace(known, verdict=_verdict(known, model, written or 0))


def _verdict(receipt: Receipt, model: str, written: int) -> Verdict:
    counted, estimated = receipt.counted, receipt.estimated
    if counted is None:
        return Verdict.UNKNOWN
    context = receipt.context
    if context is None or estimated is None:
        # Echo sees all there is; of others it is known only where we know how much they see.
        return Verdict.COMPLETE if model == ECHO else Verdict.UNKNOWN
    if counted + written > context:
        return Verdict.CUT  # A server that goes on past the end of its context drops the beginning while it writes.
    if estimated > context and counted < _SURELY_CUT * estimated:
        return Verdict.CUT
    return Verdict.COMPLETE if _surely_all(receipt, counted, estimated, context) else Verdict.UNKNOWN


def _surely_all(receipt: Receipt, counted: int, estimated: int, context: int) -> bool:
    """Whether nothing can have been cut, for all that estimate and count say of each other."""
    if estimated > context:
        return counted >= _SURELY_ALL * estimated
    # A count clearly above the estimate says that this was too low: who knows what else did not fit?
    too_low = counted > MARGIN * estimated + _TEMPLATE and counted > context / 4
    too_high = receipt.context_loaded is None and counted < _SURELY_CUT * estimated
    return not (too_low or too_high)


_SURELY_ALL, _SURELY_CUT = 0.95, 0.6
"""Shares of our estimate that a server counted; between them nobody can tell."""

_TEMPLATE = 64
"""Tokens that a model's chat template may put before the messages."""
