"""Themes and milestones through the agent."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from agent import Agent, Reached, SessionNotFound, SettingsInvalid
from tests.prompts import write_until_last_week


@pytest.fixture
def talkative(make_agent: Callable[..., Agent], url: str) -> Agent:
    """Twelve weeks of talks that ended a week ago."""
    write_until_last_week(url)
    return make_agent()


def test_the_last_days_are_those_that_statistics_count_too(talkative: Agent) -> None:
    themes, used = talkative.themes(50), talkative.stats(50).used
    assert (themes.since, themes.until) == (used.since, used.until)
    assert sum(themes.prompts) == used.tally.turns
    assert themes == talkative.themes(since=used.since)
    assert "machine learning" in {theme.text for theme in talkative.themes().rising}
    assert len(talkative.themes(count=1).themes) <= 3


def test_a_range_is_given_once_and_a_session_is_ones_own(talkative: Agent) -> None:
    with pytest.raises(SettingsInvalid, match="not both"):
        talkative.themes(7, since=datetime.now(UTC).date())
    with pytest.raises(SettingsInvalid):
        talkative.themes(0)
    with pytest.raises(SessionNotFound):
        talkative.themes(session="nowhere")
    with pytest.raises(SessionNotFound):
        talkative.of("anna").themes(session="rust 5")
    assert {theme.text for theme in talkative.themes(session="rust 5").themes} >= {"Rust", "parser"}
    assert talkative.of("anna").themes().themes == ()


def test_themes_are_a_frame_of_weeks(talkative: Agent) -> None:
    themes = talkative.themes()
    frame = themes.to_frame()
    assert [day.date() for day in frame.index] == list(themes.weeks)
    assert {text: tuple(counts) for text, counts in frame.items()} == {one.text: one.counts for one in themes.themes}
    nothing = talkative.of("anna").themes().to_frame()
    assert (len(nothing), len(nothing.columns)) == (1, 0)


def test_milestones_lead_to_sessions_that_can_be_opened(talkative: Agent) -> None:
    found = {milestone.what: milestone for milestone in talkative.milestones()}
    for what in (Reached.FIRST_SESSION, Reached.LONGEST_SESSION):
        assert found[what].session_id is not None
        assert talkative.find(found[what].session_id or "").session.title == found[what].title
    assert found[Reached.TURNS].number == 100
    assert talkative.of("anna").milestones() == ()
