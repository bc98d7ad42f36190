"""How many tokens a text is: estimated from its characters, corrected by what the model's server counted before."""

import math
import string
import threading
from collections.abc import Callable
from dataclasses import dataclass

PER_MESSAGE = 5
"""Tokens that a model's chat template puts around a message."""

PER_IMAGE = 1000
"""Tokens of an image; models make 256 to 1,600 of one."""

MARGIN = 1.1
"""What has to fit is counted this much larger than it is estimated."""

LEAST, MOST = 0.5, 5.0
"""Between these is every correction: a server that counts less did not count what it had in its cache."""

_BYTE = 0.28
_MORE = (
    (string.ascii_uppercase.encode(), 0.22),  # capitals and hashes are cut into short pieces
    (string.digits.encode(), 0.72),
    (string.punctuation.encode(), 0.52),
    (b"\n\r\t", 0.22),
    (bytes(range(0x80, 0x100)), 0.22),  # so that a letter of two bytes is a token, and one of three one and a half
)
"""Tokens of a byte, and how many more a byte of some kinds is."""


def raw_tokens(text: str) -> float:
    """Rather too many than too few for the tokenizers of the models that people run themselves."""
    data = text.encode("utf-8", "replace")
    more = sum(weight * (len(data) - len(data.translate(None, kind))) for kind, weight in _MORE)
    return _BYTE * len(data) + more


@dataclass(frozen=True, slots=True)
class Room:
    """What a model has room for, in tokens.

    `asked` is the context length that is asked for, `loaded` the one that the server really had when it was last
    looked at, None before; `reply` is to be kept for the reply. `factor` corrects raw estimates.
    """

    asked: int
    loaded: int | None
    reply: int
    factor: float = 1.0

    @property
    def context(self) -> int:
        return min(self.asked, self.loaded or self.asked)

    @property
    def reserve(self) -> int:
        """What is kept for the reply: half of a small context at the most."""
        return min(self.reply, self.context // 2)

    @property
    def for_messages(self) -> float:
        """Raw tokens that the messages may have together."""
        return (self.context - self.reserve) / (MARGIN * self.factor)

    def estimate(self, raw: float) -> int:
        return math.ceil(raw * self.factor)


class Corrections:
    """A factor for each model, learned from what its server counted; `keep` and `known` are its memory."""

    def __init__(self, known: Callable[[str], float | None], keep: Callable[[str, float], None]) -> None:
        self._known = known
        self._keep = keep
        self._factors: dict[str, float | None] = {}
        self._lock = threading.Lock()

    def factor(self, model: str) -> float:
        with self._lock:
            if model not in self._factors:
                self._factors[model] = self._known(model)
            return self._factors[model] or 1.0

    def learn(self, model: str, raw: float, counted: int) -> None:
        """It rises at once and falls by halves: too large an estimate costs turns, too small a one the truth."""
        if raw <= 0 or counted <= 0:
            return
        seen = min(MOST, max(LEAST, counted / raw))
        self.factor(model)
        with self._lock:
            before = self._factors[model]
            self._factors[model] = after = seen if before is None or seen > before else (before + seen) / 2
        if before is None or abs(after - before) > _WORTH_KEEPING * before:
            self._keep(model, after)


_WORTH_KEEPING = 0.02
