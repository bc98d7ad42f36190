"""Which of some hits are the best: those that say it more often in fewer words (BM25 without the words' rareness).

All of them hold every word that was asked for, so how rare a word is says little; and both engines give one order.
"""

from storage.database import Row
from storage.query import Query
from storage.words import fold

SATURATION = 1.2
"""How soon saying it once more counts for less."""

LENGTH = 0.75
"""How much a long text counts for less."""


def best_first(query: Query, rows: list[Row]) -> list[Row]:
    """Rows that end with their text and came newest first: that stays the order where two are as good."""
    texts = [fold(row[-1]) for row in rows]
    usual = sum(map(len, texts)) / max(1, len(texts)) or 1.0
    scores = [_score(query, text, len(text) / usual) for text in texts]
    return [row for _, row in sorted(zip(scores, rows, strict=True), key=lambda scored: scored[0], reverse=True)]


def _score(query: Query, folded: str, length: float) -> float:
    counts = [sum(1 for _ in term.places(folded)) for term in query.terms]
    return sum(count / (count + SATURATION * (1 - LENGTH + LENGTH * length)) for count in counts)
