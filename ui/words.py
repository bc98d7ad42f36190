"""Figures in words, and text that is shown as it is."""

import re
from datetime import timedelta

from agent import Session

KILO = 1000
_MARKDOWN = re.compile(r"[\\`*_{}\[\]<>#|:$~&!]")
_LIST = re.compile(r"^(\s*\d*)([-+.)])", re.MULTILINE)


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def title_of(session: Session) -> str:
    return session.title or "New session"


def as_plain(text: str) -> str:
    """Text for a place where Streamlit reads Markdown, escaped so that it is shown as it is."""
    return _LIST.sub(r"\1\\\2", _MARKDOWN.sub(r"\\\g<0>", text))


def size(number: float) -> str:
    """Bytes, in the unit that suits them."""
    for unit in ("B", "kB", "MB"):
        if number < KILO:
            return f"{number:.0f} {unit}"
        number /= KILO
    return f"{number:.1f} GB"


def seconds(duration: timedelta) -> str:
    return f"{duration.total_seconds():.1f} s"
