"""Templates: made, changed, deleted, and what a session takes from one."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from agent import Agent, PromptRefused, SessionText, SettingsInvalid, Template, TemplateExists, TemplateNotFound
from agent.templates import BUILT_IN, checked_template
from storage import Store
from tests.ollama_server import OllamaServer, Script

Make = Callable[..., Agent]

TRAVEL = Template(
    "Travel",
    system_prompt="You know every train.",
    model="ollama:llama3.2:3b",
    parameters={"temperature": 0.5},
    window_turns=4,
    openings=("Where to in May?", "Which night trains are there?"),
    welcome="Bon voyage!",
    tags=("fun",),
)


def test_a_few_come_with_the_program_and_stay_deleted_once_they_are(make_agent: Make) -> None:
    agent = make_agent()
    assert agent.templates() == BUILT_IN
    assert all(checked_template(template, agent.settings) == template for template in BUILT_IN)
    agent.delete_template("Editor")
    again = make_agent()
    assert [template.name for template in again.templates()] == [t.name for t in BUILT_IN if t.name != "Editor"]
    assert [template.name for template in again.templates("Code")] == ["Code review"]


def test_a_session_begins_with_a_template_and_keeps_what_it_took(
    make_agent: Make, ollama: OllamaServer, script: Script
) -> None:
    agent = make_agent(ollama_host=ollama.url)
    agent.add_template(TRAVEL)
    chat = agent.conversation("lisbon", template="Travel", summary="They dislike aeroplanes.")
    agent.change_template("Travel", replace(TRAVEL, name="Trips", system_prompt="You know every bus."))
    agent.delete_template("Trips")

    assert (chat.model, chat.window_turns) == ("ollama:llama3.2:3b", 4)
    assert chat.session.settings["openings"] == list(TRAVEL.openings)
    assert chat.session.settings["system_prompt"] == SessionText(1, "You know every train.")
    chat.send(TRAVEL.openings[0])
    told = "You know every train.\n\nWhat was said before:\nThey dislike aeroplanes."
    assert script.chats[-1]["messages"][0] == {"role": "system", "content": told}
    assert script.chats[-1]["options"]["temperature"] == 0.5


def test_a_template_is_for_new_sessions_only(agent: Agent) -> None:
    agent.conversation("lisbon").send("Hello")
    assert agent.conversation("lisbon", template="Editor").session.settings == {}
    assert agent.begin(template="Editor").session.settings["template"] == "Editor"


def test_two_templates_do_not_share_a_name(agent: Agent) -> None:
    agent.add_template(TRAVEL)
    with pytest.raises(TemplateExists, match="There is a template “Travel” already"):
        agent.add_template(TRAVEL)
    with pytest.raises(TemplateExists):
        agent.change_template("Travel", replace(TRAVEL, name="Editor"))
    agent.change_template("Travel", replace(TRAVEL, welcome="Off we go."))
    assert agent.template("Travel").welcome == "Off we go."


@pytest.mark.parametrize("name", ["Nothing", "\ud800"])
def test_an_unknown_template_is_said_to_be_unknown(agent: Agent, name: str) -> None:
    with pytest.raises(TemplateNotFound, match="There is no template “"):
        agent.conversation("lisbon", template=name)
    with pytest.raises(TemplateNotFound):
        agent.change_template(name, TRAVEL)
    with pytest.raises(TemplateNotFound):
        agent.delete_template(name)
    assert agent.sessions().sessions == ()


@pytest.mark.parametrize(
    ("change", "kind", "sentence"),
    [
        ({"name": " "}, PromptRefused, "A template's name has 1 to 200 characters"),
        ({"openings": ("",)}, PromptRefused, "empty prompt"),
        ({"openings": ("x",) * 13}, PromptRefused, "up to 12 openings; this one has 13"),
        ({"welcome": "x" * 501}, PromptRefused, "The welcome line has 501 characters"),
        ({"tags": ("x" * 41,)}, PromptRefused, "A tag has 1 to 40"),
        ({"window_turns": -1}, SettingsInvalid, "window_turns is -1"),
        ({"parameters": {"top_p": 7}}, SettingsInvalid, "The parameter top_p is 7"),
        ({"system_prompt": "\0"}, PromptRefused, "NUL"),
    ],
)
def test_what_no_session_would_take_is_refused_in_one_sentence(
    agent: Agent, change: dict[str, object], kind: type[Exception], sentence: str
) -> None:
    with pytest.raises(kind, match=sentence):
        agent.add_template(replace(TRAVEL, **change))  # type: ignore[arg-type]
    assert len(agent.templates()) == len(BUILT_IN)


def test_templates_are_kept_on_both_engines_for_each_owner(store: Store) -> None:
    store.templates.add("local", TRAVEL)
    assert store.templates.all("local") == (TRAVEL,)
    assert store.templates.all("anna") == ()
    with pytest.raises(TemplateNotFound):
        store.templates.delete("anna", "Travel")


def test_a_session_takes_over_another_template_and_lets_go_of_what_the_first_set(agent: Agent) -> None:
    agent.add_template(
        Template("One", system_prompt="Be one.", window_turns=3, parameters={"seed": 1}, welcome="Hello")
    )
    agent.add_template(Template("Two", system_prompt="Be two.", openings=("Where to?",)))
    chat = agent.conversation("lisbon", template="One")
    chat.use(agent.template("Two"))
    settings = chat.session.settings
    assert settings["system_prompt"].text == "Be two."
    assert (settings["template"], settings["openings"]) == ("Two", ["Where to?"])
    assert settings.keys().isdisjoint({"window_turns", "parameters", "welcome"})
    chat.use(None)
    settings = chat.session.settings
    assert settings.keys().isdisjoint({"template", "openings"})
    assert settings["system_prompt"].text == ""
