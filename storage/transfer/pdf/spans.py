"""From the tokens of a line of Markdown to letters in styles."""

import re
from collections.abc import Iterable, Iterator

from markdown_it.token import Token

from storage.transfer.marked import FORMULA
from storage.transfer.pdf.blocks import BOLD, PLAIN, Run, Runs, Style
from storage.transfer.pdf.letters import printable

_SPACES = re.compile(r"[ \t\n]+")
_TAB = 4


def clean(text: str) -> str:
    """What can be printed of a text."""
    return printable(text.expandtabs(_TAB))


def runs(tokens: Iterable[Token], style: Style) -> Iterator[Run]:
    outside: list[Style] = []
    for token in tokens:
        if token.nesting > 0:
            outside.append(style)
            style = _styled(style, token)
        elif token.nesting < 0:
            style = outside.pop()
        else:
            yield from _run(token, style)


def _styled(style: Style, token: Token) -> Style:
    match token.type:
        case "strong_open":
            return style._replace(bold=True)
        case "em_open":
            return style._replace(italic=True)
        case "s_open":
            return style._replace(struck=True)
        case _:
            address = str(token.attrs.get("href", ""))
            return style._replace(link=address if not address.startswith("#") and address.isascii() else "")


def _run(token: Token, style: Style) -> Iterator[Run]:
    match token.type:
        case "softbreak":
            yield Run(" ", style)
        case "hardbreak":
            yield Run("\n", style)
        case "code_inline":
            yield Run(clean(token.content), style._replace(mono=True))
        case _ if token.type == FORMULA:
            yield Run(clean(token.content), style._replace(mono=True))
        case _:
            yield Run(_SPACES.sub(" ", clean(token.content)), style)


def rows(tokens: Iterator[Token]) -> Iterator[tuple[Runs, ...]]:
    """The rows of the table that was just opened, to its end."""
    row: list[Runs] = []
    style = PLAIN
    for token in tokens:
        match token.type:
            case "table_close":
                return
            case "th_open" | "td_open":
                style = BOLD if token.tag == "th" else PLAIN
            case "inline":
                row.append(tuple(runs(token.children or (), style)))
            case "tr_close":
                yield tuple(row)
                row = []
