"""A line of text onto a page."""

from collections.abc import Sequence
from functools import partial

from storage.transfer.pdf.blocks import Run
from storage.transfer.pdf.order import pieces
from storage.transfer.pdf.sheet import Colour, Sheet
from storage.transfer.pdf.wrapping import Measure

LEADING = 1.45
"""The height of a line, by the size of its letters."""


def measure_at(sheet: Sheet, size: float) -> Measure:
    return partial(sheet.measure, size=size)


def draw_line(
    sheet: Sheet, line: Sequence[Run], x: float, width: float, size: float, colour: Colour, *, leftwards: bool = False
) -> None:
    """Draw a line where the sheet is; one that is read from right to left ends at the right."""
    found = [(piece, sheet.width_of(piece, size)) for piece in pieces(line, sheet.faces, leftwards=leftwards)]
    if leftwards:
        x += width - sum(wide for _, wide in found)
    top = sheet.y + (LEADING - 1) / 2 * size
    for piece, wide in found:
        sheet.draw(piece, x, top, wide, size, colour)
        x += wide
