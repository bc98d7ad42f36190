"""Blocks onto pages, one below the other."""

from storage.transfer.pdf import letters
from storage.transfer.pdf.blocks import (
    BOLD,
    MONO,
    PLAIN,
    Block,
    Code,
    Head,
    Image,
    Inside,
    Place,
    Rule,
    Run,
    Runs,
    Table,
    Text,
)
from storage.transfer.pdf.drawing import LEADING, draw_line, measure_at
from storage.transfer.pdf.grid import PADDING as CELL_PADDING
from storage.transfer.pdf.grid import Grid
from storage.transfer.pdf.images import picture
from storage.transfer.pdf.sheet import FAINT, INK, MARK, SIZE, Colour, Sheet
from storage.transfer.pdf.tables import as_records, widths
from storage.transfer.pdf.wrapping import lines

_STEPS = {Inside.QUOTE: 14.0, Inside.ITEM: 17.0}
_MOST_INSET = 0.5
"""Of the width, what may be lost to lists and quotes within each other."""

_GAP, _SMALL_GAP, _BEFORE_HEAD = 6.0, 1.0, 18.0
_CODE, _CELL, _LITTLE = 0.86 * SIZE, 0.92 * SIZE, 0.8 * SIZE
_PADDING, _AFTER_MARKER = 7.0, 5.0
_KEPT = 3
"""Lines that stay together where something begins."""

_HIGHEST = 0.6
"""Of a page, how high an image may be."""

_BAR = 2.0


class Layout:
    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self._place = Place()

    def draw(self, block: Block) -> None:
        match block:
            case Text():
                self._text(block)
            case Code():
                self._code(block)
            case Table():
                self._table(block)
            case Rule():
                self._rule(block)
            case Image():
                self._image(block)
            case Head():
                self._head(block)

    def _text(self, text: Text) -> None:
        size = SIZE * text.size
        self._gap(_GAP * max(1.0, text.size**3) if text.gap else _SMALL_GAP, text.place)
        leftwards = letters.runs_left("".join(run.text for run in text.runs))
        inset = self._inset(text.place)
        self._sheet.need(size * LEADING * (_KEPT if text.keep else 1))
        marker = text.marker
        for line in lines(text.runs, self._sheet.breadth - inset, measure_at(self._sheet, size)):
            self._sheet.need(size * LEADING)
            self._marker(marker, size, inset, leftwards=leftwards)
            marker = ""
            x = self._sheet.left + (0 if leftwards else inset)
            draw_line(self._sheet, line, x, self._sheet.breadth - inset, size, _colour(text.place), leftwards=leftwards)
            self._go_down(size * LEADING, text.place, leftwards=leftwards)

    def _marker(self, marker: str, size: float, inset: float, *, leftwards: bool) -> None:
        if marker:
            wide = self._sheet.measure(marker, PLAIN, size) + _AFTER_MARKER
            x = self._sheet.right - inset + _AFTER_MARKER if leftwards else self._sheet.left + inset - wide
            draw_line(self._sheet, (Run(marker),), x, wide, size, FAINT)

    def _code(self, code: Code) -> None:
        """In a box, which goes on where a page ends."""
        self._gap(_GAP, code.place)
        inset = self._inset(code.place)
        found = self._lines_of_code(code, self._sheet.breadth - inset - 2 * _PADDING)
        leading, done = _CODE * LEADING, 0
        while done < len(found):
            room = int((self._sheet.room - 2 * _PADDING) / leading)
            if room < min(_KEPT, len(found) - done):
                self._sheet.begin_page()
                continue
            self._box(found[done : done + room], inset, code.place)
            done += room

    def _lines_of_code(self, code: Code, width: float) -> list[Runs]:
        measure = measure_at(self._sheet, _CODE)
        label = [(Run(code.language),)] if code.language else []
        sources = (lines((Run(text, MONO),), width, measure, anywhere=True) for text in code.text.split("\n"))
        return [*label, *(line for source in sources for line in source)]

    def _box(self, part: list[Runs], inset: float, place: Place) -> None:
        sheet, top = self._sheet, self._sheet.y
        height = len(part) * _CODE * LEADING + 2 * _PADDING
        sheet.fill(sheet.left + inset, top, sheet.breadth - inset, height)
        sheet.y += _PADDING
        for line in part:
            is_code = not line or line[0].style == MONO
            colour = _colour(place) if is_code else FAINT
            draw_line(sheet, line, sheet.left + inset + _PADDING, 0, _CODE, colour)
            sheet.y += _CODE * LEADING
        sheet.y = top
        self._go_down(height, place)

    def _table(self, table: Table) -> None:
        inset = self._inset(table.place)
        room = self._sheet.breadth - inset
        found = widths(table.rows, room, CELL_PADDING, measure_at(self._sheet, _CELL))
        if found is None:
            for block in as_records(table):
                self.draw(block)
            return
        self._gap(_GAP, table.place)
        Grid(self._sheet, found, self._sheet.left + inset, _CELL).draw(iter(table.rows))

    def _rule(self, rule: Rule) -> None:
        self._gap(_GAP, rule.place)
        self._sheet.need(_GAP)
        x = self._sheet.left + self._inset(rule.place)
        self._sheet.line(x, self._sheet.y, self._sheet.right, self._sheet.y)

    def _image(self, image: Image) -> None:
        self._gap(_GAP, Place())
        found = picture(image.content)
        if found is None:
            self._text(Text((Run(f"{image.name} can't be shown."),), Place(faint=True), gap=False))
            return
        scale = min(1.0, self._sheet.breadth / found.width, _HIGHEST * self._sheet.whole / found.height)
        height = found.height * scale
        self._sheet.need(height + _LITTLE * LEADING)
        self._sheet.image(found.file, self._sheet.left, self._sheet.y, found.width * scale, height)
        self._sheet.y += height
        self._text(Text((Run(image.name),), Place(faint=True), size=_LITTLE / SIZE, gap=False))

    def _head(self, head: Head) -> None:
        """A line across the page, who spoke, and when."""
        sheet = self._sheet
        self._gap(_BEFORE_HEAD, Place())
        sheet.need(_BEFORE_HEAD + _KEPT * SIZE * LEADING)
        if head.mark:
            sheet.mark(head.mark)
        sheet.line(sheet.left, sheet.y, sheet.right, sheet.y)
        sheet.y += _GAP
        wide = sheet.measure(head.at, PLAIN, _LITTLE)
        draw_line(sheet, (Run(head.at),), sheet.right - wide, wide, _LITTLE, FAINT)
        for line in lines((Run(head.title, BOLD),), sheet.breadth - wide - _PADDING, measure_at(sheet, SIZE)):
            sheet.need(SIZE * LEADING)
            draw_line(sheet, line, sheet.left, 0, SIZE, MARK)
            sheet.y += SIZE * LEADING

    def _gap(self, height: float, place: Place) -> None:
        """Room above a block, except at the top of a page; bars go on through it where both are in the same quotes."""
        inside, before = place.inside, self._place.inside
        same = next((at for at, pair in enumerate(zip(inside, before, strict=False)) if pair[0] != pair[1]), None)
        shared = inside[: min(len(inside), len(before)) if same is None else same]
        self._place = place
        if self._sheet.y > self._sheet.top:
            self._go_down(min(height, self._sheet.room), Place(shared))

    def _inset(self, place: Place) -> float:
        return min(sum(_STEPS[one] for one in place.inside), _MOST_INSET * self._sheet.breadth)

    def _go_down(self, height: float, place: Place, *, leftwards: bool = False) -> None:
        """With a bar for each quote."""
        sheet = self._sheet
        for number, one in enumerate(place.inside):
            if one is Inside.QUOTE:
                inset = self._inset(Place(place.inside[:number])) + 2 * _BAR
                x = sheet.right - inset if leftwards else sheet.left + inset
                sheet.line(x, sheet.y, x, sheet.y + height, width=_BAR)
        sheet.y += height


def _colour(place: Place) -> Colour:
    return FAINT if place.faint else INK
