"""Themes of a range of days."""

from datetime import date

from storage.clock import Clock
from storage.database import Database
from storage.records import as_moment, to_microseconds, to_moment
from storage.rows import find_session
from storage.themes.asked import EARLIEST, LATEST, Asked, Scope, asked
from storage.themes.choose import chosen
from storage.themes.found import Themes
from storage.themes.said import counted, said_in
from storage.themes.weeks import DAY, Weeks, end_of

FIRST_DAY = date(1970, 1, 1)

COUNT = 8
"""Themes of each kind."""


class ThemeSearch:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def find(
        self,
        owner: str,
        session_id: str | None = None,
        *,
        since: date | None = None,
        until: date | None = None,
        count: int = COUNT,
    ) -> Themes:
        """Up to `count` words that rise in a range of days, as many that fall, and as many that do neither.

        They are those of the prompts on the active paths of all sessions that are not archived, or of one session,
        by the day on which they were asked. What lies before 1970 or after today is left out of the range; without
        `since` it begins with the first prompt. Raises SessionNotFound.
        """
        today = self._clock().astimezone().date()
        since = since and min(max(since, FIRST_DAY), today + DAY)
        until = until and max(until, FIRST_DAY - DAY)
        is_past = until is not None and until < today
        with self._database.read() as transaction:
            key = None if session_id is None else find_session(transaction, owner, session_id).key
            from_, to = _bounds(since, until if is_past else None)
            found = asked(transaction, Scope(owner, key, from_, to, is_past))
        weeks = _weeks(since, until if is_past and until else today, found)
        return _themes(weeks, found, max(1, count))


def _bounds(since: date | None, until: date | None) -> tuple[int, int]:
    """In microseconds. What a clock that is ahead of this one calls today is none that lies ahead."""
    return (
        EARLIEST if since is None else to_microseconds(as_moment(since)),
        LATEST if until is None else end_of(until),
    )


def _weeks(since: date | None, until: date, found: Asked) -> Weeks:
    days = [to_moment(prompt.moment).astimezone().date() for prompt in (*found.prompts[:1], *found.prompts[-1:])]
    until = max([until, *days])
    return Weeks(since or min([until, *days]), until)


def _themes(weeks: Weeks, found: Asked, count: int) -> Themes:
    said = said_in(found.prompts, weeks)
    counts = counted(said, weeks)
    firsts, sides = weeks.firsts, counts.sides
    turning = firsts[sides.turning] if sides.before else None
    themes = chosen(said, counts, count)
    return Themes(weeks.since, weeks.until, firsts, tuple(counts.prompts), found.share, turning, themes)
