"""Where a page ended, as a word that means nothing to anybody else."""

import base64
import binascii
import hashlib
import json
from typing import Any

from agent import SettingsInvalid

_MARK = 8
"""Characters of the checksum: it tells what we gave from what somebody made up."""


def given(place: tuple[Any, ...] | None, of: str) -> str | None:
    """The word for a place in a list; `of` names what the list is of, so that no other takes it."""
    if place is None:
        return None
    said = json.dumps(place, ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(f"{_checksum(said, of)}{said}".encode()).decode().rstrip("=")


def taken(word: str | None, of: str) -> tuple[Any, ...] | None:
    """The place. Raises SettingsInvalid for a word that was not given for such a list."""
    if word is None:
        return None
    try:
        read = base64.urlsafe_b64decode(word + "=" * (-len(word) % 4)).decode()
    except (binascii.Error, ValueError):
        read = ""
    mark, said = read[:_MARK], read[_MARK:]
    if not said or mark != _checksum(said, of):
        message = "after is none of ours: hand back what the page before gave, with the same order and filters."
        raise SettingsInvalid(message)
    return tuple(json.loads(said))


def _checksum(said: str, of: str) -> str:
    return hashlib.sha256(f"{of}\n{said}".encode()).hexdigest()[:_MARK]
