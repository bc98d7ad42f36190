"""Themes and milestones as they go over the wire. Days are ISO 8601, by the clock of the server."""

from datetime import date
from typing import Literal, Self

from pydantic import Field

from agent import Milestone, Reached, Theme, Themes
from api.schemas import Shown


class ThemeShown(Shown):
    text: str
    total: int = Field(description="Prompts that hold it.")
    counts: list[int] = Field(description="The same of each week.")
    rise: float = Field(description="By how many standard errors it is said more often in the late weeks than before.")
    trend: Literal["rising", "falling", "neither"]

    @classmethod
    def of(cls, theme: Theme) -> Self:
        return cls(
            text=theme.text,
            total=theme.total,
            counts=list(theme.counts),
            rise=theme.rise,
            trend="rising" if theme.is_rising else "falling" if theme.is_falling else "neither",
        )


class WeekShown(Shown):
    first: date = Field(description="The first day that it has in the range; weeks begin on Monday.")
    prompts: int = Field(description="How many of it were read.")


class ThemesShown(Shown):
    """What was asked about in the range of days, by week."""

    since: date
    until: date
    weeks: list[WeekShown]
    share: float = Field(description="Of the prompts of the range that were read; 1 is all of them.")
    turning: date | None = Field(description="Where the late weeks begin; null where nothing is before them.")
    themes: list[ThemeShown] = Field(description="Those that most prompts hold first.")

    @classmethod
    def of(cls, themes: Themes) -> Self:
        weeks = zip(themes.weeks, themes.prompts, strict=True)
        return cls(
            since=themes.since,
            until=themes.until,
            weeks=[WeekShown(first=first, prompts=prompts) for first, prompts in weeks],
            share=themes.share,
            turning=themes.turning,
            themes=[ThemeShown.of(theme) for theme in themes.themes],
        )


class MilestoneShown(Shown):
    what: Reached
    day: date = Field(description="When it was reached, or where it begins.")
    until: date | None = Field(description="Its last day, where it is more than one.")
    number: int = Field(description="Messages of a session, turns of a day or week, days of a streak, turns in all.")
    session_id: str | None
    title: str | None

    @classmethod
    def of(cls, milestone: Milestone) -> Self:
        return cls.model_validate(milestone, from_attributes=True)
