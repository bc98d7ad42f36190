"""Names of files that every system takes."""

import re
import unicodedata

LONGEST = 100
"""Of a name without its ending, in bytes: many systems take 255 of a whole name, and some little more of a path."""

_NO_NAME = re.compile(r"[^\w.-]+")


def as_name(text: str) -> str:
    """What says the same on every system; "" where nothing of it can be in a name."""
    name = _NO_NAME.sub("-", unicodedata.normalize("NFC", text))
    return name[:LONGEST].encode()[:LONGEST].decode(errors="ignore").strip("-. ")


class Names:
    """Those that were given out in one folder, told apart as the least careful system does: by letters alone."""

    def __init__(self) -> None:
        self._given: set[str] = set()
        self._numbers: dict[str, int] = {}

    def unlike_others(self, name: str) -> str:
        """The name, with a number where it was given out before."""
        stem, point, ending = name.rpartition(".")
        found = name
        while (key := found.casefold()) in self._given:
            number = self._numbers[name.casefold()] = self._numbers.get(name.casefold(), 1) + 1
            found = f"{stem}-{number}{point}{ending}"
        self._given.add(key)
        return found
