"""Those who want to know of every reply that ends, to count them."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from agent.reply import Reply
from storage import Outcome, Status

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ended:
    """A reply that ended: how, how long it took, to its first text and in all, and its tokens where they were counted.

    `first_text` is None where no text came.
    """

    model: str
    status: Status
    first_text: timedelta | None
    duration: timedelta
    input_tokens: int | None
    output_tokens: int | None

    @classmethod
    def of(cls, reply: Reply, outcome: Outcome) -> Self:
        first = None if reply.first_text_at is None else reply.first_text_at - reply.opened_at
        took = datetime.now(UTC) - reply.opened_at
        return cls(reply.model, reply.status, first, took, outcome.input_tokens, outcome.output_tokens)


class Watchers:
    def __init__(self) -> None:
        self._told: list[Callable[[Ended], None]] = []

    def add(self, told: Callable[[Ended], None]) -> None:
        self._told.append(told)

    def tell(self, ended: Ended) -> None:
        """What one of them raises hurts nobody else."""
        for told in self._told:
            try:
                told(ended)
            except Exception:
                log.exception("A reply's end could not be counted.")
