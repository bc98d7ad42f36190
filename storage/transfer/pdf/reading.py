"""From the entries of a session to the blocks of a PDF."""

from collections.abc import Iterable, Iterator

from markdown_it.token import Token

from storage.records import Sender
from storage.transfer.entries import NOTHING, Entry, entries_of, moment, notes_of, one_line, title_of
from storage.transfer.marked import FORMULA_BLOCK, named, read, typed
from storage.transfer.pdf.blocks import (
    BOLD,
    PLAIN,
    Block,
    Code,
    Head,
    Image,
    Inside,
    Place,
    Rule,
    Run,
    Style,
    Table,
    Text,
)
from storage.transfer.pdf.spans import clean, rows, runs
from storage.transfer.talk import Talk

TITLE, NOTE = 1.9, 0.85
_HEADINGS = {"h1": 1.45, "h2": 1.25, "h3": 1.1}
_MARK = 60
"""Letters of a prompt that stand for it in the table of contents."""

_BULLETS = ("\u2022", "\u2013")
"""By turns; every font has them."""
_FAINT = Place(faint=True)


def blocks_of(talk: Talk) -> Iterator[Block]:
    yield Text((Run(clean(title_of(talk)), BOLD),), size=TITLE, gap=False, keep=True)
    yield from (Text((Run(clean(note)),), _FAINT, NOTE, gap=False) for note in notes_of(talk))
    is_empty = True
    for entry in entries_of(talk):
        is_empty = False
        yield from _of_entry(entry)
    if is_empty:
        yield Text((Run(NOTHING),))


def _of_entry(entry: Entry) -> Iterator[Block]:
    at = "" if entry.at is None else moment(entry.at)
    mark = one_line(entry.text)[:_MARK] if entry.sender is Sender.HUMAN else ""
    yield Head(clean(entry.title), at, clean(mark))
    if entry.thinking:
        yield Text((Run("Thinking", BOLD),), _FAINT, NOTE, gap=False, keep=True)
        yield from _Walk(_FAINT).blocks(read(entry.thinking))
    if entry.sender is Sender.AI:
        yield from _Walk(Place()).blocks(read(entry.text))
    elif entry.sender is Sender.TOOL:
        yield from (_code(text) for text in [entry.text] if text)
    else:
        yield from _typed(entry.text)
    yield from _beside(entry)


def _typed(text: str) -> Iterator[Block]:
    for part in typed(text):
        if part.code:
            yield _code(part.text, part.language)
        else:
            yield Text((Run(clean(part.text)),))


def _beside(entry: Entry) -> Iterator[Block]:
    for picture in entry.pictures:
        if picture.content is None:
            yield Text((Run(clean(f"Attached: {picture.name}")),), _FAINT, NOTE)
        else:
            yield Image(clean(picture.name), picture.content)
    for call in entry.calls:
        yield Text((Run(clean(f"Call of {call.tool}"), BOLD),), _FAINT, NOTE, keep=True)
        yield _code(call.arguments, place=_FAINT)
    if entry.end:
        yield Text((Run(clean(entry.end), Style(italic=True)),), _FAINT)


def _code(text: str, language: str = "", place: Place = Place()) -> Code:  # noqa: B008 - it is frozen
    return Code(clean(text.removesuffix("\n")), place, clean(one_line(language)))


class _Walk:
    """Goes along the tokens of a text, and knows what it is inside of."""

    def __init__(self, place: Place) -> None:
        self._faint = place.faint
        self._inside: list[Inside] = []
        self._lists = 0
        self._marker = ""
        self._is_tight = self._begins = False
        self._size, self._style = 1.0, PLAIN

    def blocks(self, tokens: Iterable[Token]) -> Iterator[Block]:
        waiting = iter(tokens)
        for token in waiting:
            if token.type == "table_open":
                yield from self._marked()
                yield Table(tuple(rows(waiting)), self._place)
            elif token.nesting:
                yield from self._marked() if token.type == "list_item_close" else ()
                self._move(token)
            else:
                yield from self._block(token)

    @property
    def _place(self) -> Place:
        return Place(tuple(self._inside), faint=self._faint)

    def _move(self, token: Token) -> None:
        """Into something, or out of it."""
        kind = token.type.rpartition("_")[0]
        if kind in {"blockquote", "list_item"}:
            self._go(Inside.QUOTE if kind == "blockquote" else Inside.ITEM, token.nesting)
        if kind in {"bullet_list", "ordered_list"}:
            self._begins = token.nesting > 0 and not self._lists
            self._lists += token.nesting
        elif token.type == "list_item_open":
            self._marker = f"{token.info}." if token.info else _BULLETS[(self._lists - 1) % len(_BULLETS)]
        elif kind == "heading":
            self._size, self._style = (_HEADINGS.get(token.tag, 1.0), BOLD) if token.nesting > 0 else (1.0, PLAIN)
        elif kind == "paragraph":
            self._is_tight = token.hidden

    def _go(self, inside: Inside, way: int) -> None:
        if way > 0:
            self._inside.append(inside)
        else:
            self._inside.pop()

    def _block(self, token: Token) -> Iterator[Block]:
        if token.type == "inline":
            marker, self._marker = self._marker, ""
            shown = tuple(runs(token.children or (), self._style))
            is_heading = self._style is BOLD
            yield Text(shown, self._place, self._size, gap=self._has_gap(), marker=marker, keep=is_heading)
            return
        yield from self._marked()
        if token.type == "hr":
            yield Rule(self._place)
        else:
            yield _code(token.content, "" if token.type == FORMULA_BLOCK else named(token), self._place)

    def _marked(self) -> Iterator[Block]:
        """The marker of an item that does not begin with a text."""
        if self._marker:
            marker, self._marker = self._marker, ""
            yield Text((), self._place, gap=self._has_gap(), marker=marker, keep=True)

    def _has_gap(self) -> bool:
        """The items of a list stand close to each other, and away from what is before it."""
        begins, self._begins = self._begins, False
        return begins or not self._is_tight
