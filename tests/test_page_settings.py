"""The settings and the tags of a session, drawn without a browser."""

from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from agent import Agent, Conversation
from tests.app_test import app_test

Make = Callable[..., Agent]
GIVEN = {"temperature": 0.5, "top_p": 0.9, "seed": 7, "thinking": "low"}


def settings(agent: "Any", session_id: "Any") -> None:
    from functools import partial  # noqa: PLC0415 - AppTest runs the source of this function by itself

    import streamlit as st  # noqa: PLC0415

    from ui.chat.settings import draw_settings  # noqa: PLC0415
    from ui.dialogs import draw_dialog, open_dialog  # noqa: PLC0415

    chat = agent.find(session_id)
    if st.button("Open"):
        open_dialog(partial(draw_settings, agent, chat, chat.session))
    draw_dialog()


def tags(agent: "Any", chat: "Any") -> None:
    from ui.chat.labels import draw_tags  # noqa: PLC0415

    draw_tags(agent, chat)


def opened(agent: Agent) -> AppTest:
    shown = app_test(settings, agent, "lisbon").run()
    return press(shown, "Open")


def press(shown: AppTest, label: str) -> AppTest:
    (button,) = [button for button in shown.button if button.label == label]
    button.click().run()
    assert not shown.exception
    return shown


@pytest.fixture
def chat(agent: Agent) -> Conversation:
    return agent.conversation("lisbon")


@pytest.mark.parametrize("label", ["Temperature", "Top p", "Seed"])
def test_a_parameter_is_taken_away_again(agent: Agent, chat: Conversation, label: str) -> None:
    chat.configure(parameters=GIVEN)
    shown = opened(agent)
    (field,) = [field for field in shown.number_input if field.label == label]
    field.set_value(None)
    press(shown, "Save")
    name = label.lower().replace(" ", "_")
    assert chat.session.settings["parameters"] == {kind: value for kind, value in GIVEN.items() if kind != name}
    assert not shown.number_input

    press(shown, "Open")
    assert [field.value for field in shown.number_input if field.label == label] == [None]


def test_only_what_was_changed_is_saved(agent: Agent, chat: Conversation) -> None:
    chat.configure(second_model="openai:gpt-5", parameters=GIVEN)
    shown = opened(agent)
    chat.configure(system_prompt="Be brief.")
    shown.text_area[1].set_value("They go to Lisbon.")
    press(shown, "Save")
    found = chat.session.settings
    assert (found["system_prompt"].text, found["summary"].text) == ("Be brief.", "They go to Lisbon.")
    assert (found["second_model"], found["parameters"]) == ("openai:gpt-5", GIVEN)


def test_settings_that_are_refused_are_one_sentence_in_the_dialog(make_agent: Make) -> None:
    agent = make_agent(prompt_limit=10)
    agent.conversation("lisbon")
    shown = opened(agent)
    shown.text_area[0].set_value("Be very brief.")
    press(shown, "Save")
    assert "has 14 characters" in shown.error[0].value
    assert shown.text_area[0].value == "Be very brief."


def test_the_tags_of_a_session_that_was_deleted_elsewhere_are_one_sentence(agent: Agent, chat: Conversation) -> None:
    agent.delete("lisbon")
    shown = app_test(tags, agent, chat).run()
    assert not shown.exception
    assert "There is no session “lisbon”" in shown.error[0].value
