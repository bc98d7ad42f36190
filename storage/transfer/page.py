"""A session as one HTML page that needs nothing else, prints well, runs no script and fetches nothing."""

import base64
from functools import cache
from html import escape

from markdown_it import MarkdownIt

from storage.records import Sender
from storage.transfer.markdown import CALLED, ENDED, notes_of, path_of, thinking_of
from storage.transfer.talk import Talk, TalkMessage, TalkTurn

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_STYLE = """
:root { color-scheme: light dark; --ink: #0e1215; --paper: #fdfcfa; --soft: #f1efe9; --line: #dcd8cf; --mark: #1d6a72 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e4df; --paper: #14181b; --soft: #1e2429; --line: #333b41; --mark: #4fb3bd } }
body { background: var(--paper); color: var(--ink); font: 16px/1.6 system-ui, sans-serif; margin: 0 }
main { max-width: 46rem; margin: 0 auto; padding: 2rem 1rem 4rem; overflow-wrap: anywhere }
h1 { line-height: 1.2 } .note, h2 small { opacity: .75; font-size: .85rem; font-weight: normal }
h2 { font-size: 1rem; margin: 0 0 .5rem; color: var(--mark) }
section { border-top: 1px solid var(--line); padding: 1rem 0 } section.human { background: var(--soft); padding: 1rem }
pre { background: var(--soft); border: 1px solid var(--line); padding: .75rem; overflow: auto }
code { font: .875em/1.5 ui-monospace, monospace } .typed { white-space: pre-wrap }
table { border-collapse: collapse; display: block; overflow: auto }
td, th { border: 1px solid var(--line); padding: .25rem .5rem }
img { max-width: 100%; height: auto } details { opacity: .85; margin-bottom: .75rem }
@media print { :root { --ink: #000; --paper: #fff; --soft: #f4f4f4; --line: #bbb; --mark: #000 }
  body { font-size: 11pt } main { max-width: none; padding: 0 } pre { white-space: pre-wrap }
  section { break-inside: auto } h2 { break-after: avoid } }
"""


def as_page(talk: Talk) -> str:
    title = escape(talk.title or talk.session_id)
    notes = "".join(f'<p class="note">{escape(note)}</p>\n' for note in notes_of(talk))
    said = "\n".join(_said(talk, turn, message) for turn in path_of(talk) for message in turn.messages)
    ends = "" if said else "<p>Nothing was said in it.</p>"
    return (
        '<!DOCTYPE html>\n<html>\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="generator" content="Windowseat">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{title}</h1>\n{notes}{said}{ends}\n</main>\n</body>\n</html>\n"
    )


def _said(talk: Talk, turn: TalkTurn, said: TalkMessage) -> str:
    who = CALLED[said.sender] + (f" by {escape(turn.model)}" if said.sender is Sender.AI and turn.model else "")
    at = said.at or turn.opened_at
    thought = thinking_of(said)
    folded = f"<details><summary>Thinking</summary>{_shown(thought)}</details>" if thought else ""
    # What a person typed is no Markdown unless they meant it; its lines are what they meant for sure.
    text = _shown(said.content) if said.sender is Sender.AI else f'<div class="typed">{escape(said.content)}</div>'
    is_last = said is turn.messages[-1]
    end = f"<p><em>{escape(turn.error or ENDED[turn.status])}</em></p>" if is_last and turn.status in ENDED else ""
    return (
        f'<section class="{said.sender.value.lower()}">\n<h2>{who} <small>{at:%Y-%m-%d %H:%M} UTC</small></h2>\n'
        f"{folded}{text}{_images(talk, said)}{end}\n</section>"
    )


def _images(talk: Talk, said: TalkMessage) -> str:
    shown = []
    for block in ((said.full or {}).get("data") or {}).get("content") or ():
        if isinstance(block, dict) and block.get("digest") in talk.images:
            content = base64.b64encode(talk.images[block["digest"]]).decode()
            source = f"data:{escape(str(block.get('media_type')))};base64,{content}"
            shown.append(f'<p><img alt="{escape(str(block.get("name")))}" src="{source}"></p>')
    return "".join(shown)


def _shown(text: str) -> str:
    shown: str = _markdown().render(text)
    return shown


@cache
def _markdown() -> MarkdownIt:
    """No HTML of a model's, and no image that would be fetched."""
    return MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
