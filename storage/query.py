"""What a person typed into a search, understood: whatever it is, it is a search and never an error.

A word finds that word; `begin*`, with three characters or more, finds the words that begin so; `"a phrase"` finds words
next to each other. All of it must be in the same text, in any order. What is written without a space, such as e-mail,
is a phrase. In scripts without spaces any part of the text is found.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from storage.words import fold, is_in_word, is_spaceless, parts, words_of_part

SHORTEST_PREFIX = 3
"""In characters: what begins with fewer is too much to be of use."""

MOST_WORDS = 64
"""How many words of what was typed count."""

_CHUNKS = re.compile(r'["“”„«»]([^"“”„«»]*)["“”„«»]|([^\s"“”„«»]+)')


@dataclass(frozen=True)
class Term:
    """Words that stand next to each other; with `prefix` the last one need only begin so.

    `parts` are the words before the scripts without spaces were taken apart.
    """

    parts: tuple[str, ...]
    prefix: bool = False

    @cached_property
    def words(self) -> tuple[str, ...]:
        found = [word for part in self.parts for word in words_of_part(part)]
        # The text may go on after it, so the last character alone need not be a word there.
        return tuple(found[:-1] if is_spaceless(self.parts[-1]) and len(self.parts[-1]) > 1 else found)

    @cached_property
    def any_ending(self) -> bool:
        """Whether the last of the words need only begin so: also a single character of a script without spaces."""
        return self.prefix or (len(self.words[-1]) == 1 and is_spaceless(self.words[-1]))

    def places(self, folded: str) -> Iterator[tuple[int, int]]:
        """Where it stands in a folded text: beginnings and ends, in order."""
        at = folded.find(self.parts[0])
        while at >= 0:
            end = self._end(folded, at)
            if end is not None:
                yield at, end
            at = folded.find(self.parts[0], end or at + 1)

    def _end(self, folded: str, at: int) -> int | None:
        """Where it ends if it begins at `at`; None if it does not stand there."""
        before = ""
        for part in self.parts:
            start = _next_word(folded, at) if before else at
            if not folded.startswith(part, start) or not _begins(folded, start, part, apart=start > at, before=before):
                return None
            at, before = start + len(part), part
        if self.prefix:
            while at < len(folded) and _joins(folded[at]):
                at += 1
        return at if is_spaceless(before) or at == len(folded) or not _joins(folded[at]) else None


@dataclass(frozen=True)
class Query:
    """The terms, all of which a text must hold. Without any, nothing was asked that could be found."""

    terms: tuple[Term, ...]

    def places(self, folded: str) -> list[tuple[int, int, int]]:
        """Where the terms stand in a folded text: beginning, end, and the number of the term; in order."""
        return sorted(
            (start, end, number) for number, term in enumerate(self.terms) for start, end in term.places(folded)
        )

    def widened(self) -> "Query":
        """The same, with every word that is long enough as the beginning of a word."""
        return Query(tuple(replace(term, prefix=_can_begin(term)) for term in self.terms))

    def open_ended(self) -> "Query":
        """The same, with the last word as the beginning of one: somebody is still typing it."""
        *before, last = self.terms or (None,)
        typed = replace(last, prefix=not is_spaceless(last.parts[-1])) if last else None
        return Query(tuple(term for term in (*before, typed) if term))


def understood(typed: str) -> Query:
    return Query(tuple(_within_limit(_terms(typed))))


def _terms(typed: str) -> Iterator[Term]:
    for chunk in _CHUNKS.finditer(typed):
        text = chunk[1] if chunk[1] is not None else chunk[2]
        if found := tuple(parts(fold(text))):
            term = Term(found)
            yield replace(term, prefix=text.rstrip().endswith("*") and _can_begin(term))


def _within_limit(terms: Iterable[Term]) -> Iterator[Term]:
    room = MOST_WORDS
    for term in terms:
        kept = []
        for part in term.parts:
            if room > 0:
                # Each two characters of a script without spaces are a word.
                kept.append(part[: room + 1] if is_spaceless(part) else part)
                room -= len(kept[-1]) if is_spaceless(part) else 1
        if kept:
            yield replace(term, parts=tuple(kept), prefix=term.prefix and len(kept) == len(term.parts))


def _can_begin(term: Term) -> bool:
    return len(term.parts[-1]) >= SHORTEST_PREFIX and not is_spaceless(term.parts[-1])


def _begins(folded: str, start: int, part: str, *, apart: bool, before: str) -> bool:
    """Whether a part that stands there begins there, and is apart from the one before where it has to be."""
    if before:
        return apart or is_spaceless(part) != is_spaceless(before)
    return is_spaceless(part) or start == 0 or not _joins(folded[start - 1])


def _next_word(folded: str, at: int) -> int:
    while at < len(folded) and not is_in_word(folded[at]):
        at += 1
    return at


def _joins(character: str) -> bool:
    """Whether a word goes on with it."""
    return is_in_word(character) and not is_spaceless(character)
