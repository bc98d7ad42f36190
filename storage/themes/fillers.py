"""The words that say nothing of what a text is about.

Lists of them exist for many languages, but what is nothing in one is something in another: “die” is an article in
German only. So a text has the language of which it holds the most such words, and these are its fillers.
"""

import re
from collections import Counter
from functools import cache
from itertools import chain

from storage.words import fold, is_spaceless, parts

_KOREAN = re.compile("[\u1100-\u11ff\uac00-\ud7ff]")
_GRAMMAR = re.compile("[\u3040-\u309f\u30fc]+")
"""Hiragana: what Japanese writes in nothing else is mostly endings."""


def units_of(part: str) -> list[str]:
    """What is counted of one of the `parts` of a text: a word; without spaces every two neighbours, as the search has.

    Korean has spaces, and what is glued to a word stands at its end: of that it is the first two characters.
    """
    if not is_spaceless(part):
        return [part]
    if _KOREAN.match(part):
        return [part[:2]]
    return [part[place : place + 2] for place in range(max(1, len(part) - 1))]


def fillers_of(units: frozenset[str]) -> set[str]:
    """Those of a text's words that are on the list of its language; of all that may be it, where it is not clear."""
    languages = _languages()
    listed = languages.keys() & units
    votes = Counter(chain.from_iterable(map(languages.__getitem__, listed)))
    most = max(votes.values(), default=0)
    likely = {language for language, count in votes.items() if count == most}
    return {unit for unit in listed if not likely.isdisjoint(languages[unit])}


def is_grammar(unit: str) -> bool:
    """Whether it is made of nothing but what is a filler by itself, in scripts without spaces."""
    return is_spaceless(unit) and (_GRAMMAR.fullmatch(unit) is not None or _single().issuperset(unit))


@cache
def _languages() -> dict[str, tuple[str, ...]]:
    """Each filler, and in which languages it is one. Made at the first use, which takes a tenth of a second."""
    import stopwordsiso  # noqa: PLC0415 - it reads all lists when it is imported

    found: dict[str, list[str]] = {}
    for language in sorted(stopwordsiso.langs()):
        words = stopwordsiso.stopwords(language)
        for unit in {unit for word in words for part in parts(fold(word)) for unit in units_of(part)}:
            found.setdefault(unit, []).append(language)
    return {unit: tuple(languages) for unit, languages in found.items()}


@cache
def _single() -> frozenset[str]:
    return frozenset(unit for unit in _languages() if len(unit) == 1 and is_spaceless(unit))
