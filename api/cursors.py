"""Where a page ended, as a word that means nothing to anybody else."""

import base64
import binascii
import hmac
import json
from typing import Any

from agent import Agent, SettingsInvalid

_MARK = 16
"""Characters that tell what we gave from what somebody made up."""


class Cursors:
    """The words for the places of one list: the same words are none for a list of other things, or of another owner."""

    def __init__(self, agent: Agent, what: str) -> None:
        """`what` says what the list is of: its order, and what it lets in."""
        self._of = f"{agent.owner}\n{what}"
        # What only the server knows, and all its processes do.
        self._key = agent.settings.database_url.encode()

    def given(self, place: tuple[Any, ...] | None) -> str | None:
        if place is None:
            return None
        said = json.dumps(place, ensure_ascii=False, separators=(",", ":"))
        return base64.urlsafe_b64encode(f"{self._mark(said)}{said}".encode()).decode().rstrip("=")

    def taken(self, word: str | None) -> Any:
        """The place, None for the beginning. Raises SettingsInvalid for a word that was not given for such a list."""
        if word is None:
            return None
        try:
            read = base64.urlsafe_b64decode(word + "=" * (-len(word) % 4)).decode()
        except (binascii.Error, ValueError):
            read = ""
        mark, said = read[:_MARK], read[_MARK:]
        if not said or not hmac.compare_digest(mark.encode(), self._mark(said).encode()):
            message = "after is none of ours: hand back what the page before gave, with the same order and filters."
            raise SettingsInvalid(message)
        return tuple(json.loads(said))

    def _mark(self, said: str) -> str:
        return hmac.digest(self._key, f"{self._of}\n{said}".encode(), "sha256").hex()[:_MARK]
