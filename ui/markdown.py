"""Markdown from a model: shown as it was written, fetching nothing, and cut into blocks while it streams."""

import re
from collections.abc import Callable
from functools import cache
from itertools import pairwise

from markdown_it import MarkdownIt

_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
_MATHS = re.compile(r"\$\$.+?\$\$|(?<![\\$\w])\$(?![\s\d$])(?:[^$\n]*?[^\s$\\])\$(?![\d$\w])", re.DOTALL)
_IMAGE = re.compile(r"!\[")
_DOLLAR = re.compile(r"(?<!\\)\$")
_DIRECTIVE = re.compile(r"(?<!\\):(?=[a-z][a-z-]*\[)")


def as_written(text: str) -> str:
    """Markdown for Streamlit that shows what was written.

    Streamlit reads `$5 and $6` as mathematics and `:red[x]` as a colour, and a browser fetches an image as soon
    as it is shown: an image becomes a link to it.
    """
    lines = text.splitlines(keepends=True)
    shown, place = [], 0
    for start, end in _code_lines(text):
        shown += [_prose("".join(lines[place:start])), *lines[start:end]]
        place = end
    return "".join([*shown, _prose("".join(lines[place:]))])


def finished_blocks(text: str) -> list[str]:
    """Cut Markdown that still grows into its blocks: all but the last one won't change any more."""
    if text.count("$$") % 2:
        before, formula = text.rsplit("$$", 1)
        *finished, last = finished_blocks(before)
        return [*finished, f"{last}$${formula}"]
    lines = text.splitlines(keepends=True)
    starts = [token.map[0] for token in _parser().parse(text) if token.level == 0 and token.map and token.nesting >= 0]
    cuts = [0, *starts[1:], len(lines)]
    return ["".join(lines[start:end]) for start, end in pairwise(cuts)]


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark").enable("table").disable("inline").disable("text_join", ignoreInvalid=True)


def _code_lines(text: str) -> list[tuple[int, int]]:
    return [
        (token.map[0], token.map[1])
        for token in _parser().parse(text)
        if token.type in {"fence", "code_block"} and token.map
    ]


def _prose(text: str) -> str:
    return _outside(_CODE, text, lambda rest: _outside(_MATHS, rest, _plain))


def _outside(kept: re.Pattern[str], text: str, change: Callable[[str], str]) -> str:
    """Change what lies between the matches of a pattern."""
    shown, place = [], 0
    for match in kept.finditer(text):
        shown += [change(text[place : match.start()]), match.group()]
        place = match.end()
    return "".join([*shown, change(text[place:])])


def _plain(text: str) -> str:
    return _DIRECTIVE.sub(r"\\:", _DOLLAR.sub(r"\\$", _IMAGE.sub("[Image: ", text)))
