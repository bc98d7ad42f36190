"""What the statistics say, drawn without a browser."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from agent import Agent, DayUse, Figures, Spread, Status
from storage import Message, Outcome, Sender, Store, Tally
from tests.app_test import app_test
from tests.conftest import Clock
from ui.statistics.data import MOST_COLUMNS, PICTURES, turns_by_time

TODAY = datetime.now(UTC).astimezone().date()


def page(agent: "Any") -> None:
    from ui.statistics import draw_statistics  # noqa: PLC0415 - AppTest runs the source of this function by itself

    draw_statistics(agent)


def show(agent: Agent, **address: str | list[str]) -> AppTest:
    shown = app_test(page, agent)
    for name, value in address.items():
        shown.query_params[name] = value
    return drawn(shown.run())


def drawn(shown: AppTest) -> AppTest:
    assert not shown.exception
    return shown


def figures(shown: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in shown.metric}


def captions(shown: AppTest) -> list[str]:
    return [caption.value for caption in shown.caption]


def sentences(shown: AppTest) -> list[str]:
    """What the charts say to those who do not see them."""
    return [chart.proto.alt for chart in shown.get("vega_lite_chart")]


def table(shown: AppTest, title: str) -> pd.DataFrame:
    """The data of a chart, as one sees them below it."""
    shown.session_state[f"table of {title}"] = True
    (found,) = drawn(shown.run()).dataframe
    value: pd.DataFrame = found.value
    return value


class Past:
    """Turns on days before today."""

    def __init__(self, url: str) -> None:
        self._clock = Clock()
        self.store = Store(url, clock=self._clock)
        self._process = self.store.running.begin_process()

    def turn(
        self,
        days: int,
        session: str = "lisbon",
        model: str = "echo",
        status: Status = Status.COMPLETE,
        reply: str = "Hi",
    ) -> None:
        """It begins at noon, by the clock of this machine; the first text comes after 2 s, all of it after 6."""
        noon = datetime.combine(TODAY - timedelta(days=days), datetime.min.time()).astimezone() + timedelta(hours=12)
        self._clock.now = noon.astimezone(UTC)
        self.store.sessions.start("local", session)
        prompt = Message(Sender.HUMAN, "Where to?")
        opened = self.store.turns.open("local", session, prompt, model=model, window=3, process_id=self._process)
        self._clock.forward(seconds=6)
        first = noon + timedelta(seconds=2)
        told = Outcome(
            status, (Message(Sender.AI, reply),), {}, first.astimezone(UTC), input_tokens=200, output_tokens=80
        )
        self.store.turns.close(opened, told)


@pytest.fixture
def past(agent: Agent, url: str) -> Iterator[Past]:
    past = Past(url)
    yield past
    past.store.close()


def test_before_the_first_turn_every_part_says_that_there_is_nothing(agent: Agent) -> None:
    for part, charts in PICTURES.items():
        shown = show(agent, figures=part)
        said = [caption for caption in captions(shown) if caption.startswith("No ")]
        assert len(said) == len(charts)
        assert not sentences(shown)
    assert set(figures(show(agent)).values()) == {"0"}
    assert figures(show(agent, figures="Speed"))["Tokens a second"] == "–"


@pytest.mark.parametrize(
    ("chosen", "turns"), [("7 days", "1"), ("30 days", "2"), ("12 months", "3"), ("Everything", "4")]
)
def test_a_range_has_the_turns_of_its_days(agent: Agent, past: Past, chosen: str, turns: str) -> None:
    for days in (800, 364, 29, 6):
        past.turn(days)
    assert figures(show(agent, range=chosen))["Turns"] == turns


def test_days_of_ones_own_are_the_first_and_the_last_that_one_chooses(agent: Agent, past: Past) -> None:
    for days in (50, 49, 40, 39):
        past.turn(days)
    chosen = [TODAY - timedelta(days=49), TODAY - timedelta(days=40)]
    shown = show(agent, range="Other days", days=[day.isoformat() for day in chosen])
    assert figures(shown)["Turns"] == "2"
    assert len(table(shown, "Turns by day")) == 10

    shown.date_input[0].set_value((TODAY - timedelta(days=50), TODAY)).run()
    assert figures(drawn(shown))["Turns"] == "4"


def test_how_turns_ended_is_counted_and_stands_in_the_table(agent: Agent, past: Past) -> None:
    ends = [Status.COMPLETE] * 3 + [Status.FAILED] * 2 + [Status.STOPPED, Status.INTERRUPTED]
    for status in ends:
        past.turn(2, status=status)
    shown = show(agent)
    counted = figures(shown)
    assert (counted["Turns"], counted["Failed"], counted["Stopped"], counted["Interrupted"]) == ("7", "2", "1", "1")
    assert "7 turns, of which 1 stopped, 1 interrupted, 2 failed" in sentences(shown)[0]

    days = table(shown, "Turns by day")
    assert len(days) == 30
    assert tuple(days.iloc[-3]) == (TODAY - timedelta(days=2), 3, 1, 1, 2)
    assert days[["Complete", "Stopped", "Interrupted", "Failed"]].to_numpy().sum() == 7


def test_the_hours_of_the_week_are_named_in_words_from_monday_on(agent: Agent, past: Past) -> None:
    past.turn(2)
    shown = show(agent)
    weekday = f"{TODAY - timedelta(days=2):%A}"
    assert f"most on {weekday} from 12:00 to 13:00, 1 turn." in sentences(shown)[1]
    hours = table(shown, "Turns by hour of the week")
    assert len(hours) == 7 * 24
    assert tuple(hours.iloc[0]) == ("Monday", 0, 0)
    assert [tuple(row) for row in hours[hours["Turns"] > 0].to_numpy()] == [(weekday, 12, 1)]


def test_tokens_speed_and_lengths_are_those_of_the_turns(agent: Agent, past: Past) -> None:
    for model in ("fast", "fast", "slow"):
        past.turn(1, model=model, reply="Lisbon")
    shown = show(agent, figures="Tokens")
    assert figures(shown) | {"Tokens in": "600", "Tokens out": "240"} == figures(shown)
    assert table(shown, "Tokens by model").to_dict("list") == {
        "Model": ["fast", "slow"],
        "Tokens in": [400, 200],
        "Tokens out": [160, 80],
    }
    days = table(show(agent, figures="Tokens"), "Tokens by day")
    assert (days["Tokens in"].sum(), days["Tokens out"].sum()) == (600, 240)

    speed = show(agent, figures="Speed")
    assert figures(speed)["Tokens a second"] == "20.0"
    assert 1.6 < float(figures(speed)["First text, median"].removesuffix(" s")) < 2.4
    assert 4.8 < float(figures(speed)["Whole reply, 95 %"].removesuffix(" s")) < 7.2
    assert table(speed, "Tokens a second by model").to_dict("list") == {
        "Model": ["fast", "slow"],
        "Tokens a second": [20, 20],
    }

    lengths = figures(show(agent, figures="Lengths"))
    assert (lengths["Characters a prompt"], lengths["Characters a reply"]) == ("9", "6")


def test_the_figures_of_one_session_are_its_own(agent: Agent, past: Past) -> None:
    past.turn(3, "porto")
    past.turn(2, "lisbon")
    past.turn(1, "lisbon")
    past.store.sessions.rename("local", "lisbon", "A *week* in Lisbon")
    shown = show(agent, session="lisbon", scope="This session")
    assert figures(shown)["Turns"] == "2"
    assert "Sessions begun" not in figures(shown)
    assert shown.subheader[0].value == r"A \*week\* in Lisbon"
    assert re.search(r"Begun [12] d ago, last used", captions(shown)[0])
    assert "4 messages stored, 2 turns on the path, 2 of them seen by the model" in captions(shown)[0]

    shown.segmented_control(key="scope").set_value("All sessions").run()
    assert figures(drawn(shown))["Turns"] == "3"
    assert figures(shown)["Sessions begun"] == "2"
    assert shown.query_params["session"] == "lisbon"


def test_a_session_that_is_not_there_leaves_the_figures_of_all(agent: Agent, past: Past) -> None:
    past.turn(1)
    shown = show(agent, session="nowhere", scope="This session")
    assert "There is no session “nowhere”." in shown.warning[0].value
    assert figures(shown)["Turns"] == "1"


def test_the_name_of_a_model_is_shown_as_it_is(agent: Agent, past: Past) -> None:
    name = "my *model* [new](http://127.0.0.1:9) $x$ :red[no]"
    past.turn(1, model=name)
    shown = show(agent, figures="Tokens")
    assert f"The most used, {name}: tokens in 200, tokens out 80." in sentences(shown)[1]
    assert list(table(shown, "Tokens by model")["Model"]) == [name]


def test_of_many_models_the_most_used_are_drawn_and_all_are_in_the_table(agent: Agent, past: Past) -> None:
    for number in range(15):
        past.turn(1, model=f"model {number}")
    shown = show(agent, figures="Lengths")
    assert "The first 12 of 15; the table has all of them." in captions(shown)
    assert len(table(shown, "Average characters by model")) == 15


def used(days: int) -> Figures:
    """A turn on every one of so many days."""
    until = date(2026, 5, 20)
    each = tuple(DayUse(until - timedelta(days=day), turns=1) for day in reversed(range(days)))
    return Figures(each[0].day, until, Tally(turns=days), Spread(), Spread(), (0,) * 168, each, ())


@pytest.mark.parametrize(
    ("days", "step"),
    [(1, "day"), (100, "day"), (101, "week"), (700, "week"), (701, "month"), (2800, "month"), (20_000, "year")],
)
def test_however_long_the_range_there_are_few_columns_and_none_is_lost(days: int, step: str) -> None:
    picture = turns_by_time(used(days))
    assert picture.title == f"Turns by {step}"
    assert len(picture.table) <= MOST_COLUMNS + 1
    assert picture.table["Complete"].sum() == days
    assert picture.drawn["Label"].is_unique
