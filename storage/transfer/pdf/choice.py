"""Which of the font files of a machine are taken for what."""

import re
from collections.abc import Collection, Sequence

from storage.transfer.pdf.files import FontFile

_SANS: tuple[str, ...] = ("notosans", "dejavusans", "liberationsans", "segoeui", "arial", "helveticaneue", "helvetica")
_SANS += ("opensans", "ubuntu", "roboto", "cantarell", "freesans", "nimbussans", "verdana", "tahoma")
_MONO: tuple[str, ...] = ("dejavusansmono", "notosansmono", "liberationmono", "consolas", "consola", "menlo")
_MONO += ("cascadiamono", "couriernew", "cour", "ubuntumono", "freemono", "nimbusmonops")
"""The families for Latin letters and for code, the best first, and what Windows calls their files."""

_OTHERS: tuple[str, ...] = ("notosans", "dejavusans", "segoeui", "arial", "nirmala", "leelaw", "microsoftyahei", "msyh")
_OTHERS += ("yugoth", "malgun", "pingfang", "hiragino", "applesdgothic", "kohinoor", "thonburi", "geezapro", "apples")
"""How the names of families begin that are good for other letters."""

_NEEDED = range(0x21, 0x7F)
_KANA, _HANGUL = re.compile("[\u3040-\u30ff]"), re.compile("[\uac00-\ud7af]")
_IGNORED = re.compile(r"\[.*?\]|[\s_-]|regular|book|roman")
_STYLED = re.compile("bold|italic|oblique|black|light|thin|condensed|medium")
_ALIKE = 4
"""Letters with which the names of the files of one family begin."""


def base(files: Sequence[FontFile], *, mono: bool) -> FontFile | None:
    """The font of most letters, or of code; None where no font has the Latin ones."""
    wanted = _MONO if mono else _SANS
    known = sorted((file for file in files if _short(file) in wanted), key=lambda file: wanted.index(_short(file)))
    rest = sorted((file for file in files if _short(file) not in wanted), key=_plainness)
    return next((file for file in (*known, *rest) if _serves(file, mono=mono)), None)


def member(of: FontFile, files: Sequence[FontFile], *, bold: bool, italic: bool) -> FontFile | None:
    """The file with another style of the same family, None where there is none."""
    if of.facts is None or (of.facts.bold, of.facts.italic) == (bold, italic):
        return of
    alike = (file for file in files if _short(file)[:_ALIKE] == _short(of)[:_ALIKE])
    return next((file for file in alike if _is_style_of(of, file, bold, italic)), None)


def for_others(files: Sequence[FontFile], shown: Collection[str], *, emoji: bool) -> list[FontFile]:
    """All, in the order in which they are asked for letters that the base has not got."""
    chinese = _chinese("".join(shown))
    return sorted(files, key=lambda file: (emoji and not is_emoji_font(file), *_order(file, chinese)))


def is_emoji_font(file: FontFile) -> bool:
    return "emoji" in _short(file) or "emj" in _short(file)


def _serves(file: FontFile, *, mono: bool) -> bool:
    facts = file.facts
    if facts is None or facts.bold or facts.italic or facts.odd or (mono and not facts.mono):
        return False
    return all(number in facts.covers for number in _NEEDED)


def _is_style_of(of: FontFile, file: FontFile, bold: bool, italic: bool) -> bool:  # noqa: FBT001 - called once, above
    facts, its = of.facts, file.facts
    return (
        facts is not None
        and its is not None
        and (its.family, its.bold, its.italic, its.odd)
        == (
            facts.family,
            bold,
            italic,
            False,
        )
    )


def _order(file: FontFile, chinese: str) -> tuple[bool, int, bool, bool, str]:
    short = _short(file)
    place = next((place for place, begin in enumerate(_OTHERS) if short.startswith(begin)), len(_OTHERS))
    return (*_plainness(file)[:1], place, "serif" in short, "cjk" in short and not short.endswith(chinese), short)


def _plainness(file: FontFile) -> tuple[bool, str]:
    facts = file.known
    styled = _STYLED.search(_short(file)) is not None if facts is None else facts.bold or facts.italic or facts.odd
    return styled, _short(file)


def _chinese(shown: str) -> str:
    """Whose way of writing Chinese characters is meant: fonts that have all of them come in one for each language."""
    if _KANA.search(shown):
        return "jp"
    return "kr" if _HANGUL.search(shown) else "sc"


def _short(file: FontFile) -> str:
    return _IGNORED.sub("", file.name.lower())
