"""What a PDF is made of, before anybody knows on which page it will be."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple


class Style(NamedTuple):
    """`link` is the address that a text leads to, "" for none."""

    bold: bool = False
    italic: bool = False
    mono: bool = False
    struck: bool = False
    link: str = ""


PLAIN = Style()
BOLD = Style(bold=True)
MONO = Style(mono=True)


class Run(NamedTuple):
    """Letters in one style. A line end in them is one on the page."""

    text: str
    style: Style = PLAIN


Runs = tuple[Run, ...]


class Inside(Enum):
    QUOTE = auto()
    ITEM = auto()


@dataclass(frozen=True, slots=True)
class Place:
    """What a block is inside of, from the outside in; `faint` is what is there to be skipped."""

    inside: tuple[Inside, ...] = ()
    faint: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph or heading. `size` is relative; `gap` says whether there is room above; `marker` is a list item's."""

    runs: Runs
    place: Place = Place()
    size: float = 1.0
    gap: bool = True
    marker: str = ""
    keep: bool = False
    """Whether it stays on a page with what follows."""


@dataclass(frozen=True, slots=True)
class Code:
    text: str
    place: Place = Place()
    language: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """`rows` have as many cells as the first, which is the head."""

    rows: tuple[tuple[Runs, ...], ...]
    place: Place = Place()


@dataclass(frozen=True, slots=True)
class Rule:
    place: Place = Place()


@dataclass(frozen=True, slots=True)
class Image:
    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """Above a message; `mark` is its name in the PDF's table of contents, "" where it is in none."""

    title: str
    at: str
    mark: str = ""


Block = Text | Code | Table | Rule | Image | Head


def texts_of(block: Block) -> Iterator[str]:
    """All that is to be written of a block."""
    match block:
        case Text(runs=runs, marker=marker):
            yield marker
            yield from (run.text for run in runs)
        case Code(text=text, language=language):
            yield from (text, language)
        case Table(rows=rows):
            yield from (run.text for row in rows for cell in row for run in cell)
        case Image(name=name):
            yield name
        case Head(title=title, at=at):
            yield from (title, at)
        case Rule():
            return
