"""What prompts say: their words, how many prompts hold each, and which of them say nothing."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, groupby, islice
from operator import attrgetter

from storage.themes.asked import Prompt
from storage.themes.fillers import fillers_of, is_grammar, units_of
from storage.themes.phrases import line_of
from storage.themes.rise import Sides, sides_of
from storage.themes.weeks import Weeks
from storage.words import fold, parts

MOST = 120
"""So many words of a prompt count, from its beginning."""

LEAST = 3
"""So many different prompts make a word a theme."""

OFTEN, MOSTLY = 1 / 10, 3 / 4
"""A word that so many prompts hold, in so many of the weeks, says nothing of any."""

LEAST_WEEKS, LEAST_OFTEN = 4, 20
"""Of fewer weeks or prompts, that can't be told."""


@dataclass(frozen=True, slots=True)
class Said:
    """A prompt: in which week, its text, as `line_of` has it, and what is counted of it."""

    week: int
    text: str
    line: str
    units: frozenset[str]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many prompts hold each unit, of all and of the late weeks; `prompts` are those of each week."""

    prompts: list[int]
    sides: Sides
    total: Counter[str]
    late: Counter[str]
    fillers: set[str]

    def candidates(self) -> list[tuple[float, int, str]]:
        """The units that may be themes: how they rise, how many prompts hold them, and themselves."""
        rise, late = self.sides.rise, self.late
        return [
            (rise(late[unit], count), count, unit)
            for unit, count in self.total.items()
            if count >= LEAST and unit not in self.fillers and _is_readable(unit)
        ]


def said_in(prompts: Sequence[Prompt], weeks: Weeks) -> list[Said]:
    return [_said(prompt.text, weeks.place(prompt.moment)) for prompt in prompts]


def _said(text: str, week: int) -> Said:
    found = parts(fold(text))
    units = found if text.isascii() else chain.from_iterable(map(units_of, found))
    return Said(week, text, line_of(found), frozenset(islice(units, MOST)))


def counted(said: Sequence[Said], weeks: Weeks) -> Counts:
    by_week = Counter(one.week for one in said)
    prompts = [by_week[week] for week in range(len(weeks.firsts))]
    sides = sides_of(prompts)
    total = Counter(chain.from_iterable(one.units for one in said))
    late = Counter(chain.from_iterable(one.units for one in said if one.week >= sides.turning))
    return Counts(prompts, sides, total, late, _fillers(said, total) | _everywhere(said, prompts, total))


def _fillers(said: Sequence[Said], total: Counter[str]) -> set[str]:
    """Those that are fillers in most of the prompts that hold them."""
    as_filler = Counter(chain.from_iterable(fillers_of(one.units) for one in said))
    return {unit for unit, count in as_filler.items() if 2 * count >= total[unit]}


def _everywhere(said: Sequence[Said], prompts: list[int], total: Counter[str]) -> set[str]:
    """Those that are said all the time, whatever language it is."""
    active = sum(map(bool, prompts))
    if active < LEAST_WEEKS:
        return set()
    frequent = {unit for unit, count in total.items() if count >= max(LEAST_OFTEN, len(said) * OFTEN / 2)}
    often: Counter[str] = Counter()
    for week, group in groupby(said, attrgetter("week")):
        counts = Counter(chain.from_iterable(one.units & frequent for one in group))
        often.update(unit for unit, count in counts.items() if count >= OFTEN * prompts[week])
    return {unit for unit, weeks in often.items() if weeks >= MOSTLY * active}


def _is_readable(unit: str) -> bool:
    """No number, no single letter, no half of a character, and no grammar."""
    return len(unit) > 1 and unit[0].isalnum() and not unit.isnumeric() and not is_grammar(unit)
