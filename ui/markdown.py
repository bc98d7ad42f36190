"""Markdown from a model: shown as it was written, fetching nothing, and cut into blocks while it streams."""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise

import streamlit as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from streamlit.delta_generator import DeltaGenerator

JOINER = "\u2060"
"""Takes no room; between two characters it keeps Streamlit from making a picture of them."""

_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
_MATHS = re.compile(r"\$\$.+?\$\$|(?<![\\$\w])\$(?![\s\d$])(?:[^$\n]*?[^\s$\\])\$(?![\d$\w])", re.DOTALL)
_DOLLAR = re.compile(r"(?<!\\)\$")
_DIRECTIVE = re.compile(r"(?<!\\):(?=[a-z][a-z-]*\[)")
_EMOJI = re.compile(r":(?=(?:[a-z_][\w+-]*|[+-]1|100|1234)(?:/\w+)?:)", re.IGNORECASE)
_ARROW = re.compile(r"(?<!\S)([<>~-])(?=(?:-|->|>|=)(?!\S))")
_RULE = re.compile(r"^[\s|:=-]+$")


_NEW_LINE = re.compile(r"(?<! {2})\n(?=\S)")
_FENCE = re.compile(r"(`{3,}|~{3,})([^`\n]*)$", re.MULTILINE)
_REACHES_OUT = re.compile(r"//|url|src|href|img|image|import|%%\s*\{|\\|&#|#\d+;|#x|^\s*---", re.IGNORECASE)
"""What a diagram could fetch something with, or hide an address behind."""

MANY_LINES, LONG_CODE = 14, 300
"""Lines of code in a prompt from which on it scrolls, in a box of so many pixels."""


PIECE = 1000
"""Characters from which on a piece takes no further block."""


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a reply: Markdown that shows what was written, or `code` with its language, to be shown as it is."""

    text: str
    code: bool = False
    language: str = ""

    @property
    def is_diagram(self) -> bool:
        """Whether it can be drawn, and drawing it fetches nothing."""
        return self.code and self.language == "mermaid" and not _REACHES_OUT.search(self.text)


def blocks(text: str) -> list[Block]:
    """Cut Markdown into its blocks; of one that still grows, all but the last won't change any more."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.count("$$") % 2:
        before, formula = text.rsplit("$$", 1)
        *finished, last = blocks(before) or [Block("")]
        return [*finished, Block(as_written(f"{last.text}$${formula}")) if not last.code else last]
    lines = re.split(r"(?<=\n)", text)
    tokens = [token for token in _parser().parse(text) if token.level == 0 and token.map and token.nesting >= 0]
    if not tokens:
        return [Block(as_written(text))] if text.strip() else []
    starts = [token.map[0] for token in tokens if token.map]
    cuts = [0, *starts[1:], len(lines)]
    return [
        _block(token, "".join(lines[start:end])) for token, (start, end) in zip(tokens, pairwise(cuts), strict=True)
    ]


def pieces(text: str) -> list[Block]:
    """Markdown in pieces of one or more blocks; of a text that still grows, all but the last won't change any more."""
    found: list[Block] = []
    for block in blocks(text):
        if found and _takes(found[-1], block):
            found[-1] = Block(found[-1].text + block.text)
        else:
            found.append(block)
    return found


def _takes(piece: Block, block: Block) -> bool:
    return not piece.code and not block.code and len(piece.text) < PIECE


def as_written(text: str) -> str:
    """Markdown for Streamlit that shows what was written.

    Streamlit reads `$5 and $6` as mathematics, `:red[x]` as a colour and `:smile:` as a picture, and a browser
    fetches an image as soon as it is shown. So an image becomes a link to it; and since what is code to us might
    be none to the browser, nothing that looks like an image is left even there.
    """
    shown = _outside(_CODE, text, lambda rest: _outside(_MATHS, rest, _plain))
    return shown.replace("![", f"!{JOINER}[")


def _block(token: Token, text: str) -> Block:
    if token.type == "fence":
        return Block(token.content.removesuffix("\n"), code=True, language=token.info.split(" ")[0].strip())
    return Block(_FENCE.sub(_undrawn, as_written(text)))


def _undrawn(fence: re.Match[str]) -> str:
    """Streamlit draws a diagram wherever it stands; only where nothing is around it we look at what it draws."""
    called = html.unescape(fence[2]).replace("\\", "").lower()
    return f"{fence[1]}text" if "mermaid" in called else fence[0]


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark").enable("table").disable("inline").disable("text_join", ignoreInvalid=True)


def _outside(kept: re.Pattern[str], text: str, change: Callable[[str], str]) -> str:
    """Change what lies between the matches of a pattern."""
    shown, place = [], 0
    for match in kept.finditer(text):
        shown += [change(text[place : match.start()]), match.group()]
        place = match.end()
    return "".join([*shown, change(text[place:])])


def _plain(text: str) -> str:
    return "".join(line if _RULE.match(line) else _plain_line(line) for line in re.split(r"(?<=\n)", text))


def _plain_line(line: str) -> str:
    line = _DOLLAR.sub(r"\\$", line.replace("![", "[Image: "))
    line = _EMOJI.sub(f":{JOINER}", _DIRECTIVE.sub(r"\\:", line))
    return _ARROW.sub(rf"\1{JOINER}", line)


def draw(text: str, *, typed: bool = False) -> None:
    """Show a whole text. In one that a person `typed` each new line is one, and long code scrolls in a box."""
    for block in _pieces_of_a_whole(text):
        if block.is_diagram:
            _draw_diagram(block)
        elif block.code:
            is_long = typed and block.text.count("\n") > MANY_LINES
            st.code(block.text, language=block.language or None, height=LONG_CODE if is_long else "content")
        else:
            st.markdown(_NEW_LINE.sub("  \n", block.text) if typed else block.text)


def draw_block(place: DeltaGenerator | None, block: Block) -> DeltaGenerator:
    """Show a block that may still grow, in place of what was drawn there, and give its place."""
    drawn = place or st
    if block.code:
        return drawn.code(block.text, language=block.language or None, wrap_lines=False)
    return drawn.markdown(block.text)


@lru_cache(maxsize=200)
def _pieces_of_a_whole(text: str) -> tuple[Block, ...]:
    """Remembered: each rerun draws the same turns."""
    return tuple(pieces(text))


def _draw_diagram(block: Block) -> None:
    st.mermaid_chart(block.text, alt="A diagram. Its source follows.")
    with st.expander("Source of the diagram", type="compact"):
        st.code(block.text, language="mermaid")
