"""From text to the words by which it is found: the same for both engines, in any script.

Text is folded first: letters of any form and case become one, and the points and accents that people leave out when
they type are dropped. Its words are then the runs of letters, digits and marks. Scripts that put no space between words
give every pair of neighbouring characters instead, and the last character alone: so any part of such text is found.
"""

import re
import sys
import unicodedata
from collections.abc import Iterator
from functools import cache

LONGEST_WORD = 64
"""Of a longer word, only so many characters count."""

MOST_BYTES = 1_000_000
"""How much of one text is found: until its different words take so many bytes. PostgreSQL keeps no more in a row."""

# Combining accents, points of Hebrew and Arabic, and characters without a width.
_DROPPED = re.compile(
    "[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
    "\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed"
    "\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u20e3\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff]"
)
# Letters that differ from others by more than a mark of their own, but are typed without it all the same.
_PLAIN = {"ł": "l", "đ": "d", "ø": "o", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe"}
_SPACELESS = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1100-\u11ff\uac00-\ud7ff"  # Korean: it has spaces, but what is glued to a word is as long as many words
    "\u1000-\u109f\u1780-\u17ff\ua9e0-\ua9ff\uaa60-\uaa7f"  # Myanmar, Khmer
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"  # Japanese
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Chinese characters
)
_PARTS = re.compile(f"[{_SPACELESS}]+|[^{_SPACELESS}]+")
_IS_SPACELESS = re.compile(f"[{_SPACELESS}]")
_ASCII_WORDS = re.compile("[a-z0-9]+")


def fold(text: str) -> str:
    """The text with everything dropped that a search takes no notice of."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text)
    if "\u0306" in apart:  # The accent of й makes another letter of it.
        apart = apart.replace("\u0438\u0306", "\u0439").replace("\u0418\u0306", "\u0419")
    bare = _DROPPED.sub("", apart)
    folded = unicodedata.normalize("NFC", bare).casefold()
    for letter, plain in _PLAIN.items():
        if letter in folded:
            folded = folded.replace(letter, plain)
    return folded


def words(text: str) -> list[str]:
    """The words of a text, in their order."""
    folded = fold(text)
    found = _words(folded)
    # A word has at most two characters of four bytes for each one of the text.
    return found if len(folded) < MOST_BYTES // 8 else list(_within_limit(found))


def _words(folded: str) -> list[str]:
    if folded.isascii():
        found = _ASCII_WORDS.findall(folded)
        return found if len(folded) <= LONGEST_WORD else [word[:LONGEST_WORD] for word in found]
    return [word for part in parts(folded) for word in words_of_part(part)]


def parts(folded: str) -> list[str]:
    """The words of a folded text, with the runs of characters of scripts without spaces whole."""
    if folded.isascii():
        return _ASCII_WORDS.findall(folded)
    runs: list[str] = _runs().findall(folded.replace("_", " "))
    return [part for run in runs for part in _PARTS.findall(run)] if _IS_SPACELESS.search(folded) else runs


def words_of_part(part: str) -> list[str]:
    """One word as a rule; of a run without spaces every two neighbouring characters, and the last one."""
    return [part[place : place + 2] for place in range(len(part))] if is_spaceless(part) else [part[:LONGEST_WORD]]


def is_spaceless(part: str) -> bool:
    return _IS_SPACELESS.match(part) is not None


def is_in_word(character: str) -> bool:
    return character.isalnum() or (character >= "\u0300" and unicodedata.category(character)[0] == "M")


def _within_limit(found: list[str]) -> Iterator[str]:
    room, seen = MOST_BYTES, set[str]()
    for word in found:
        if word not in seen:
            seen.add(word)
            room -= len(word.encode())
        if room < 0:
            return
        yield word


def letters_of(text: str) -> list[str]:
    """Its characters, each with the marks that follow it, those of half-width Japanese too."""
    return _letters().findall(text)


@cache
def _letters() -> re.Pattern[str]:
    return re.compile(f"(?s:.)[{_marks()}\uff9e\uff9f]*")


@cache
def _runs() -> re.Pattern[str]:
    # Python's \w has the letters and digits of all scripts, but not their marks.
    return re.compile(f"[\\w{_marks()}]+")


@cache
def _marks() -> str:
    """All marks, as ranges of a regular expression. Looked up once, at the first text that is not plain ASCII."""
    points = [point for point in range(0x300, sys.maxunicode) if unicodedata.category(chr(point))[0] == "M"]
    ranges: list[list[int]] = []
    for point in points:
        if ranges and point == ranges[-1][1] + 1:
            ranges[-1][1] = point
        else:
            ranges.append([point, point])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)
