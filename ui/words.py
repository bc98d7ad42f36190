"""Figures and moments in words."""

import re
from datetime import UTC, datetime, timedelta

from agent import Session

KILO = 1000
_MARKDOWN = re.compile(r"[\\`*_{}\[\]<>#|:$~&!]")
_LIST = re.compile(r"^(\s*\d*)([-+.)])", re.MULTILINE)
_STEPS = (
    (timedelta(minutes=1), "just now", timedelta(seconds=1)),
    (timedelta(hours=1), "{} min ago", timedelta(minutes=1)),
    (timedelta(days=1), "{} h ago", timedelta(hours=1)),
    (timedelta(days=30), "{} d ago", timedelta(days=1)),
)


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def ago(moment: datetime) -> str:
    age = datetime.now(UTC) - moment
    for limit, phrase, unit in _STEPS:
        if age < limit:
            return phrase.format(age // unit)
    return f"{moment.astimezone():%d %b %Y}"


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
