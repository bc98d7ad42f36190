"""What the charts of the statistics show: the data of each, and a sentence that says the most important of it."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import NamedTuple

import pandas as pd

from agent import DayUse, Figures, ModelUse, Spread
from ui.statistics.charts import DAYS, LABEL, Picture, columns, rows, week
from ui.times import day_in_words, month_in_words
from ui.words import count

MOST_COLUMNS = 100
MOST_MODELS = 12
HOURS = 24
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

ENDS = ("Complete", "Stopped", "Interrupted", "Failed")
COLOURS_OF_ENDS = (*ENDS[:3], "", ENDS[3])
"""The fourth colour of the theme is green, which is not for what failed."""

TOKENS = ("Tokens in", "Tokens out")
SPEED = ("Tokens a second",)
TIMES = ("Median", "95th percentile")
LENGTHS = ("Prompt", "Reply")

NO_TURN = "No turn in these days."
NO_REPLY = "No reply in these days."
NO_TOKENS = "No tokens were counted in these days."


NO_NAME = "not kept"
"""In place of a model's name, where somebody else's history came without."""

Sum = tuple[date, tuple[int, ...]]
"""The first day of a step that is in the range, and what was used in the step."""


class Step(NamedTuple):
    """What a column stands for: at least so many days, from the one that `begin` gives for each of them."""

    noun: str
    title: str
    days: int
    begin: Callable[[date], date]
    in_words: Callable[[date], str]


STEPS = (
    Step("day", DAYS[0], 1, lambda day: day, day_in_words),
    Step("week", DAYS[1], 7, lambda day: day - timedelta(days=day.weekday()), day_in_words),
    Step("month", DAYS[2], 28, lambda day: day.replace(day=1), month_in_words),
    Step("year", DAYS[3], 365, lambda day: day.replace(month=1, day=1), lambda day: str(day.year)),
)


def turns_by_time(used: Figures) -> Picture:
    step, tally = _step(used), used.tally
    title = f"Turns by {step.noun}"
    if not tally.turns:
        return Picture(title, NO_TURN)
    others = f"{tally.stopped:,} stopped, {tally.interrupted:,} interrupted, {tally.failed:,} failed"
    said = f"{title}: {count(tally.turns, 'turn')}, of which {others}."
    return _by_time(title, said, _sums(used, step, _ends), step, ENDS, COLOURS_OF_ENDS)


def tokens_by_time(used: Figures) -> Picture:
    step, tally = _step(used), used.tally
    title = f"Tokens by {step.noun}"
    if not tally.input_tokens + tally.output_tokens:
        return Picture(title, NO_TOKENS)
    said = f"{title}: {tally.input_tokens:,} in and {tally.output_tokens:,} out."
    sums = _sums(used, step, lambda day: (day.input_tokens, day.output_tokens))
    return _by_time(title, said, sums, step, TOKENS, TOKENS)


def turns_by_hour(used: Figures) -> Picture:
    title = "Turns by hour of the week"
    if not any(used.hours):
        return Picture(title, NO_TURN)
    hours = [(WEEKDAYS[hour // HOURS], hour % HOURS, turns) for hour, turns in enumerate(used.hours)]
    weekday, hour, most = max(hours, key=lambda row: row[2])
    table = pd.DataFrame(hours, columns=["Weekday", "Hour", "Turns"])
    said = f"{title}: most on {weekday} from {hour}:00 to {hour + 1}:00, {count(most, 'turn')}."
    return Picture(title, said, week(WEEKDAYS), table, table)


def tokens_by_model(used: Figures) -> Picture:
    return _by_model("Tokens by model", used, TOKENS, _tokens, ",", NO_TOKENS)


def speed_by_model(used: Figures) -> Picture:
    return _by_model("Tokens a second by model", used, SPEED, _speed, ",.1f", NO_TOKENS)


def first_text_by_model(used: Figures) -> Picture:
    title = "Seconds to the first text by model"
    return _by_model(title, used, TIMES, lambda use: _seconds(use.first_text), ",.2f", NO_REPLY)


def duration_by_model(used: Figures) -> Picture:
    title = "Seconds to the end of the reply by model"
    return _by_model(title, used, TIMES, lambda use: _seconds(use.duration), ",.2f", NO_TURN)


def lengths_by_model(used: Figures) -> Picture:
    return _by_model("Average characters by model", used, LENGTHS, _lengths, ",.0f", NO_TURN)


PICTURES: dict[str, tuple[Callable[[Figures], Picture], ...]] = {
    "Activity": (turns_by_time, turns_by_hour),
    "Tokens": (tokens_by_time, tokens_by_model),
    "Speed": (speed_by_model, first_text_by_model, duration_by_model),
    "Lengths": (lengths_by_model,),
}
"""By the part of the page."""


def _by_time(
    title: str, said: str, sums: Sequence[Sum], step: Step, kinds: tuple[str, ...], colours: tuple[str, ...]
) -> Picture:
    table = pd.DataFrame([(first, *numbers) for first, numbers in sums], columns=[step.title, *kinds])
    drawn = table.assign(**{LABEL: [step.in_words(first) for first, _ in sums]})
    first, most = max(sums, key=lambda of_step: sum(of_step[1]))
    said += f" The most in a {step.noun}: {sum(most):,}, {step.in_words(first)}."
    return Picture(title, said, columns(step.noun.capitalize(), kinds, colours), table, drawn)


def _step(used: Figures) -> Step:
    """The shortest of which there are not too many."""
    return next((step for step in STEPS if len(used.days) <= MOST_COLUMNS * step.days), STEPS[-1])


def _sums(used: Figures, step: Step, of_day: Callable[[DayUse], tuple[int, ...]]) -> list[Sum]:
    groups = (list(days) for _, days in groupby(used.days, lambda day: step.begin(day.day)))
    return [(days[0].day, tuple(map(sum, zip(*map(of_day, days), strict=True)))) for days in groups]


def _ends(day: DayUse) -> tuple[int, ...]:
    """In the order of ENDS."""
    return day.turns - day.stopped - day.interrupted - day.failed, day.stopped, day.interrupted, day.failed


def _by_model(
    title: str,
    used: Figures,
    kinds: tuple[str, ...],
    of_model: Callable[[ModelUse], Sequence[float | None]],
    form: str,
    nothing: str,
) -> Picture:
    """Of the models of which anything is known."""
    known = [(use.model or NO_NAME, of_model(use)) for use in used.models]
    known = [(model, numbers) for model, numbers in known if any(numbers)]
    if not known:
        return Picture(title, nothing)
    table = pd.DataFrame([(model, *numbers) for model, numbers in known], columns=["Model", *kinds])
    drawn = table.head(MOST_MODELS)
    said = f"{title}. The most used, {known[0][0]}: {_in_words(kinds, known[0][1], form)}. {_others(len(known) - 1)}"
    return Picture(title, said.strip(), rows(len(drawn), kinds, form), table, drawn)


def _in_words(kinds: Sequence[str], numbers: Sequence[float | None], form: str) -> str:
    said = [format(number or 0, form) for number in numbers]
    pairs = zip(kinds, said, strict=True)
    return ", ".join(f"{kind.lower()} {number}" for kind, number in pairs) if kinds[1:] else said[0]


def _others(number: int) -> str:
    return f"And {count(number, 'model')} more." if number else ""


def _tokens(use: ModelUse) -> Sequence[float | None]:
    return use.tally.input_tokens, use.tally.output_tokens


def _speed(use: ModelUse) -> Sequence[float | None]:
    return (use.tally.tokens_per_second,)


def _seconds(taken: Spread) -> Sequence[float | None]:
    return tuple(None if time is None else time.total_seconds() for time in (taken.median, taken.p95))


def _lengths(use: ModelUse) -> Sequence[float | None]:
    """On the average of its turns."""
    return use.tally.prompt_characters / use.tally.turns, use.tally.reply_characters / use.tally.turns
