"""How surely a word is said more often than before, or less often.

Compared are the odds of a prompt to hold it, in the late weeks and in those before: the logarithm of their ratio, by
its standard error. Both are drawn towards how often the word is said at all, as if some more prompts had been read that
say it so often: so a few prompts prove little (log-odds with an informative prior: Monroe, Colaresi and Quinn 2008).
What is said all the time comes out near 0, in any language.
"""

from dataclasses import dataclass
from math import log, sqrt

DRAWN = 20
"""Prompts that are added in thought to each of the two sides."""

LATE = 4
"""The late weeks have one of so many prompts, or more."""


@dataclass(frozen=True, slots=True)
class Sides:
    """How many prompts were read of the late weeks, which begin with the one numbered `turning`, and before."""

    turning: int
    late: int
    before: int

    def rise(self, late: int, total: int) -> float:
        """Of a word that so many prompts of the late weeks hold, and so many of all; 0 where no weeks are before."""
        if not self.before:
            return 0.0
        # With half a prompt more on either side, none is sure: there are words that all prompts hold.
        drawn = DRAWN * (total + 0.5) / (self.late + self.before + 1)
        here, there = late + drawn, total - late + drawn
        not_here, not_there = self.late + DRAWN - here, self.before + DRAWN - there
        return log(here * not_there / (there * not_here)) / sqrt(1 / here + 1 / there + 1 / not_here + 1 / not_there)


def sides_of(prompts: list[int]) -> Sides:
    """Of weeks with so many prompts each."""
    total, late = sum(prompts), 0
    turning = len(prompts)
    while turning and late * LATE < total:
        turning -= 1
        late += prompts[turning]
    return Sides(turning, late, total - late)
