"""In which order the letters of a line stand on paper, where some are read from right to left."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter

from fpdf.bidi import BidiParagraph
from fpdf.enums import TextDirection

from storage.transfer.pdf import letters
from storage.transfer.pdf.blocks import Run
from storage.transfer.pdf.faces import Faces
from storage.transfer.pdf.sheet import Piece

_Levelled = tuple[int, Piece]
"""Odd levels are read from right to left."""


def pieces(line: Sequence[Run], faces: Faces, *, leftwards: bool) -> list[Piece]:
    """A line as it is drawn, from left to right; `leftwards` is the direction of its paragraph."""
    if leftwards or any(letters.has_leftwards(run.text) for run in line):
        return [piece for _, piece in _reordered([*_levelled(line, faces, leftwards=leftwards)])]
    return [Piece(part, face, run.style) for run in line for face, part in faces.split(run.text, run.style)]


def _levelled(line: Sequence[Run], faces: Faces, *, leftwards: bool) -> Iterator[_Levelled]:
    """In the order in which they are read, each piece of one level, style and font."""
    levels = iter(_levels("".join(run.text for run in line), leftwards=leftwards))
    for text, style in line:
        for level, of in groupby(zip(text, levels, strict=False), itemgetter(1)):
            for face, part in faces.split("".join(letter for letter, _ in of), style):
                yield level, Piece(part, face, style, leftwards=level % 2 == 1)


def _levels(text: str, *, leftwards: bool) -> list[int]:
    direction = TextDirection.RTL if leftwards else TextDirection.LTR
    paragraph = BidiParagraph(text, direction, preserve_bn_chars=True)
    return [character.embedding_level for character in paragraph.get_characters_with_embedding_level()]


def _reordered(found: Iterable[_Levelled]) -> list[_Levelled]:
    """By Unicode's rule L2: from the highest level down, what is at least as high is turned around."""
    found = [*found]
    for lowest in range(max((level for level, _ in found), default=0), 0, -1):
        parts = groupby(found, lambda one: one[0] >= lowest)  # noqa: B023 - used up within the loop
        found = [one for is_high, of in parts for one in (reversed([*of]) if is_high else of)]
    return found
