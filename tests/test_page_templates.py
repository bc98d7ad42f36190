"""The page of templates in each state, drawn without a browser."""

from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from agent import Agent, Template, TemplateNotFound
from tests.app_test import app_test
from tests.ollama_server import OllamaServer

Make = Callable[..., Agent]

FULL = Template(
    "Travel",
    system_prompt="You know every train.\n\nAnd every ferry.",
    model="echo",
    parameters={"temperature": 0.2, "top_p": 0.9, "seed": 7, "thinking": "low"},
    window_turns=3,
    openings=("Where to?", "How far\nis Porto?"),
    welcome="Say where you are.",
    tags=("travel", "trains, fast"),
)


def page(agent: "Any") -> None:
    from ui.dialogs import draw_dialog  # noqa: PLC0415
    from ui.notices import draw_notices  # noqa: PLC0415
    from ui.templates import draw_templates  # noqa: PLC0415 - AppTest runs the source of this function by itself

    draw_notices()
    draw_templates(agent)
    draw_dialog()


def show(agent: Agent, chosen: str = "") -> AppTest:
    shown = app_test(page, agent).run()
    if chosen:
        shown.radio[0].set_value(chosen).run()
    return shown


def names(shown: AppTest) -> list[str]:
    assert not shown.exception
    return [name.replace("\\", "") for name in shown.radio[0].options]


def click(shown: AppTest, label: str) -> AppTest:
    (button,) = [button for button in shown.button if button.label == label]
    button.click().run()
    assert not shown.exception
    return shown


def field(shown: AppTest, label: str) -> Any:
    """The one control of the form that has this label."""
    (found,) = [
        control
        for kind in (shown.text_input, shown.text_area, shown.selectbox, shown.number_input)
        for control in kind
        if control.label == label
    ]
    return found


def fill(shown: AppTest, **typed: object) -> AppTest:
    """Type into the form; the controls are named in lower case, with what comes before a comma."""
    controls = [*shown.text_input, *shown.text_area, *shown.selectbox, *shown.number_input]
    by_name = {control.label.split(",")[0].lower().replace(" ", "_"): control for control in controls}
    for name, value in typed.items():
        by_name[name].set_value(value)
    return shown


def test_templates_are_listed_with_what_they_set(agent: Agent) -> None:
    agent.add_template(FULL)
    agent.add_template(Template("Bare"))
    shown = show(agent)
    assert names(shown) == [template.name for template in agent.templates()]
    captions = [caption.replace("\\", "") for caption in shown.radio[0].proto.captions]
    everything = (
        "a system prompt, model echo, a window of 3 turns, temperature 0.2, top_p 0.9, seed 7, thinking low, 2 openings"
    )
    assert captions[-2] == f"{everything} · :material/label: travel, trains, fast"
    assert captions[-1] == "sets nothing"


def test_a_tag_keeps_those_that_have_it(agent: Agent) -> None:
    shown = show(agent)
    shown.button_group[0].set_value("learning").run()
    assert names(shown) == ["Explain it simply", "Practise a language"]


def test_of_many_templates_the_rest_comes_on_demand(agent: Agent) -> None:
    for number in range(20):
        agent.add_template(Template(f"Number {number}"))
    shown = show(agent)
    assert len(names(shown)) == 20
    click(shown, "More templates (5)")
    assert len(names(shown)) == 25


def test_without_any_template_it_says_so(agent: Agent) -> None:
    for template in agent.templates():
        agent.delete_template(template.name)
    assert show(agent).info[0].value == "No template yet: make one."


def test_a_session_begins_with_the_chosen_template(agent: Agent) -> None:
    shown = show(agent, "Editor")
    click(shown, "Begin a session")
    begun = agent.current()
    assert begun is not None
    assert begun.settings["template"] == "Editor"
    assert shown.query_params["session"] == begun.session_id


def test_a_template_is_made_with_all_that_it_can_set(agent: Agent) -> None:
    shown = click(show(agent), "New template")
    fill(
        shown,
        name=" Travel ",
        system_prompt="You know every train.",
        welcome_line="Say where you are.",
        openings="Where to?\n\n  How far is Porto?  \n",
        tags="Travel, trains,",
        model="echo",
        window=3,
        temperature=0.2,
        top_p=0.9,
        seed=7,
        thinking="Off",
    )
    click(shown, "Save")
    assert agent.template("Travel") == Template(
        "Travel",
        system_prompt="You know every train.",
        model="echo",
        parameters={"temperature": 0.2, "top_p": 0.9, "seed": 7, "thinking": False},
        window_turns=3,
        openings=("Where to?", "How far is Porto?"),
        welcome="Say where you are.",
        tags=("travel", "trains"),
    )
    assert shown.toast[0].value == "Saved “Travel”."
    assert shown.radio[0].value == "Travel"


def test_what_is_left_empty_is_left_to_the_defaults(agent: Agent) -> None:
    shown = click(show(agent), "New template")
    fill(shown, name="Bare")
    click(shown, "Save")
    assert agent.template("Bare") == Template("Bare")


def test_a_template_that_is_edited_keeps_what_nobody_touched(agent: Agent) -> None:
    agent.add_template(FULL)
    shown = click(show(agent, "Travel"), "Edit")
    fill(shown, name="Journeys")
    click(shown, "Save")
    with pytest.raises(TemplateNotFound):
        agent.template("Travel")
    changed = agent.template("Journeys")
    assert (changed.parameters, changed.openings, changed.tags) == (FULL.parameters, FULL.openings, FULL.tags)
    assert (changed.system_prompt, changed.model, changed.window_turns) == (FULL.system_prompt, "echo", 3)


def test_a_template_that_came_with_the_program_is_edited_like_any_other(agent: Agent) -> None:
    shown = click(show(agent, "Editor"), "Edit")
    field(shown, "Window, in turns").set_value(None)
    field(shown, "Temperature").set_value(None)
    fill(shown, system_prompt="Be kind.")
    click(shown, "Save")
    changed = agent.template("Editor")
    assert (changed.system_prompt, changed.window_turns, changed.parameters) == ("Be kind.", None, {})


def test_a_copy_is_another_template(agent: Agent) -> None:
    shown = click(show(agent, "Editor"), "Copy")
    assert field(shown, "Name").value == "Editor (copy)"
    click(shown, "Save")
    assert agent.template("Editor (copy)").system_prompt == agent.template("Editor").system_prompt


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"name": "Editor"}, "Editor"),
        ({"name": ""}, "A template's name has 1 to 200 characters"),
        ({"name": "New", "openings": "\n".join("abcdefghijklm")}, "up to 12 openings"),
        ({"name": "New", "tags": "x" * 41}, "A tag has 1 to 40 characters"),
        ({"name": "New", "system_prompt": "a\0b"}, "NUL"),
    ],
)
def test_what_is_refused_is_one_sentence_in_the_form_and_what_was_typed_stays(
    agent: Agent, typed: dict[str, str], sentence: str
) -> None:
    before = agent.templates()
    shown = click(show(agent), "New template")
    fill(shown, welcome_line="Still here.", **typed)
    click(shown, "Save")
    assert sentence in shown.error[0].value.replace("\\", "")
    assert field(shown, "Welcome line").value == "Still here."
    assert agent.templates() == before

    fill(shown, name="Fine", openings="", tags="", system_prompt="")
    click(shown, "Save")
    assert agent.template("Fine").welcome == "Still here."


def test_cancel_changes_nothing_and_forgets_what_was_typed(agent: Agent) -> None:
    shown = click(show(agent, "Editor"), "Edit")
    fill(shown, system_prompt="Oops", window=17)
    click(shown, "Cancel")
    assert agent.template("Editor").system_prompt.startswith("You edit texts.")
    assert shown.radio[0].value == "Editor"
    click(shown, "Edit")
    assert "Oops" not in field(shown, "System prompt").value
    assert field(shown, "Window, in turns").value == 4


def test_a_template_deleted_elsewhere_while_it_is_edited_says_so(agent: Agent) -> None:
    shown = click(show(agent, "Editor"), "Edit")
    agent.delete_template("Editor")
    click(shown, "Save")
    assert "Editor" in shown.error[0].value
    assert field(shown, "Name").value == "Editor"


def test_deleting_is_asked_about_first(agent: Agent) -> None:
    shown = click(show(agent, "Editor"), "Delete")
    assert "**Editor** will be deleted for good" in "".join(str(text.value) for text in shown.markdown)
    assert agent.template("Editor")


def test_models_of_the_server_and_the_default_can_be_chosen(make_agent: Make, ollama: OllamaServer) -> None:
    agent = make_agent(ollama_host=ollama.url, model="auto")
    agent.add_template(Template("Elsewhere", model="openai:gpt-5"))
    shown = click(show(agent, "Elsewhere"), "Edit")
    options = field(shown, "Model").options
    assert options == ["The default: auto", "auto", "ollama:llama3.2:3b", "echo", "openai:gpt-5"]
    assert field(shown, "Model").value == "openai:gpt-5"


def test_what_was_typed_is_there_again_after_a_look_at_another_page(agent: Agent) -> None:
    shown = app_test(two_pages, agent).run()
    click(click(shown, "New template"), "Elsewhere")
    click(shown, "Back")
    fill(shown, name="Travel", openings="Where to?", model="echo", window=3, temperature=0.2, thinking="Off")
    click(shown, "Elsewhere")
    assert not shown.text_input
    click(click(shown, "Back"), "Save")
    assert agent.template("Travel") == Template(
        "Travel",
        model="echo",
        openings=("Where to?",),
        window_turns=3,
        parameters={"temperature": 0.2, "thinking": False},
    )


def two_pages(agent: "Any") -> None:
    import streamlit as st  # noqa: PLC0415

    from ui.templates import draw_templates  # noqa: PLC0415

    def go(where: str) -> None:
        st.session_state["where"] = where

    st.button("Elsewhere", on_click=go, args=("elsewhere",))
    st.button("Back", on_click=go, args=("",))
    if not st.session_state.get("where"):
        draw_templates(agent)


def test_a_template_is_deleted_once_that_is_confirmed(agent: Agent) -> None:
    shown = click(show(agent, "Editor"), "Delete")
    shown.run()  # As when another tab acts.
    shown.button(key="confirm").click().run()
    assert "Editor" not in names(shown)
    assert not [button for button in shown.button if button.label == "Cancel"]


def test_a_click_is_for_the_template_that_was_chosen_before_it_though_it_was_not_drawn_yet(agent: Agent) -> None:
    shown = show(agent)
    assert shown.radio[0].value != "Editor"
    shown.radio[0].set_value("Editor")
    click(shown, "Delete").button(key="confirm").click().run()
    assert "Editor" not in names(shown)


def test_a_template_that_is_gone_when_its_deletion_is_confirmed_is_one_sentence(agent: Agent) -> None:
    shown = click(show(agent, "Editor"), "Delete")
    agent.delete_template("Editor")
    shown.button(key="confirm").click().run()
    assert not shown.exception
    assert "Editor" in shown.error[0].value
