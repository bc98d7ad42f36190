"""Figures in words, and text that is shown as it is."""

import re
from datetime import timedelta

from agent import Session
from ui.markdown import JOINER

KILO = 1000
AUTO, ECHO, OLLAMA = "auto", "echo", "ollama:"
"""Names of models, and how those of the Ollama server begin."""

MOST_TURNS = 1000
"""The largest window."""

_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")
_UNSEEN = {ord("0"): "\u2060", ord("1"): "\u2063"}
_MARKDOWN = re.compile(r"[\\`*_{}\[\]<>#|:$~&!]")
_ADDRESS = re.compile(r"((?:https?://|www\.)[^\s`]*[^\s`.,;:!?)])", re.IGNORECASE)
_LIST = re.compile(r"^(\s*\d*)([-+.)=])", re.MULTILINE)
_INDENTED = re.compile(r"^(?: {4}| {0,3}\t)[ \t]*", re.MULTILINE)
_DRAWN = re.compile(r"(?<!\S)[<>~-](?=(?:-|->|>|=)(?!\S))|:(?=[a-z_+-][\w+-]*(?:/\w+)?:)", re.IGNORECASE)
"""Of what Streamlit makes an arrow, a dash or a picture, though it is escaped: the first character."""


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def shortened(text: str, length: int) -> str:
    """The beginning of a text on one line, in whole words where there are any, with “…” where more follows."""
    line = " ".join(text.split())
    if len(line) <= length:
        return line
    return (line[:length].rpartition(" ")[0] or line[:length]).rstrip(" ,;:") + "…"


def unlike(number: int) -> str:
    """Signs that nobody sees, others for each number: Streamlit knows what was picked in a list by its label."""
    return f"{number:b}".translate(_UNSEEN)


def model_in_words(model: str) -> str:
    """Without the server that has it; for a place where Streamlit reads Markdown."""
    return as_plain(model.removeprefix(OLLAMA))


def title_of(session: Session) -> str:
    return as_title(session.title)


def as_title(title: str) -> str:
    """As a session is called on the page, whose title may be ""."""
    return in_order(title) or "New session"


def in_order(text: str) -> str:
    """Without what turns the order of all that follows: a title may come from a file or a model."""
    return _TURNS.sub("", text)


def as_plain(text: str) -> str:
    """Text for a place where Streamlit reads Markdown, shown as it is; addresses as code, for they would be links."""
    parts = _ADDRESS.split(text)
    return "".join(f"`{part}`" if place % 2 else _escaped(part) for place, part in enumerate(parts))


def _escaped(text: str) -> str:
    text = _INDENTED.sub(_unbroken, _DRAWN.sub(rf"\g<0>{JOINER}", text))
    return _LIST.sub(r"\1\\\2", _MARKDOWN.sub(r"\\\g<0>", text))


def _unbroken(spaces: re.Match[str]) -> str:
    """What looks the same and begins no code."""
    return spaces.group().replace("\t", "    ").replace(" ", "\N{NO-BREAK SPACE}")


def size(number: float) -> str:
    """Bytes, in the unit that suits them."""
    for unit in ("B", "kB", "MB"):
        if number < KILO:
            return f"{number:.0f} {unit}"
        number /= KILO
    return f"{number:.1f} GB"


def seconds(duration: timedelta) -> str:
    return f"{duration.total_seconds():.1f} s"
