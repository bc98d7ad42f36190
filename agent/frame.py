"""Turns as a data frame, for notebooks."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from agent.receipt import Receipt
from storage import Turn

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = (
    "turn",
    "opened_at",
    "model",
    "status",
    "prompt",
    "reply",
    "seen",
    "left_out",
    "tokens_in",
    "tokens_out",
    "seconds",
)


def to_frame(turns: Iterable[Turn]) -> "pd.DataFrame":
    """One row a turn, in order.

    `seen` counts the turns in the context and `left_out` the others of the path; `seconds` is the time from the prompt
    to the end of the reply, `tokens_in` and `tokens_out` are as the model's server counted. What is not known is NA.
    """
    import pandas as pd  # noqa: PLC0415 - half a second that only notebooks need

    rows = [_row(turn) for turn in turns]
    frame = pd.DataFrame(rows, columns=[*_COLUMNS])
    return frame.astype(dict.fromkeys(("seen", "left_out", "tokens_in", "tokens_out"), "Int64")).set_index("turn")


def _row(turn: Turn) -> tuple[object, ...]:
    receipt = Receipt.of(turn)
    return (
        turn.depth,
        turn.opened_at,
        turn.model,
        str(turn.status),
        turn.prompt,
        turn.reply,
        receipt.turns if receipt else None,
        sum(receipt.left_out.values()) if receipt else None,
        turn.input_tokens,
        turn.output_tokens,
        turn.duration.total_seconds() if turn.duration else None,
    )
