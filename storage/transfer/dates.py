"""Moments as they are written: by us, one way; by other programs as numbers, numbers as text, ISO 8601."""

import math
import re
from datetime import UTC, datetime, timedelta

from storage.records import EPOCH

END = datetime(3000, 1, 1, tzinfo=UTC)
"""The statistics go through all the days that there may be."""

_OURS = re.compile(r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:\d\d\.\d{6}Z", re.ASCII)
_LONGEST = 40
_UNITS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3), (0, 1))
"""From which number on it counts nanoseconds, microseconds, milliseconds, seconds, and how many make a second."""


def is_possible(moment: datetime) -> bool:
    """Whether a computer may have seen it: from 1970 until the year 3000."""
    return EPOCH <= moment < END


def as_text(moment: datetime) -> str:
    """A UTC moment as our own files have it, to the microsecond."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def from_text(text: str) -> datetime | None:
    """The moment that `as_text` wrote so; None for what it did not, or what is not possible."""
    try:
        found = datetime.fromisoformat(text) if _OURS.fullmatch(text) else None
    except ValueError:
        return None
    return found if found and is_possible(found) else None


def moment(value: object) -> datetime | None:
    """The UTC moment that is meant; None where none is. Seconds and their fractions are told apart by size.

    Text without a time zone is UTC, and 0 is no date, nor is what no computer has seen.
    """
    if isinstance(value, str):
        return _of_text(value.strip()) if len(value) <= _LONGEST else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _of_number(value)
    return None


def _of_text(text: str) -> datetime | None:
    try:
        return _of_number(float(text))
    except ValueError:
        pass
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    return found.astimezone(UTC) if is_possible(found) else None


def _of_number(number: float) -> datetime | None:
    try:
        seconds = next((number / many for least, many in _UNITS if number >= least), 0.0)
        found = EPOCH + timedelta(seconds=seconds) if seconds > 0 and math.isfinite(seconds) else None
    except OverflowError:
        return None
    return found if found and is_possible(found) else None
