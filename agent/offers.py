"""Exports that wait to be fetched, each under a key that nobody can guess."""

import secrets
import threading
import time
from collections import OrderedDict

from agent.errors import OfferGone
from agent.exporting import Export

LIFE = 600.0
"""Seconds for which an export can be fetched."""

MOST = 1000
"""As many wait; of more the oldest is forgotten."""


class Offers:
    """Whoever has the key has the export: it stands in an address that a browser follows without a token."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, tuple[float, Export]] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, export: Export) -> str:
        key = secrets.token_urlsafe(24)
        with self._lock:
            self._waiting[key] = (time.monotonic() + LIFE, export)
            while len(self._waiting) > MOST:
                self._waiting.popitem(last=False)
        return key

    def find(self, key: str) -> Export:
        """Raises OfferGone where it has waited for too long, or never did."""
        with self._lock:
            until, export = self._waiting.get(key, (0.0, None))
            if export is None or until < time.monotonic():
                self._waiting.pop(key, None)
                raise OfferGone
        return export
