"""The weeks of a range of days, from Monday on, by the clock of this machine."""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

from storage.records import as_moment, to_microseconds

DAY = timedelta(days=1)
WEEK = 7


@dataclass(frozen=True)
class Weeks:
    """Those of the days from the first to the last, both included; none where the last one is before the first."""

    since: date
    until: date

    @cached_property
    def firsts(self) -> tuple[date, ...]:
        """The first day that each week has in the range."""
        if self.until < self.since:
            return ()
        monday = self.since.toordinal() + WEEK - self.since.weekday()
        return self.since, *map(date.fromordinal, range(monday, self.until.toordinal() + 1, WEEK))

    @cached_property
    def _edges(self) -> list[int]:
        return [to_microseconds(as_moment(first)) for first in self.firsts]

    def place(self, moment: int) -> int:
        """In which of them a moment is, in microseconds, that is in the range."""
        return bisect_right(self._edges, moment) - 1


def end_of(day: date) -> int:
    """The last microsecond of a day."""
    return to_microseconds(as_moment(day + DAY)) - 1
