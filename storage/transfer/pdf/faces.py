"""The fonts in a document, and which of them draws which letter."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from fpdf import FPDF

from storage.transfer.pdf import letters
from storage.transfer.pdf.blocks import PLAIN, Style
from storage.transfer.pdf.choice import base, for_others, member
from storage.transfer.pdf.files import FontFile

_BOX, _QUESTION = "\u25a1", "?"
"""What stands for a letter without a font: the first of them that there is."""


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A font that a document knows by these names; `font` is what fpdf2 made of it."""

    family: str
    style: str
    font: Any
    is_core: bool = False

    def covers(self, letter: str) -> bool:
        return _in_latin(letter) != "" if self.is_core else ord(letter) in self.font.cmap

    def width(self, text: str) -> float:
        """In thousandths of the size, of letters that need no shaping."""
        widths: dict[int | str, float] = self.font.cw
        return sum(widths[_in_latin(letter) if self.is_core else ord(letter)] for letter in text)


class Faces:
    """The fonts of one document that shows these letters, each taken in when the first letter asks for it."""

    def __init__(self, pdf: FPDF, files: Sequence[FontFile], shown: Collection[str]) -> None:
        self._pdf, self._files = pdf, files
        self._bases = {mono: base(files, mono=mono) for mono in (False, True)}
        self._others = {emoji: for_others(files, shown, emoji=emoji) for emoji in (False, True)}
        self._taken: dict[FontFile, Face | None] = {}
        self._of_style: dict[Style, Face] = {}
        self._of_letter: dict[tuple[str, Style], Face | None] = {}
        self.missing = tuple(letter for letter in sorted(shown) if self._is_missing(letter))
        """The letters that no font has, in order."""

    def close(self) -> None:
        """Let go of the files, when nothing is written any more."""
        for face in self._taken.values():
            if face is not None:
                face.font.close()

    @property
    def instead(self) -> str:
        """What stands for those, in words."""
        return "question marks" if self._face_for(_BOX, PLAIN) is None else "empty boxes"

    def split(self, text: str, style: Style) -> Iterator[tuple[Face, str]]:
        """The text in pieces of one font each. What no font has is an empty box."""
        if style.struck or style.link:
            style = style._replace(struck=False, link="")
        if text.isascii():
            yield self._main(style), text
        else:
            for face, of in groupby(self._each(text, style), itemgetter(0)):
                yield face, "".join(letter for _, letter in of)

    def _each(self, text: str, style: Style) -> Iterator[tuple[Face, str]]:
        face = self._main(style)
        for letter in text:
            if letters.joins(letter):
                if not face.is_core:
                    yield face, letter
            elif letters.stays(letter, mono=style.mono) and face.covers(letter):
                yield face, letter
            else:
                face, shown = self._drawn(letter, style)
                yield face, shown

    def _drawn(self, letter: str, style: Style) -> tuple[Face, str]:
        for shown in (letter, _BOX):
            if (face := self._face_for(shown, style)) is not None:
                return face, shown
        return self._main(style), _QUESTION

    def _is_missing(self, letter: str) -> bool:
        is_seen = not letter.isspace() and not letters.joins(letter)
        return is_seen and self._face_for(letter, PLAIN) is None

    def _face_for(self, letter: str, style: Style) -> Face | None:
        key = letter, style
        if key not in self._of_letter:
            self._of_letter[key] = self._look_for(letter, style)
        return self._of_letter[key]

    def _look_for(self, letter: str, style: Style) -> Face | None:
        usual = (style, style._replace(bold=False, italic=False), PLAIN)
        among = self._among(letter, style)
        found = (face for face in map(self._main, usual) if face.covers(letter))
        if letters.is_emoji(letter):
            return next(among, None) or next(found, None)
        return next(found, None) or next(among, None)

    def _among(self, letter: str, style: Style) -> Iterator[Face]:
        """The other fonts that have a letter."""
        for file in self._others[letters.is_emoji(letter)]:
            if (facts := file.facts) is not None and ord(letter) in facts.covers:
                bold = member(file, self._files, bold=style.bold, italic=False)
                faces = (self._take(found) for found in (bold, file) if found is not None)
                yield from (face for face in faces if face is not None and face.covers(letter))

    def _main(self, style: Style) -> Face:
        """The font of a style, with as much of the style as there is."""
        if style not in self._of_style:
            self._of_style[style] = self._with_style(style) or self._core(style)
        return self._of_style[style]

    def _with_style(self, style: Style) -> Face | None:
        file = self._bases[style.mono] or self._bases[False]
        if file is None:
            return None
        for bold, italic in ((style.bold, style.italic), (style.bold, False), (False, False)):
            found = member(file, self._files, bold=bold, italic=italic)
            if found is not None and (face := self._take(found)) is not None:
                return face
        return None

    def _core(self, style: Style) -> Face:
        """One of the fonts that every reader of PDFs has, for Western European letters only."""
        family = "courier" if style.mono else "helvetica"
        wanted = ("B" if style.bold else "") + ("I" if style.italic else "")
        self._pdf.set_font(family, wanted)
        return Face(family, wanted, self._pdf.current_font, is_core=True)

    def _take(self, file: FontFile) -> Face | None:
        """None of a file that is of no use."""
        if file not in self._taken:
            self._taken[file] = self._taken_in(file, f"face{len(self._taken)}")
        return self._taken[file]

    def _taken_in(self, file: FontFile, name: str) -> Face | None:
        try:
            self._pdf.add_font(name, "", file.path, collection_font_number=file.number)
        except Exception:  # noqa: BLE001 - a broken file brings its reader to whatever comes
            return None
        return Face(name, "", self._pdf.fonts[name])


def _in_latin(letter: str) -> str:
    """As fpdf2 names a letter of the fonts that every reader has, "" for any other."""
    try:
        return letter.encode("cp1252").decode("latin-1")
    except UnicodeEncodeError:
        return ""
