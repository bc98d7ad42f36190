"""Markdown read into tokens: nothing in it fetches or runs anything, and nothing of it goes missing."""

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

DEEPEST = 100
"""Of lists and quotes within each other. What lies deeper would be left out by the reader, so it is shown as it is."""

MOST_BRACKETS = 20_000
"""Opening ones in a text: looking for the end of each takes as long as their number squared."""

LONGEST_FORMULA = 5000
"""In characters. Looking for the end of one that has none takes as long as that."""

FORMULA, FORMULA_BLOCK = "formula", "formula_block"
"""Kinds of tokens beside those of markdown-it: mathematics, with its source as content."""

_DISPLAYED = (("$$", "$$"), (r"\[", r"\]"))
_INLINE = re.compile(
    r"(?<![\\$\w])\$(?![\s\d$])(?:[^$\n]{0,999}[^\s$\\])\$(?![\d$\w])|\$\$(?!\$).{1,1000}?\$\$"
    r"|\\\(.{1,1000}?\\\)|\\\[.{1,1000}?\\\]",
    re.DOTALL,
)
_GOES = re.compile(r"https?://|mailto:|#", re.IGNORECASE)
"""How addresses begin that may be links: others have the reader's machine open a program, or a folder elsewhere."""

_NEW_LINE = re.compile(r"\r\n?|\n")


class Part(NamedTuple):
    """A piece of what a person typed; `language` is that of code, "" of a text and where none was named."""

    text: str
    code: bool = False
    language: str = ""


def read(text: str) -> list[Token]:
    """The tokens of a reply. One that is too deep or too slow to read is a block of code with all of its source."""
    if text.count("[") <= MOST_BRACKETS:
        tokens: list[Token] = _reader().parse(text)
        if all(token.level < DEEPEST - 1 for token in tokens):
            for token in tokens:
                token.children = token.children and [*_seen(token.children)]
            return tokens
    return [Token("fence", "code", 0, content=text, markup="```", block=True)]


def _seen(children: list[Token]) -> Iterator[Token]:
    """An image is a link to it, and a link that says nothing says where it leads."""
    children = [*_with_links_for_images(children)]
    for token, following in zip(children, [*children[1:], None], strict=True):
        yield token
        if token.type == "link_open" and following is not None and following.type == "link_close":
            token.markup = "autolink"
            yield Token("text", "", 0, content=str(token.attrs["href"]))


def _with_links_for_images(children: list[Token]) -> Iterator[Token]:
    """In a link it is its name alone: there is no link within a link."""
    linked = False
    for token in children:
        linked = token.type == "link_open" or (linked and token.type != "link_close")
        if token.type != "image":
            yield token
            continue
        if not linked:
            yield Token("link_open", "a", 1, attrs={"href": token.attrs["src"]})
        if name := "".join(part.content for part in token.children or ()) or token.content:
            yield Token("text", "", 0, content=name)
        if not linked:
            yield Token("link_close", "a", -1)


def typed(text: str) -> list[Part]:
    """What a person typed, as it is: only code and files between fences are told apart, since nothing else is sure."""
    lines = _NEW_LINE.split(text)
    parts, done = [], 0
    for token in _fences().parse(text):
        if token.type == "fence" and token.map:
            parts += [
                Part("\n".join(lines[done : token.map[0]])),
                Part(token.content, code=True, language=named(token)),
            ]
            done = token.map[1]
    parts.append(Part("\n".join(lines[done:])))
    return [part._replace(text=part.text.strip("\n")) for part in parts if part.code or part.text.strip()]


def named(fence: Token) -> str:
    """The language of a block of code, "" where none is named."""
    return (fence.info.split() or [""])[0]


class _Reader(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802 - markdown-it calls it so
        """What is none is shown as it was written."""
        return _GOES.match(url) is not None


@cache
def _reader() -> MarkdownIt:
    reader = _Reader("commonmark", {"html": False, "maxNesting": DEEPEST})
    reader.enable(["table", "strikethrough"])
    reader.inline.ruler.before("escape", FORMULA, _formula)
    reader.block.ruler.before("fence", FORMULA_BLOCK, _formula_block, {"alt": ["paragraph", "blockquote", "list"]})
    return reader


@cache
def _fences() -> MarkdownIt:
    return MarkdownIt("zero").enable("fence")


def _formula(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - markdown-it calls it so
    """Its backslashes and underscores are its own."""
    found = _INLINE.match(state.src, state.pos, state.posMax)
    if found is None:
        return False
    if not silent:
        state.push(FORMULA, "", 0).content = found.group()
    state.pos = found.end()
    return True


def _formula_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001 - as above
    """From a line that begins with one mark to one that ends with the other, whatever begins the lines between."""
    if state.is_code_block(start):
        return False
    begin = state.bMarks[start] + state.tShift[start]
    closing = next((closing for opening, closing in _DISPLAYED if state.src.startswith(opening, begin)), None)
    place = -1 if closing is None else state.src.find(closing, begin + 2, begin + LONGEST_FORMULA)
    if place < 0:
        return False
    last = next((line for line in range(start, end) if state.eMarks[line] >= place + 2), end)
    if last == end or state.src[place + 2 : state.eMarks[last]].strip():
        return False
    if not silent:
        token = state.push(FORMULA_BLOCK, "", 0)
        token.content = state.getLines(start, last + 1, state.blkIndent, keepLastLF=False)
        token.map = [start, last + 1]
        state.line = last + 1
    return True
