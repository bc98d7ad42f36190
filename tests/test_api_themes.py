"""Themes and milestones over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from agent import Agent
from tests.prompts import WEEKS, write_until_last_week


@pytest.fixture
def client(url: str, agent: Agent, http: httpx.Client) -> httpx.Client:
    """Of a service with twelve weeks of talks, which ended a week ago."""
    write_until_last_week(url)
    return http


def found(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_themes_have_their_weeks_and_say_how_they_move(client: httpx.Client, agent: Agent) -> None:
    themes = found(client.get("/v1/themes"))
    assert len(themes["weeks"]) == WEEKS + 1
    assert [week["prompts"] for week in themes["weeks"]] == list(agent.themes().prompts)
    assert themes["share"] == 1
    trends = {theme["text"]: theme["trend"] for theme in themes["themes"]}
    assert trends["machine learning"] == "rising"
    assert trends["Lisbon"] == "falling"
    assert trends["京都"] == "neither"
    for theme in themes["themes"]:
        assert theme["total"] == sum(theme["counts"])
        assert len(theme["counts"]) == len(themes["weeks"])


def test_themes_are_asked_for_by_range_session_and_count(client: httpx.Client) -> None:
    few = found(client.get("/v1/themes", params={"count": 1, "days": 60}))
    assert len(few["themes"]) <= 3
    assert (datetime.now(UTC).astimezone().date() - timedelta(days=59)).isoformat() == few["since"]
    one = found(client.get("/v1/themes", params={"session": "rust 5"}))
    assert {theme["text"] for theme in one["themes"]} >= {"Rust", "parser"}
    past = found(client.get("/v1/themes", params={"until": "2001-01-01"}))
    assert (past["themes"], past["turning"]) == ([], None)


@pytest.mark.parametrize(
    ("asked", "status"),
    [({"session": "nowhere"}, 404), ({"days": 0}, 422), ({"count": 0}, 422), ({"days": 3, "since": "2026-01-01"}, 422)],
)
def test_what_can_not_be_asked_for_is_a_problem(client: httpx.Client, asked: dict[str, Any], status: int) -> None:
    answer = client.get("/v1/themes", params=asked)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_milestones_name_their_sessions(client: httpx.Client) -> None:
    by_kind = {milestone["what"]: milestone for milestone in found(client.get("/v1/milestones"))}
    assert by_kind["first_session"]["session_id"] == "lisbon 0"
    assert by_kind["longest_session"]["number"] == 22
    assert by_kind["busiest_week"]["until"] > by_kind["busiest_week"]["day"]
    assert by_kind["turns"]["number"] == 100
    assert by_kind["turns"]["title"] is None


def test_a_service_without_a_turn_has_neither(http: httpx.Client) -> None:
    assert found(http.get("/v1/milestones")) == []
    assert found(http.get("/v1/themes"))["themes"] == []
