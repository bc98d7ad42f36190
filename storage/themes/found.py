"""What is given out: themes, each with its weeks."""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

CLEAR = 1.6
"""From how much on a rise or fall is called one: of words that are said as often as before, one in ten looks so."""


@dataclass(frozen=True, slots=True)
class Theme:
    """A word, or two that stand together, as most of the prompts write it.

    `counts` are the prompts that hold it, of each week. `rise` says by how many standard errors the odds of a prompt to
    hold it are higher in the late weeks than in those before; below 0 it falls.
    """

    text: str
    counts: tuple[int, ...]
    rise: float

    @property
    def total(self) -> int:
        return sum(self.counts)

    @property
    def is_rising(self) -> bool:
        return self.rise >= CLEAR

    @property
    def is_falling(self) -> bool:
        return self.rise <= -CLEAR


@dataclass(frozen=True, slots=True)
class Themes:
    """The themes of the days from `since` to `until`, both included, of all sessions or of one.

    `weeks` are the first days that each week has in the range, and `prompts` how many were read of each: of all of them
    the `share`, 1 for all. `turning` is the first day of the late weeks: the last ones that together have a quarter of
    the prompts; None where there are none before them. `themes` have the most prompts first; none is part of another.
    """

    since: date
    until: date
    weeks: tuple[date, ...]
    prompts: tuple[int, ...]
    share: float
    turning: date | None
    themes: tuple[Theme, ...]

    @property
    def rising(self) -> tuple[Theme, ...]:
        """The strongest first."""
        return tuple(sorted((theme for theme in self.themes if theme.is_rising), key=lambda theme: -theme.rise))

    @property
    def falling(self) -> tuple[Theme, ...]:
        """The strongest first."""
        return tuple(sorted((theme for theme in self.themes if theme.is_falling), key=lambda theme: theme.rise))

    @property
    def others(self) -> tuple[Theme, ...]:
        """Those that neither rise nor fall, those with the most prompts first."""
        return tuple(theme for theme in self.themes if not theme.is_rising and not theme.is_falling)

    def to_frame(self) -> "pd.DataFrame":
        """One row a week, by its first day, and one column a theme, in order: how many prompts of the week hold it.

        Divided by `prompts`, a row has shares; `rise` and the like are the themes' own.
        """
        import pandas as pd  # noqa: PLC0415 - half a second that only notebooks need

        weeks = pd.DatetimeIndex(self.weeks, name="week")
        return pd.DataFrame({theme.text: theme.counts for theme in self.themes}, index=weeks)
