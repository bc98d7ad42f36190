"""Tables: how wide their columns are, and what becomes of one that has too many."""

from collections.abc import Iterator, Sequence

from storage.transfer.pdf.blocks import BOLD, Block, Rule, Run, Runs, Table, Text
from storage.transfer.pdf.wrapping import Measure

NARROWEST = 42.0
"""Points of a column that one can still read."""


def widths(rows: Sequence[Sequence[Runs]], room: float, padding: float, measure: Measure) -> list[float] | None:
    """Of the columns: as wide as their texts, or the wider ones equally less; None where that is too little."""
    wanted = [2 * padding + max(_width(runs, measure) for runs in column) for column in zip(*rows, strict=True)]
    share = _share(sorted(wanted), room)
    if share < min(NARROWEST, max(wanted)):
        return None
    return [min(wide, share) for wide in wanted]


def as_records(table: Table) -> Iterator[Block]:
    """Row by row, each cell in a paragraph below the name of its column."""
    head, *rows = table.rows
    for row in rows or [head]:
        yield Rule(table.place)
        for name, cell in zip(head, row, strict=True):
            if cell:
                named = (*name, Run(": ", BOLD)) if rows else ()
                yield Text((*named, *cell), table.place, gap=False)
    yield Rule(table.place)


def _share(wanted: Sequence[float], room: float) -> float:
    """The most that a column may have, so that all together have no more than there is."""
    for place, wide in enumerate(wanted):
        share = room / (len(wanted) - place)
        if wide > share:
            return share
        room -= wide
    return max(wanted)


def _width(runs: Runs, measure: Measure) -> float:
    """Of the widest line; a little more, since sums of fractions differ."""
    found, line = 0.0, 0.0
    for text, style in runs:
        first, *rest = text.split("\n")
        line += measure(first, style)
        for part in rest:
            found, line = max(found, line), measure(part, style)
    return max(found, line) + 0.1
