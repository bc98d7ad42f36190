"""The page of models in each state, drawn without a browser."""

import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from streamlit.testing.v1 import AppTest

from agent import Agent, Settings
from tests.app_test import app_test
from tests.ollama_server import Fault, Model, OllamaServer, Script
from tests.postgres_server import PostgresServer

Make = Callable[..., Agent]


def page(agent: "Any") -> None:
    from ui.models import draw_models  # noqa: PLC0415 - AppTest runs the source of this function by itself
    from ui.notices import draw_notices  # noqa: PLC0415

    draw_notices()
    draw_models(agent)


@pytest.fixture
def served(make_agent: Make, ollama: OllamaServer) -> Agent:
    return make_agent(ollama_host=ollama.url)


def show(agent: Agent) -> AppTest:
    return app_test(page, agent).run()


def told(shown: AppTest) -> str:
    """All that one can read, without what is chosen from, and without the escapes."""
    assert not shown.exception
    texts = [*shown.markdown, *shown.caption, *shown.warning, *shown.info, *shown.error]
    return "\n".join(str(text.value) for text in texts).replace("\\", "")


def facts(shown: AppTest) -> dict[str, str]:
    """What stands below each name that can be chosen, without the escapes."""
    (names,) = shown.radio
    captions = [caption.replace("\\", "") for caption in names.proto.captions]
    shown_names = (name.replace("\\", "").replace("\u2060", "") for name in names.options)
    return dict(zip(shown_names, captions, strict=True))


def click(shown: AppTest, label: str) -> AppTest:
    (button,) = [button for button in shown.button if button.label == label]
    return button.click().run()


def labels(shown: AppTest) -> list[str]:
    return [button.label for button in shown.button]


def until(shown: AppTest, happened: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, told(shown)
        time.sleep(0.05)
        shown.run()


def test_the_state_of_the_server_is_one_line(served: Agent, script: Script) -> None:
    script.models["llava:7b"] = Model(size=4_700_000_000)
    served.load("ollama:llama3.2:3b")
    line = told(show(served)).splitlines()[0]
    assert f"**Ollama 0.13.0** at `{served.settings.ollama_host}` · 2 models, 6.7 GB" in line
    assert "**llama3.2:3b** in memory (8,192 tokens of context, until" in line


def test_each_model_says_what_it_can_and_has_room_for(served: Agent, script: Script) -> None:
    script.models = {
        "llava:7b": Model(size=4_700_000_000, capabilities=("completion", "vision"), context_length=4096),
        "qwen3:8b": Model(capabilities=("completion", "tools", "thinking"), parameters="num_ctx 16384"),
        "plain": Model(capabilities=("completion",)),
        "old": Model(capabilities=None),
    }
    served.load("ollama:llava:7b")
    said = facts(show(served))
    llava, qwen = said["ollama:llava:7b"], said["ollama:qwen3:8b"]
    assert "3.2B, Q4_K_M, 4.7 GB · asked for 4,096 tokens of context, made for 4,096 · sees images" in llava
    assert "**in memory** with 4,096 tokens of context, until" in llava
    assert "asked for 16,384 tokens of context, made for 131,072 · thinks, uses tools · not in memory" in qwen
    assert "text only" in said["ollama:plain:latest"]
    assert "abilities unknown" in said["ollama:old:latest"]


def test_auto_echo_and_models_of_ones_own_can_be_chosen_too(make_agent: Make) -> None:
    agent = make_agent(models={"mine": FakeListChatModel(responses=["Hi"])}, model="openai:gpt-5")
    said = facts(show(agent))
    assert list(said) == ["auto", "mine", "echo", "openai:gpt-5"]
    assert said["auto"] == "Now echo, since no Ollama model is to be had."
    assert "without any server" in said["echo"]
    assert "Comes with this program" in said["mine"]
    assert said["openai:gpt-5"].startswith("**the default** · Through LangChain")


def test_the_default_is_marked_even_if_the_server_has_not_got_it(make_agent: Make, ollama: OllamaServer) -> None:
    shown = show(make_agent(model="ollama:nosuch", ollama_host=ollama.url))
    assert facts(shown)["ollama:nosuch"] == "**the default** · The Ollama server does not have it."
    assert shown.radio[0].value == "ollama:nosuch"
    assert "Load into memory" not in labels(shown)


def test_without_a_server_it_says_what_to_do_until_one_answers(make_agent: Make, script: Script) -> None:
    with OllamaServer() as gone:
        host = gone.url
    agent = make_agent(ollama_host=host)
    shown = show(agent)
    assert f"No Ollama server answers at `{host}`" in shown.warning[0].value
    assert f"`{host}`, which is what `OLLAMA_HOST` says" in told(shown)
    for word in ("ollama.com", "`ollama serve`", "host.docker.internal", "`.env`", "**echo** answers"):
        assert word in told(shown)
    assert not shown.text_input

    with OllamaServer(script, int(host.rpartition(":")[2])):
        click(shown, "Look again")
        assert not shown.warning
        assert "ollama:llama3.2:3b" in facts(shown)


def test_where_nobody_set_the_address_it_says_so(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OLLAMA_HOST", raising=False)
    with Agent(Settings.read(_env_file=None, database_url=url, model="echo")) as agent:
        says = told(show(agent))
    assert "since `OLLAMA_HOST` is not set" in says or "**Ollama" in says


def test_a_server_without_a_model_says_how_to_get_one(served: Agent, script: Script) -> None:
    script.models = {}
    shown = show(served)
    assert "ollama pull llama3.2:3b" in shown.info[0].value
    assert list(facts(shown)) == ["auto", "echo"]


def test_a_server_that_hangs_is_asked_once_and_holds_the_page_for_two_seconds_at_most(make_agent: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        agent = make_agent(ollama_host=f"http://127.0.0.1:{silent.getsockname()[1]}")
        began = time.monotonic()
        shown = show(agent)
        assert time.monotonic() - began < 3
        assert "said nothing for too long" in shown.warning[0].value
        again = time.monotonic()
        shown.run()
        shown.run()
        assert time.monotonic() - again < 0.8


def test_a_rerun_asks_the_server_nothing(served: Agent, script: Script) -> None:
    shown = show(served)
    asked = (script.ps_count, len(script.shows))
    shown.run()
    shown.run()
    assert (script.ps_count, len(script.shows)) == asked == (1, 1)


def test_a_model_is_loaded_and_unloaded(served: Agent, script: Script) -> None:
    shown = show(served)
    shown.radio[0].set_value("ollama:llama3.2:3b").run()
    script.loading = 1.0
    click(shown, "Load into memory")
    assert "Loading ollama:llama3.2:3b into memory" in told(shown)
    assert "Load into memory" not in labels(shown)
    until(shown, lambda: "Unload" in labels(shown))
    assert script.loads == [("llama3.2:3b", 8192)]
    assert "**in memory**" in facts(shown)["ollama:llama3.2:3b"]

    click(shown, "Unload")
    assert script.loaded == {}
    assert "not in memory" in facts(shown)["ollama:llama3.2:3b"]


def test_a_load_that_fails_is_one_sentence(served: Agent, script: Script) -> None:
    script.fault = Fault.MEMORY
    shown = show(served)
    shown.radio[0].set_value("ollama:llama3.2:3b").run()
    click(shown, "Load into memory")
    until(shown, lambda: bool(shown.warning))
    assert "does not fit into memory" in shown.warning[0].value
    assert "Load into memory" in labels(shown)


def test_a_load_is_cancelled_and_the_server_hears_of_it(served: Agent, script: Script) -> None:
    script.loading = 60
    shown = show(served)
    shown.radio[0].set_value("ollama:llama3.2:3b").run()
    click(shown, "Load into memory")
    until(shown, lambda: bool(script.controls))
    click(shown, "Cancel")
    until(shown, lambda: bool(shown.warning))
    assert "was cancelled" in shown.warning[0].value
    until(shown, lambda: bool(script.hang_ups))


def test_a_model_is_got_with_its_progress_and_is_there_then(served: Agent, script: Script) -> None:
    script.pullable, script.pull_pause = {"mistral:7b": 1_000_000_000}, 0.05
    shown = show(served)
    shown.text_input[0].set_value(" mistral:7b ")
    click(shown, "Get it")
    assert served.pulls()
    assert "Cancel" in labels(shown)
    until(shown, lambda: "ollama:mistral:7b" in facts(shown))
    assert not served.pulls()


@pytest.mark.parametrize(
    ("name", "sentence"), [("nosuch", "no model “nosuch” to be had"), (" ", "Name the model to get")]
)
def test_a_model_that_is_not_to_be_had_is_one_sentence_and_the_name_stays(
    served: Agent, name: str, sentence: str
) -> None:
    shown = show(served)
    shown.text_input[0].set_value(name)
    click(shown, "Get it")
    until(shown, lambda: bool(shown.warning))
    assert sentence in shown.warning[0].value
    assert shown.text_input[0].value == name


def test_a_session_begins_with_the_chosen_model(served: Agent) -> None:
    shown = show(served)
    shown.radio[0].set_value("ollama:llama3.2:3b")  # Not drawn yet, as where one clicks at once.
    click(shown, "Begin a session with it")
    begun = served.current()
    assert begun is not None
    assert served.find(begun.session_id).model == "ollama:llama3.2:3b"
    assert shown.query_params["session"] == begun.session_id


def test_of_many_models_the_rest_comes_on_demand(served: Agent, script: Script) -> None:
    script.models = {f"model:{number}b": Model() for number in range(20)}
    shown = show(served)
    assert len(facts(shown)) == 12 + 2
    click(shown, "More models (8)")
    assert len(facts(shown)) == 20 + 2


def test_the_defaults_name_every_variable_with_its_value_and_no_password(make_agent: Make) -> None:
    agent = make_agent(keep_alive="30m")
    says = told(show(agent))
    assert all(f"**{setting.variable}**" in says for setting in agent.defaults)
    assert "`30m`, set" in says
    assert "`1024`  \n" in says
    assert len(agent.defaults) == len(Settings.model_fields)


def test_a_password_in_the_database_address_is_not_among_the_defaults(postgres: PostgresServer) -> None:
    address = f"{postgres.new_database()}&password=verysecret"
    with Agent(Settings.read(_env_file=None, database_url=address, model="echo")) as agent:
        assert "password=…" in told(show(agent))
        assert "verysecret" not in told(show(agent))


def test_of_models_that_are_there_at_the_same_time_each_is_told(served: Agent, script: Script) -> None:
    script.pullable, script.pull_pause = {"mistral:7b": 1000, "phi:latest": 1000}, 0.05
    shown = show(served)
    for name in script.pullable:
        shown.text_input[0].set_value(name)
        click(shown, "Get it")
    for pull in served.pulls():
        pull.finish()
    said: list[str] = []

    def all_told() -> bool:
        said.extend(toast.value for toast in shown.toast)
        return len(said) > 1

    until(shown, all_told)
    assert sorted(said) == ["mistral\\:7b is here now.", "phi\\:latest is here now."]
