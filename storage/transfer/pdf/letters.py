"""Letters: which of them can be printed at all, which need shaping, and what those without a font are called."""

import re
import unicodedata
from collections.abc import Iterable

from fpdf.unicode_script import UnicodeScript, get_unicode_script

_UNPRINTED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0e\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)
_LINE_ENDS = re.compile("\r\n?|[\u2028\u2029\x85]")
_PICTURES = {**{chr(code): chr(0x2400 + code) for code in range(0x20)}, "\x7f": "\u2421"}
"""Signs that stand for controls."""

_LOST = re.compile("[\x80-\x9f\ud800-\udfff]")
"""What is no character."""


_LEFTWARDS = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")
_SHAPED = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0590-\u109f\u1100-\u11ff\u135d-\u135f\u1700-\u18af\u1900-\u1cff\u1dc0-\u1dff"
    "\u200c\u200d\u20d0-\u20ff\ua800-\uabff\ufb1d-\ufdff\ufe0f\ufe20-\ufe2f\ufe70-\ufefc"
    "\U00010800-\U00011fff\U0001e000-\U0001efff\U0001f000-\U0001faff]"
)
_JOINING = {"\u200c", "\u200d", "\ufe0f"}

_EMOJI = range(0x1F000, 0x1FB00)
_NO_SCRIPTS = {"COMMON", "INHERITED", "UNKNOWN"}
_CALLED = {"HAN": "Chinese characters", "LATIN": "rarer Latin letters"}
_MOST_NAMED = 5


def printable(text: str) -> str:
    """The text without what has no picture: controls are shown by the signs that stand for them."""
    if text.isascii() and text.isprintable():
        return text
    return _UNPRINTED.sub(_shown, _LINE_ENDS.sub("\n", text))


def _shown(found: re.Match[str]) -> str:
    letter = found.group()
    return _PICTURES.get(letter) or ("\ufffd" if _LOST.match(letter) else "")


def is_shaped(text: str) -> bool:
    """Whether letters change by their neighbours, or stand above each other."""
    return not text.isascii() and _SHAPED.search(text) is not None


def has_leftwards(text: str) -> bool:
    """Whether any of its letters is read from right to left."""
    return not text.isascii() and _LEFTWARDS.search(text) is not None


def runs_left(text: str) -> bool:
    """Whether a text is read from right to left, by its first letter that says so."""
    if text.isascii():
        return False
    kinds = (unicodedata.bidirectional(letter) for letter in text)
    return next((kind for kind in kinds if kind in {"L", "R", "AL"}), "L") != "L"


def joins(letter: str) -> bool:
    """Whether it has no picture of its own, and only changes its neighbours."""
    return letter in _JOINING


def is_mark(letter: str) -> bool:
    """Whether it stands on the letter before it."""
    return not letter.isascii() and unicodedata.category(letter)[0] == "M"


def stays(letter: str, *, mono: bool) -> bool:
    """Whether it is drawn in the font of the letter before it: a mark, or, where columns don't matter, any sign."""
    return is_mark(letter) or not (mono or letter.isalnum())


def is_emoji(letter: str) -> bool:
    return ord(letter) in _EMOJI


def names_of(letters: Iterable[str]) -> tuple[str, ...]:
    """What people call them: scripts, emoji, and single characters by their numbers."""
    found = list(dict.fromkeys(_name_of(letter) for letter in sorted(letters)))
    scripts = sorted(name for name in found if not name.startswith("U+"))
    single = [name for name in found if name.startswith("U+")]
    if len(single) > _MOST_NAMED:
        single = [*single[:_MOST_NAMED], f"{len(single) - _MOST_NAMED:,} other characters"]
    return tuple(scripts + single)


def _name_of(letter: str) -> str:
    if is_emoji(letter):
        return "emoji"
    script: str = get_unicode_script(letter).name
    name = unicodedata.name(letter, "")
    if script in _NO_SCRIPTS and name.partition(" ")[0] in UnicodeScript.__members__:
        script = name.partition(" ")[0]
    if script in _NO_SCRIPTS:
        return f"U+{ord(letter):04X} {name.lower()}".strip()
    return _CALLED.get(script) or script.replace("_", " ").title()
