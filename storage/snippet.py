"""A few lines of a text around what was found in it, with the places marked."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

from storage.query import Query
from storage.words import fold, letters_of

LENGTH = 200
"""Of a snippet, in characters."""

BEFORE = 60
"""How much of that stands before the first place, at the most."""

MOST_PLACES = 50
"""From so many of the first places the snippet is chosen."""

Spot = tuple[int, int, int]
"""Where something begins and ends, and the number of the term."""


@dataclass(frozen=True, slots=True)
class Snippet:
    """`pieces` of text in their order, each with whether it is what was searched for. White space is single spaces."""

    pieces: tuple[tuple[str, bool], ...]

    @property
    def text(self) -> str:
        return "".join(text for text, _ in self.pieces)

    def marked(self, begin: str, end: str) -> str:
        """The text with something before and after each place."""
        return "".join(f"{begin}{text}{end}" if is_hit else text for text, is_hit in self.pieces)


def snippet(query: Query, text: str) -> Snippet:
    """The part of the text that holds the most of what was asked for; its beginning where that stands nowhere."""
    text = " ".join((text if text.isascii() else unicodedata.normalize("NFC", text)).split())
    folded = fold(text)
    places = _apart(_in_text(text, folded, query.places(folded)))
    start = _start(text, places)
    end = _end(text, start)
    pieces = _pieces(text, start, end, [place for place in places if start <= place[0] and place[1] <= end])
    before, after = "…" if start else "", "…" if end < len(text) else ""
    return Snippet(tuple(piece for piece in [(before, False), *pieces, (after, False)] if piece[0]))


def _in_text(text: str, folded: str, places: list[Spot]) -> list[Spot]:
    """The places in the text itself. Where no letter changed its length they are the same."""
    if text.isascii() or (
        len(text) == len(folded) and all(fold(text[start:end]) == folded[start:end] for start, end, _ in places)
    ):
        return places
    letters = letters_of(text)
    folds = [_fold_letter(letter) for letter in letters]
    if "".join(folds) != folded:
        return []  # Letters that make one together: such a text is shown without its places marked.
    ends = [*accumulate(map(len, letters))]
    # For each character of the folded text, the letter it came from.
    origin = [at for at, letter in enumerate(folds) for _ in letter]
    return [
        (ends[origin[start]] - len(letters[origin[start]]), ends[origin[end - 1]], term) for start, end, term in places
    ]


@lru_cache(maxsize=4096)
def _fold_letter(letter: str) -> str:
    return fold(letter)


def _apart(places: list[Spot]) -> list[Spot]:
    """Without those that begin inside of another."""
    kept: list[Spot] = []
    for place in places:
        if not kept or place[0] >= kept[-1][1]:
            kept.append(place)
    return kept


def _start(text: str, places: list[Spot]) -> int:
    """Where the snippet begins: so that as many different terms as can be are in it, and the first of them soon."""
    if not places or len(text) <= LENGTH:
        return 0
    first = max(places[:MOST_PLACES], key=lambda place: (_held(places, place[0]), -place[0]))[0]
    wish = max(0, min(first - BEFORE, len(text) - LENGTH))
    return text.find(" ", wish, first) + 1 if wish else 0


def _held(places: list[Spot], begin: int) -> int:
    """How many of the terms stand in a snippet whose first place is that."""
    return len({term for start, _, term in places if begin <= start < begin + LENGTH - BEFORE})


def _end(text: str, start: int) -> int:
    if len(text) <= start + LENGTH:
        return len(text)
    space = text.rfind(" ", start + LENGTH - BEFORE, start + LENGTH)
    return space if space > 0 else start + LENGTH


def _pieces(text: str, start: int, end: int, places: list[Spot]) -> Iterator[tuple[str, bool]]:
    for place_start, place_end, _ in places:
        yield text[start:place_start], False
        yield text[place_start:place_end], True
        start = place_end
    yield text[start:end], False
