"""Histograms of how long things took: their buckets grow by 2^(1/4), from a millisecond on."""

import math
from collections import Counter
from datetime import timedelta

from storage.records import Spread

STEPS = 4
"""Buckets from one time to its double."""

NONE = "none"
"""In place of a bucket: it never happened."""


def bucket(taken: timedelta | None) -> str:
    """The bucket of a time, as a key of JSON."""
    if taken is None:
        return NONE
    milliseconds = max(1.0, taken / timedelta(milliseconds=1))
    return str(math.floor(STEPS * math.log2(milliseconds)))


def spread(counts: Counter[str]) -> Spread:
    """What a histogram says."""
    buckets = sorted((int(name), count) for name, count in counts.items() if name != NONE)
    total = sum(count for _, count in buckets)
    return Spread(total, _at(buckets, 0.5 * total), _at(buckets, 0.95 * total)) if total else Spread()


def _at(buckets: list[tuple[int, int]], rank: float) -> timedelta:
    """The time that so many took at the most; within a bucket they count as evenly spread."""
    below = 0
    for number, count in buckets:
        if below + count >= rank:
            return timedelta(milliseconds=2 ** ((number + (rank - below) / count) / STEPS))
        below += count
    raise AssertionError("A rank is never beyond the last bucket.")
