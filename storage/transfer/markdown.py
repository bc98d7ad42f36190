"""A session as Markdown: its active path, to be read by people and by other programs."""

import re
from collections.abc import Iterator
from functools import cache
from html import escape

from markdown_it import MarkdownIt
from markdown_it.token import Token

from storage.records import Sender
from storage.transfer.entries import NOTHING, Entry, entries_of, notes_of, title_of
from storage.transfer.talk import Talk

_TICKS = re.compile(r"`{3,}")
_OPEN_HTML = (("<!--", "-->"), ("<?", "?>"), ("<![cdata[", "]]>"), ("<!", ">"))
_OPEN_TAGS = ("script", "pre", "style", "textarea")


def as_markdown(talk: Talk) -> Iterator[str]:
    """Prompts and replies as they were written, below headings; each turn after a rule, since replies have headings."""
    yield f"# {title_of(talk)}\n"
    yield from (f"\n{note}\n" for note in notes_of(talk))
    is_empty = True
    for entry in entries_of(talk):
        is_empty = False
        yield from (f"\n{part}\n" for part in _parts(entry) if part)
    if is_empty:
        yield f"\n{NOTHING}\n"


def _parts(entry: Entry) -> Iterator[str]:
    if entry.sender is Sender.HUMAN:
        yield "---"
    if entry.sender is Sender.TOOL:
        yield from _steps(entry)
        return
    if entry.says_something or not entry.calls:
        yield f"## {entry.heading}"
    if entry.thinking:
        yield _folded("Thinking", closed(entry.thinking))
    yield closed(entry.text)
    yield from _beside(entry)
    if entry.end:
        yield f"*{entry.end}*"


def _steps(entry: Entry) -> Iterator[str]:
    if entry.text or not entry.calls:
        yield _folded(entry.heading, _fenced(entry.text))
    yield from _beside(entry)


def _beside(entry: Entry) -> Iterator[str]:
    yield from (f"[Attached: {picture.name}]" for picture in entry.pictures)
    yield from (_folded(f"Call of {call.tool}", _fenced(call.arguments, "json")) for call in entry.calls)


def _folded(summary: str, text: str) -> str:
    return f"<details><summary>{escape(summary)}</summary>\n\n{text}\n\n</details>"


def _fenced(text: str, language: str = "") -> str:
    """In a fence longer than any within."""
    fence = "`" * max(3, 1 + max(map(len, _TICKS.findall(text)), default=0))
    return f"{fence}{language}\n{text}\n{fence}"


def closed(text: str) -> str:
    """The text, and after it what ends a block of code or HTML that was cut off: it would swallow all that follows."""
    last = next((token for token in reversed(_blocks().parse(text)) if token.level == 0), None)
    if last is None or last.map is None:
        return text
    end = _end_of_fence(last) if last.type == "fence" else _end_of_html(last)
    return text + ("" if text.endswith("\n") else "\n") + end if end else text


def _end_of_fence(fence: Token) -> str:
    begin, end = fence.map or (0, 0)
    lines = fence.content.count("\n") + (not fence.content.endswith("\n") and fence.content != "")
    return fence.markup if lines == end - begin - 1 else ""


def _end_of_html(html: Token) -> str:
    if html.type != "html_block":
        return ""
    text = html.content.strip().lower()
    tag = next((tag for tag in _OPEN_TAGS if re.match(rf"<{tag}(?=[\s>]|$)", text)), None)
    pairs = ((f"<{tag}", f"</{tag}>"),) if tag else _OPEN_HTML
    return next((close for begin, close in pairs if text.startswith(begin) and close not in text), "")


@cache
def _blocks() -> MarkdownIt:
    """Where blocks begin and end is all that is asked."""
    return MarkdownIt("commonmark").disable("inline").disable("text_join", ignoreInvalid=True)
