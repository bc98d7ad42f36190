"""What stands in a file beside its conversations, found while it streams by: who wrote it, and in which version."""

import json
import re
from collections.abc import Iterator
from typing import Any

from storage.transfer.brackets import Brackets

_MAY_BE_OURS = re.compile(rb'\{\s*+"(?:format|version|sessions)"\s*+:')
_LIST = re.compile(rb'"(sessions|chats|conversations)"\s*+:\s*+\[\Z')
_LONGEST_KEY = 200
"""Bytes in which the name of a list is looked for before its bracket, blanks included."""

MOST_LOOKED = 4 << 20
"""Bytes that are looked through: who asks what a file is waits for that."""

LONGEST = 1 << 16
"""Bytes that a file may say beside its conversations."""


class Outermost:
    """The object that is all of a JSON text. `text` is what it says itself, without what is inside of its values."""

    def __init__(self) -> None:
        self.text = bytearray()
        self._brackets = Brackets()
        self._depth = 0
        self._ended = False

    def feed(self, chunk: bytes) -> Iterator[int]:
        """The place of each bracket that opens one of its values, with `text` up to there."""
        start = 0
        for at, opens in self._brackets.of(chunk):
            before = self._depth
            self._depth += 1 if opens else -1
            if before <= 1:
                self._say(chunk[start : at + 1])
                if opens and before == 1:
                    yield at
            elif self._depth == 1:
                self._say(chunk[at : at + 1])
            start = at + 1
            self._ended = self._ended or self._depth == 0
        if self._depth <= 1:
            self._say(chunk[start:])

    @property
    def wrapper(self) -> str:
        """The name of the list that has just begun, if it is one that wraps conversations, else ""."""
        if self._ended or len(self.text) >= LONGEST:
            return ""
        found = _LIST.search(self.text[-_LONGEST_KEY:])
        return found[1].decode() if found else ""

    def _say(self, part: bytes) -> None:
        if not self._ended:
            self.text += part[: LONGEST - len(self.text)]


def may_be_ours(begins: bytes) -> bool:
    """Whether a file that begins so can be one that we wrote, with its fields in any order."""
    return _MAY_BE_OURS.match(begins) is not None


def heading_of(chunks: Iterator[bytes]) -> dict[str, Any]:
    """The fields of the outermost object that stand before its sessions, or after them where those don't tell enough.

    {} for what is no such object. Of a text that is cut off, or goes on for too long, it is what is whole.
    """
    outermost = Outermost()
    told: dict[str, Any] | None = None
    looked = 0
    for chunk in chunks:
        looked += len(chunk)
        if looked > MOST_LOOKED:
            return told or {}
        for _ in outermost.feed(chunk):
            if told is None and outermost.wrapper:
                told = _read(outermost.text + b"]}")
                if outermost.wrapper != "sessions" or {"format", "version"} <= told.keys():
                    return told
    return _read(outermost.text) or told or {}


def _read(text: bytearray) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
