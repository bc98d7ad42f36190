"""A session as one HTML page that needs nothing else, prints well, runs no script and fetches nothing."""

import base64
import re
from collections.abc import Iterator, Sequence
from functools import cache
from html import escape

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from storage.records import Sender
from storage.transfer.entries import NOTHING, Entry, entries_of, moment, notes_of, title_of
from storage.transfer.marked import named, read, typed
from storage.transfer.pictures import Picture
from storage.transfer.style import STYLE
from storage.transfer.talk import Talk

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_DIRECTED = {"paragraph_open", "heading_open", "bullet_list_open", "ordered_list_open", "blockquote_open", "table_open"}
"""Blocks that may run from right to left, each by its own first letter."""

_FOLDED = {Sender.TOOL, Sender.SYSTEM}
"""Whose messages are there for those who want to know."""

_LONG = re.compile(r"\S{20}(?=\S)")

_BELOW = 2
"""Levels that a reply's headings are moved down, to be below the page's own."""


def as_page(talk: Talk) -> Iterator[str]:
    title = escape(title_of(talk))
    yield (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n<meta http-equiv="x-dns-prefetch-control" content="off">\n'
        '<meta name="generator" content="Windowseat">\n'
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        f'<header>\n<h1 dir="auto">{title}</h1>\n'
    )
    yield "".join(f'<p class="note" dir="auto">{escape(note)}</p>\n' for note in notes_of(talk)) + "</header>\n"
    is_empty = True
    for entry in entries_of(talk):
        is_empty = False
        yield from _section(entry)
    yield f"{f'<p>{NOTHING}</p>' if is_empty else ''}\n</main>\n</body>\n</html>\n"


def _section(entry: Entry) -> Iterator[str]:
    only_steps = entry.sender in _FOLDED or (entry.calls and not entry.says_something)
    yield f'<section class="{entry.sender.value.lower()}{" step" if only_steps else ""}">\n'
    if entry.sender in _FOLDED:
        if entry.text or not entry.calls:
            yield _folded(entry.heading, _step(entry.text) if entry.sender is Sender.TOOL else _typed(entry.text))
    elif not only_steps:
        time = "" if entry.at is None else f"<time>{moment(entry.at)}</time>"
        yield f'<h2><span dir="auto">{escape(entry.title)}</span> {time}</h2>\n'
        if entry.thinking:
            yield _folded("Thinking", _marked(entry.thinking))
        yield _typed(entry.text) if entry.sender is Sender.HUMAN else _marked(entry.text)
    yield from map(_figure, entry.pictures)
    for call in entry.calls:
        yield _folded(f"Call of {call.tool}", _step(call.arguments))
    if entry.end:
        yield f'<p class="end" dir="auto">{escape(entry.end)}</p>\n'
    yield "</section>\n"


def _folded(summary: str, shown: str) -> str:
    return f'<details>\n<summary dir="auto">{escape(summary)}</summary>\n{shown}</details>\n'


def _figure(picture: Picture) -> str:
    name = escape(picture.name)
    if picture.content is None:
        return f'<p class="note" dir="auto">Attached: {name}</p>\n'
    source = f"data:{picture.media_type};base64,{base64.b64encode(picture.content).decode()}"
    return f'<figure><img alt="{name}" src="{source}"><figcaption dir="auto">{name}</figcaption></figure>\n'


def _typed(text: str) -> str:
    parts = (
        _code(part.text, part.language) if part.code else f'<div class="typed" dir="auto">{escape(part.text)}</div>\n'
        for part in typed(text)
    )
    return f'<div class="text" lang="">\n{"".join(parts)}</div>\n'


def _step(text: str) -> str:
    return f'<div class="text step typed" dir="auto" lang="">{escape(text)}</div>\n'


def _marked(text: str) -> str:
    tokens = read(text)
    in_table = False
    for token in tokens:
        in_table = token.type != "table_close" and (in_table or token.type == "table_open")
        _prepare(token, in_table=in_table)
    shown = _markdown().renderer.render(tokens, _markdown().options, {})
    return f'<div class="text" lang="">\n{shown}</div>\n' if shown else ""


def _prepare(token: Token, *, in_table: bool) -> None:
    """Say in a token what markdown-it's HTML does not."""
    if token.type in _DIRECTED:
        token.attrSet("dir", "auto")
    if token.type in {"heading_open", "heading_close"}:
        token.tag = f"h{min(int(token.tag[1]) + _BELOW, 6)}"
    for child in token.children or ():
        child.meta["breaks"] = in_table
        if child.type == "link_open":
            child.attrSet("rel", "noopener noreferrer nofollow")
            if child.markup == "autolink":
                child.attrSet("class", "bare")


def _code(text: str, language: str) -> str:
    label = f"<span>{escape(language)}</span>" if language else ""
    code = escape(text.removesuffix("\n"))
    # A browser leaves out a line end at the beginning of <pre>: this one, and none of the code's.
    return f'<div class="block" dir="ltr">{label}<pre tabindex="0">\n<code>{code}</code></pre></div>\n'


def _breakable(token: Token) -> str:
    """A long word in a table gets places where it may be broken: else it would make the whole page wider on paper."""
    if not token.meta.get("breaks"):
        return escape(token.content)
    return escape(_LONG.sub("\\g<0>\0", token.content.replace("\0", ""))).replace("\0", "<wbr>")


class _Renderer(RendererHTML):
    """markdown-it's own HTML, but for code, mathematics and tables."""

    def text(self, tokens: Sequence[Token], place: int, *_: object) -> str:
        return _breakable(tokens[place])

    def code_inline(self, tokens: Sequence[Token], place: int, *_: object) -> str:
        return f"<code>{_breakable(tokens[place])}</code>"

    def fence(self, tokens: Sequence[Token], place: int, *_: object) -> str:
        return _code(tokens[place].content, named(tokens[place]))

    def code_block(self, tokens: Sequence[Token], place: int, *_: object) -> str:
        return _code(tokens[place].content, "")

    def formula(self, tokens: Sequence[Token], place: int, *_: object) -> str:
        return f'<code class="formula" dir="ltr">{escape(tokens[place].content)}</code>'

    def formula_block(self, tokens: Sequence[Token], place: int, *_: object) -> str:
        return f'<pre class="formula" dir="ltr" tabindex="0">\n{escape(tokens[place].content)}</pre>\n'

    def table_open(self, tokens: Sequence[Token], place: int, options: OptionsDict, env: EnvType) -> str:
        return f'<div class="table" tabindex="0">\n{self.renderToken(tokens, place, options, env)}'

    def table_close(self, *_: object) -> str:
        return "</table>\n</div>\n"


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", renderer_cls=_Renderer)
