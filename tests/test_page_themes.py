"""What the page says of themes and milestones, drawn without a browser."""

import re
from collections.abc import Callable

import pytest

from agent import Agent
from storage.themes import asked
from tests.prompts import prompts, write_until_last_week
from tests.test_page_statistics import captions, drawn, sentences, show, table
from ui.statistics.themes import NO_PROMPT, TOO_FEW


@pytest.fixture
def talkative(make_agent: Callable[..., Agent], url: str) -> Agent:
    """Twelve weeks of talks that ended a week ago."""
    write_until_last_week(url)
    return make_agent()


def words(agent: Agent, **address: str) -> list[str]:
    """The buttons of all words, without their numbers."""
    shown = show(agent, figures="Themes", **address)
    return [button.label.split(" :gray")[0] for button in shown.button if (button.key or "").startswith("theme ")]


def test_before_the_first_prompt_and_with_few_it_says_why_there_is_nothing(agent: Agent) -> None:
    assert NO_PROMPT in captions(show(agent, figures="Themes"))
    assert "They come with the first turn." in captions(show(agent))
    agent.conversation("lisbon").send("I go to Lisbon in May.")
    shown = show(agent, figures="Themes")
    assert TOO_FEW in captions(shown)
    assert not sentences(shown)


def test_words_that_come_up_and_fade_are_said_apart(talkative: Agent) -> None:
    shown = show(talkative, figures="Themes", range="Everything")
    coming = next(place for place, said in enumerate(captions(shown)) if said.startswith("Coming up since "))
    assert captions(shown)[coming + 1].startswith("Fading since ")
    assert captions(shown)[coming + 2] == "Also asked about"
    labels = [button.label for button in shown.button if (button.key or "").startswith("theme ")]
    assert labels[0] == "machine learning :gray[27]"
    assert labels.index("Lisbon :gray[20]") > labels.index("Steuererklärung :gray[13]")
    assert any(
        said.startswith(f"{len([*prompts()])} prompts read. A number is how many prompts") for said in captions(shown)
    )


def test_where_nothing_comes_up_or_fades_there_is_one_group(agent: Agent) -> None:
    for prompt in ("What is a zeppelin?", "Draw a zeppelin", "Who built the first zeppelin?"):
        agent.conversation("lisbon").send(prompt)
    said = captions(show(agent, figures="Themes"))
    assert "Asked about" in said
    assert not [one for one in said if one.startswith(("Coming up", "Fading", "Also"))]


def test_the_chart_says_most_and_its_table_has_every_week(talkative: Agent) -> None:
    shown = show(talkative, figures="Themes", range="12 months")
    assert re.fullmatch(
        r"Themes by week: \d+ themes, most of all machine learning, in 27 prompts.", sentences(shown)[0]
    )
    rows = table(shown, "Themes by week").set_index("Theme")
    assert rows.loc["machine learning", "Trend"] == "coming up"
    assert rows.loc["Lisbon", "Trend"] == "fading"
    assert rows.loc["machine learning", "Prompts"] == rows.loc["machine learning"].iloc[2:].sum() == 27
    assert len(rows.columns) in {2 + 53, 2 + 54}


def test_the_themes_of_a_session_and_of_a_range_are_their_own(talkative: Agent) -> None:
    assert {*words(talkative, session="rust 5", scope="This session", range="Everything")} >= {"Rust", "parser"}
    assert "Lisbon" in words(talkative, range="12 months")
    assert "Lisbon" not in words(talkative, range="30 days")


def test_where_not_all_was_read_it_says_so(talkative: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asked, "MOST", 54)
    said = captions(show(talkative, figures="Themes", range="Everything"))
    assert any(re.match(r"\d+ prompts read, about one of 5\.", caption) for caption in said)


def test_a_word_is_shown_as_it_is(agent: Agent) -> None:
    chat = agent.conversation("lisbon")
    for prompt in ("What is zig_zag?", "Draw a zig_zag again", "Is there no *zig_zag* at all?"):
        chat.send(prompt)
    (shown,) = words(agent)
    assert shown == r"zig\_zag"


def test_what_changed_since_one_looked_is_among_the_themes(talkative: Agent) -> None:
    here = {"session": "rust 5", "scope": "This session", "range": "Everything"}
    assert "zeppelin" not in words(talkative, **here)
    chat = talkative.conversation("rust 5")
    for prompt in ("What is a zeppelin?", "Draw a zeppelin", "Who built the first zeppelin?"):
        chat.send(prompt)
    assert "zeppelin" in words(talkative, **here)
    assert "zeppelin" in words(talkative, range="7 days")
    first = chat.turns(3)[0]
    chat.edit(first.id, "Who paints?").finish()
    assert "zeppelin" not in words(talkative, **here)
    chat.switch(first.id)
    assert "zeppelin" in words(talkative, **here)


def test_themes_are_their_owners_own(talkative: Agent) -> None:
    assert "Lisbon" in words(talkative, range="Everything")
    assert words(talkative.of("anna"), range="Everything") == []


def test_a_click_on_a_word_asks_the_search_for_it(talkative: Agent) -> None:
    shown = show(talkative, figures="Themes", range="Everything")
    drawn(shown.button(key="theme machine learning").click().run())
    assert shown.session_state["search"] == '"machine learning"'
    drawn(shown.button(key="theme Lisbon").click().run())
    assert shown.session_state["search"] == "Lisbon"


def test_milestones_have_their_day_and_the_way_to_their_session(talkative: Agent) -> None:
    shown = show(talkative)
    said = captions(shown)
    for name in ("First session", "Longest session", "Busiest day", "Busiest week", "Most days in a row", "100th turn"):
        assert name in said
    first = shown.button(key="milestone first_session")
    assert first.label == "I go to Lisbon for a week…"
    drawn(first.click().run())
    assert shown.query_params["session"] == "lisbon 0"
