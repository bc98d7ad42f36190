"""What was asked about, by week: words that come up, words that fade, and a chart of them all."""

from collections.abc import Sequence
from functools import partial
from itertools import groupby

import pandas as pd
import streamlit as st

from agent import Agent, Theme, Themes
from ui.sidebar.search import open_search
from ui.statistics.charts import LABEL, Picture, draw_picture, weeks
from ui.statistics.data import MOST_COLUMNS, STEPS, Step
from ui.times import day_in_words
from ui.words import as_plain, count

THEME, PROMPTS = "Theme", "Prompts"

NO_PROMPT = "No prompt in these days."
TOO_FEW = "Too little was asked in these days: what three different prompts hold is a theme."
MEANING = (
    "A number is how many prompts hold the word; a click searches for it. Words that say nothing, in any language, and "
    "those said all the time are left out, and so are branches one has left, and archived sessions."
)


def draw_themes(agent: Agent, themes: Themes, of: str, *, one: bool) -> None:
    """`of` says in the name of a file whose these are; with `one` it is the session that is open."""
    since = "" if themes.turning is None else f" since {day_in_words(themes.turning)}"
    _draw_words(agent, f"Coming up{since}", themes.rising, one=one)
    _draw_words(agent, f"Fading{since}", themes.falling, one=one)
    moving = themes.rising or themes.falling
    _draw_words(agent, "Also asked about" if moving else "Asked about", themes.others, one=one)
    draw_picture(themes_by_time(themes), of)
    if themes.themes:
        st.caption(f"{_read(themes)} {MEANING}")


def _draw_words(agent: Agent, heading: str, themes: Sequence[Theme], *, one: bool) -> None:
    if not themes:
        return
    st.caption(heading)
    with st.container(horizontal=True, gap="xsmall"):
        for theme in themes:
            st.button(
                f"{as_plain(theme.text)} :gray[{theme.total:,}]",
                key=f"theme {theme.text}",
                on_click=partial(open_search, agent, _searched(theme), here=one),
            )


def _searched(theme: Theme) -> str:
    return f'"{theme.text}"' if " " in theme.text else theme.text


def _read(themes: Themes) -> str:
    few = "" if themes.share == 1 else f", about one of {1 / themes.share:,.0f}"
    return f"{count(sum(themes.prompts), 'prompt')} read{few}."


def themes_by_time(themes: Themes) -> Picture:
    """A row for each theme, in the order in which they were talked about."""
    step = next((step for step in STEPS[1:] if 7 * len(themes.weeks) <= MOST_COLUMNS * step.days), STEPS[-1])
    title = f"Themes by {step.noun}"
    if not themes.themes:
        return Picture(title, TOO_FEW if any(themes.prompts) else NO_PROMPT)
    ordered = sorted(themes.themes, key=_middle)
    most = max(themes.themes, key=lambda theme: theme.total)
    said = f"{title}: {count(len(ordered), 'theme')}, most of all {most.text}, in {count(most.total, 'prompt')}."
    return Picture(
        title, said, weeks(step.noun.capitalize(), len(ordered)), _table(themes), _drawn(ordered, themes, step)
    )


def _middle(theme: Theme) -> tuple[float, str]:
    """The week around which its prompts are."""
    return sum(place * held for place, held in enumerate(theme.counts)) / theme.total, theme.text


def _table(themes: Themes) -> pd.DataFrame:
    rows = [(theme.text, _trend(theme), theme.total, *theme.counts) for theme in themes.themes]
    return pd.DataFrame(rows, columns=[THEME, "Trend", PROMPTS, *(week.isoformat() for week in themes.weeks)])


def _trend(theme: Theme) -> str:
    return "coming up" if theme.is_rising else "fading" if theme.is_falling else ""


def _drawn(ordered: Sequence[Theme], themes: Themes, step: Step) -> pd.DataFrame:
    """A row for each field of the chart, which begins with the first prompt."""
    first = next(place for place, prompts in enumerate(themes.prompts) if prompts)
    groups = groupby(range(first, len(themes.weeks)), lambda place: step.begin(themes.weeks[place]))
    columns = [(step.in_words(themes.weeks[group[0]]), group) for group in ([*places] for _, places in groups)]
    rows = [
        (theme.text, label, sum(theme.counts[place] for place in group), sum(themes.prompts[place] for place in group))
        for theme in ordered
        for label, group in columns
    ]
    return pd.DataFrame(rows, columns=[THEME, LABEL, PROMPTS, "Of"])
