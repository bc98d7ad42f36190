"""From what is counted to what one can read: the words that always stand together, and how they are written."""

from collections import Counter
from collections.abc import Iterable, Iterator

from storage.query import understood
from storage.snippet import snippet
from storage.words import is_in_word, is_spaceless

ALWAYS = 2 / 3
"""A word goes with its neighbour if it has it in so many of the prompts."""

LONGEST = 12
"""In characters, without spaces."""

LOOKED_AT = 200
"""How many prompts say what stands beside a word."""

FORMS = 10
"""How many prompts say how it is written."""

_BETWEEN = frozenset(" -_.'’")
"""What may stand between two words of a theme: a search reads it as no more than that, and so does a page."""


def line_of(said: Iterable[str]) -> str:
    """A text as the next functions read it: its parts, with a space before and after each."""
    return f" {' '.join(said)} "


def holds(line: str, text: str) -> bool:
    return (text if is_spaceless(text) else f" {text} ") in line


def grown(unit: str, lines: list[str], fillers: set[str]) -> str:
    """The word with the one that goes with it, if there is one that is no filler; without spaces with all that does.

    `lines` hold it; the same text twice would say no more than once.
    """
    read = list(dict.fromkeys(lines))[:LOOKED_AT]
    if not is_spaceless(unit):
        return _joined(unit, read, fillers) or unit
    while len(unit) < LONGEST and (longer := _longer(unit, read)):
        unit = longer
    return unit


def _joined(word: str, lines: list[str], fillers: set[str]) -> str | None:
    before: Counter[str] = Counter()
    after: Counter[str] = Counter()
    for line in lines:
        at = line.find(f" {word} ")
        before[line[:at].rpartition(" ")[2]] += 1
        after[line[at + len(word) + 2 :].partition(" ")[0]] += 1
    found = [
        *((count, f"{other} {word}") for other, count in before.items() if _goes(other, fillers)),
        *((count, f"{word} {other}") for other, count in after.items() if _goes(other, fillers)),
    ]
    return _most(found, len(lines))


def _goes(other: str, fillers: set[str]) -> bool:
    return bool(other) and other not in fillers and not is_spaceless(other)


def _longer(run: str, lines: list[str]) -> str | None:
    """With the character that goes with it, before or after."""
    places = [(line, line.find(run)) for line in lines if run in line]
    before = Counter(line[at - 1] for line, at in places)
    after = Counter(line[at + len(run)] for line, at in places)
    found = [
        *((count, other + run) for other, count in before.items() if is_spaceless(other)),
        *((count, run + other) for other, count in after.items() if is_spaceless(other)),
    ]
    return _most(found, len(lines))


def _most(found: list[tuple[int, str]], of: int) -> str | None:
    count, text = max(found, default=(0, ""))
    return text if count > 1 and count >= ALWAYS * of else None


def as_written(text: str, prompts: Iterable[str]) -> str:
    """The form that most of the prompts have it in; the words themselves where that can't be told."""
    forms = Counter(form for prompt in prompts for form in _forms(text, prompt))
    return forms.most_common(1)[0][0] if forms else text


def _forms(text: str, prompt: str) -> Iterator[str]:
    found = [piece for piece, is_hit in snippet(understood(f'"{text}"'), prompt).pieces if is_hit]
    if found and all(is_in_word(character) or character in _BETWEEN for character in found[0]):
        yield found[0]
