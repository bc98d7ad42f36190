"""What a store has no room for, whichever file it comes from: an index would refuse it, or a reader stumble over it."""

from collections.abc import Callable, Mapping
from typing import Any

from storage.records import TEXTS, as_tag
from storage.transfer.talk import Talk, TalkTurn

LONGEST = 1000
"""Bytes of names of sessions, models and tags, of titles, and of what clients call turns: PostgreSQL's indexes take
2,700."""

MOST = 2**31 - 1
"""Tokens, and versions of a text."""


def misfit(talk: Talk) -> str:
    """Why a conversation can't be kept, in a sentence; "" where it can."""
    for place, turn in enumerate(talk.turns, start=1):
        if wrong := next((sentence for is_wrong, sentence in _WRONG_WITH_TURN if is_wrong(turn)), ""):
            return f"Turn {place:,}: {wrong}"
    return next((sentence for is_wrong, sentence in _WRONG if is_wrong(talk)), "")


def _is_too_long(text: str) -> bool:
    return len(text) > LONGEST or len(text.encode("utf-8", "surrogatepass")) > LONGEST


def _is_no_tag(text: str) -> bool:
    return _is_too_long(text) or not text or as_tag(text) != text


def _is_no_text(settings: Mapping[str, Any]) -> bool:
    return any(name in settings and not _is_version(settings[name]) for name in TEXTS)


def _is_version(value: object) -> bool:
    if not isinstance(value, dict) or value.keys() != {"version", "text"} or not isinstance(value["text"], str):
        return False
    version = value["version"]
    return isinstance(version, int) and not isinstance(version, bool) and 0 <= version <= MOST


_WRONG_WITH_TURN: tuple[tuple[Callable[[TalkTurn], bool], str], ...] = (
    (lambda turn: not turn.messages, "It has no message."),
    (lambda turn: _is_too_long(turn.model), "The name of its model is too long."),
    (lambda turn: max(turn.input_tokens or 0, turn.output_tokens or 0) > MOST, "It has more tokens than can be."),
    (lambda turn: _is_too_long(turn.idempotency_key or ""), "Its idempotency key is too long."),
)
_WRONG: tuple[tuple[Callable[[Talk], bool], str], ...] = (
    (lambda talk: not talk.session_id or _is_too_long(talk.session_id), "Its name is missing or too long."),
    (lambda talk: _is_too_long(talk.title), "Its title is too long."),
    (lambda talk: any(map(_is_no_tag, talk.tags)), "One of its tags is none."),
    (lambda talk: _is_no_text(talk.settings), "Its system prompt or summary is none."),
    (lambda talk: any(text.version > MOST for text in talk.texts), "A text has a version that can't be."),
)
