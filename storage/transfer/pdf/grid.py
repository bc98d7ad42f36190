"""Tables as grids, over as many pages as they take."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from storage.transfer.pdf import letters
from storage.transfer.pdf.blocks import Run, Runs
from storage.transfer.pdf.drawing import LEADING, draw_line, measure_at
from storage.transfer.pdf.sheet import INK, Sheet
from storage.transfer.pdf.wrapping import lines

PADDING = 5.0
_LOW = 0.25
"""Of a page, how high a head may be that stands again above the rows of each further page."""

_Cell = list[tuple[Run, ...]]


class Grid:
    """A table whose columns are so wide."""

    def __init__(self, sheet: Sheet, widths: Sequence[float], x: float, size: float) -> None:
        self._sheet, self._widths, self._size = sheet, widths, size
        self._leading = size * LEADING
        self._edges = [x]
        for width in widths:
            self._edges.append(self._edges[-1] + width)

    def draw(self, rows: Iterator[Sequence[Runs]]) -> None:
        """The first is the head."""
        head = self._cells(next(rows))
        self._row(head, (), is_head=True)
        is_low = self._height(head) < _LOW * self._sheet.whole
        for row in rows:
            self._row(self._cells(row), head if is_low else (), is_head=False)

    def _cells(self, row: Sequence[Runs]) -> list[_Cell]:
        measure = measure_at(self._sheet, self._size)
        return [list(lines(runs, width - 2 * PADDING, measure)) for runs, width in zip(row, self._widths, strict=True)]

    def _height(self, row: Sequence[_Cell]) -> float:
        return max(map(len, row)) * self._leading + 2 * PADDING

    def _row(self, row: Sequence[_Cell], head: Sequence[_Cell], *, is_head: bool) -> None:
        """On the next page if it is whole there, else in parts."""
        done, count = 0, max(map(len, row))
        if self._height(row) > self._sheet.room:
            self._turn(head)
        while done < count:
            part = int((self._sheet.room - 2 * PADDING) / self._leading)
            if part < 1:
                self._turn(head)
                continue
            self._band([cell[done : done + part] for cell in row], min(part, count - done), is_head=is_head)
            done += part

    def _turn(self, head: Sequence[_Cell]) -> None:
        if self._sheet.y == self._sheet.top:
            return
        self._sheet.begin_page()
        if head:
            self._row(head, (), is_head=True)

    def _band(self, row: Sequence[_Cell], count: int, *, is_head: bool) -> None:
        """What of a row is on one page."""
        sheet, top = self._sheet, self._sheet.y
        bottom = top + count * self._leading + 2 * PADDING
        if is_head:
            sheet.fill(self._edges[0], top, self._edges[-1] - self._edges[0], bottom - top)
        for cell, (left, right) in zip(row, pairwise(self._edges), strict=True):
            self._cell(cell, left + PADDING, right - left - 2 * PADDING, top + PADDING)
        for y in (top, bottom):
            sheet.line(self._edges[0], y, self._edges[-1], y)
        for x in self._edges:
            sheet.line(x, top, x, bottom)
        sheet.y = bottom

    def _cell(self, cell: _Cell, x: float, width: float, top: float) -> None:
        leftwards = letters.runs_left("".join(run.text for line in cell for run in line))
        for number, line in enumerate(cell):
            self._sheet.y = top + number * self._leading
            draw_line(self._sheet, line, x, width, self._size, INK, leftwards=leftwards)
