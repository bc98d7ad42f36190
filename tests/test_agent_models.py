"""Models: what there are, what they can, how one gets them, and what is said of those that can't be had."""

import asyncio
import logging
import os
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from langchain_core.language_models.fake_chat_models import FakeMessagesListChatModel
from langchain_core.outputs import ChatResult

from agent import (
    Agent,
    AgentClosed,
    EchoModel,
    ModelFailed,
    ModelMissing,
    ModelUnavailable,
    ModelUnknown,
    PullCancelled,
    Settings,
    Status,
    remembered,
)
from agent.models import Models
from agent.ollama import server as ollama_server
from agent.ollama import wire
from agent.secrets import without_secrets
from tests.ollama_server import Fault, Model, OllamaServer, Script

Make = Callable[..., Agent]


@pytest.fixture
def agent(make_agent: Make, ollama: OllamaServer) -> Agent:
    return make_agent(model="ollama:llama3.2:3b", ollama_host=ollama.url)


def until(happened: Callable[[], object], seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_catalogue_says_what_each_model_can_and_has_room_for(agent: Agent, script: Script) -> None:
    script.models["llava:7b"] = Model(size=4_700_000_000, capabilities=("completion", "vision"), context_length=4096)
    found = {model.name: model for model in agent.models().ollama or ()}
    llava = found["llava:7b"]
    assert (llava.size, llava.facts.most_context) == (4_700_000_000, 4096)
    assert llava.facts.abilities == frozenset({"completion", "vision"})
    assert found["llama3.2:3b"].facts.can("tools", unknown=False)


def test_a_model_is_pulled_with_its_progress_and_can_answer_then(agent: Agent, script: Script) -> None:
    script.pullable = {"mistral:7b": 1_000_000_000}
    chat = agent.conversation("lisbon")
    chat.configure(model="ollama:mistral:7b")
    with pytest.raises(ModelMissing) as missing:
        chat.send("Hello")
    steps = list(agent.pull(missing.value.model).follow())
    assert steps[-1].doing == "success"
    assert (steps[-1].done, steps[-1].total) == (1_000_000_000, 1_000_000_000)
    assert all(before.done <= after.done for before, after in pairwise(steps))
    assert chat.regenerate(chat.turns(1)[0].id).finish().status is Status.COMPLETE
    assert "ollama:mistral:7b" in agent.models().names


def test_a_pull_is_one_for_all_who_ask_and_goes_on_where_it_was_cancelled(agent: Agent, script: Script) -> None:
    script.pullable, script.pull_pause = {"mistral:7b": 1_000_000_000}, 0.05
    pull = agent.pull("ollama:mistral:7b")
    assert agent.pull("mistral:7b") is pull
    assert agent.pulls() == (pull,)
    until(lambda: pull.progress.done > 0)
    asked = time.monotonic()
    pull.cancel()
    with pytest.raises(PullCancelled):
        pull.finish()
    until(lambda: script.pull_hang_ups)
    assert script.pull_hang_ups[0] - asked < 0.5
    assert not agent.pulls()

    begun = script.downloaded["mistral:7b"]
    again = agent.pull("mistral:7b")
    assert again is not pull
    until(lambda: again.progress.done > 0)
    assert again.progress.done >= begun > 0
    again.finish()
    assert "mistral:7b" in script.models


@pytest.mark.parametrize(
    ("fault", "kind", "sentence"),
    [(None, ModelMissing, "no model “nosuch” to be had"), (Fault.PULL_BROKEN, ModelFailed, "max retries exceeded")],
)
def test_a_pull_that_fails_says_why(
    agent: Agent, script: Script, fault: Fault | None, kind: type[Exception], sentence: str
) -> None:
    script.fault = fault
    if fault is not None:
        script.pullable = {"nosuch": 1_000_000_000}
    with pytest.raises(kind, match=sentence):
        agent.pull("nosuch").finish()


def test_a_pull_whose_stream_just_ends_is_not_taken_for_a_success(agent: Agent, script: Script) -> None:
    script.pullable, script.pull_pause = {"mistral:7b": 10_000_000_000}, 0.05
    pull = agent.pull("mistral")
    assert agent.pull("mistral:latest") is pull
    pull.cancel()
    with pytest.raises(ModelUnknown, match="Name the model"):
        agent.pull(" ")


def test_closing_the_agent_hangs_up_on_pulls(make_agent: Make, ollama: OllamaServer, script: Script) -> None:
    script.pullable, script.pull_pause = {"mistral:7b": 10_000_000_000}, 0.05
    agent = make_agent(ollama_host=ollama.url)
    pull = agent.pull("mistral:7b")
    until(lambda: pull.progress.done > 0)
    agent.close()
    until(lambda: not pull.running)


def test_a_model_is_loaded_with_the_context_that_replies_ask_for_and_unloaded(agent: Agent, script: Script) -> None:
    agent.load("ollama:llama3.2:3b")
    assert agent.loaded() == {"ollama:llama3.2:3b": 8192}
    agent.conversation("lisbon").send("Hello")
    assert script.loads == [("llama3.2:3b", 8192)]
    agent.unload("ollama:llama3.2:3b")
    assert agent.loaded() == {}
    with pytest.raises(ModelMissing):
        agent.load("ollama:nosuch")


def test_a_model_is_loaded_once_by_whatever_name(agent: Agent, script: Script) -> None:
    script.loading = 0.3
    names = ("ollama:llama3.2:3b", "ollama:LLAMA3.2:3B", "ollama:llama3.2:3b ")
    first, *others = (agent.begin_loading(name) for name in names)
    assert all(other is first for other in others)
    assert agent.loadings() == (first,)
    first.finish()
    assert agent.loadings() == ()


def test_a_model_is_loaded_with_the_context_that_its_reply_asks_for(ollama: OllamaServer, script: Script) -> None:
    async def look() -> int | None:
        models = Models(Settings.read(_env_file=None, ollama_host=ollama.url))
        try:
            return await models.real_context("ollama:llama3.2:3b", 5000, None, 6000)
        finally:
            await models.aclose()

    assert asyncio.run(look()) == 6000
    assert script.loads == [("llama3.2:3b", 6000)]


def test_a_model_of_ones_own_is_in_memory_already_and_nothing_is_loaded_by_a_closed_agent(make_agent: Make) -> None:
    agent = make_agent(models={"ollama:mine": EchoModel()})
    agent.load("ollama:mine")
    agent.load("echo")
    agent.close()
    with pytest.raises(AgentClosed):
        agent.load("echo")


def test_the_server_is_asked_for_its_version_once_and_again_after_it_was_away(script: Script) -> None:
    with OllamaServer(script) as running:
        server = ollama_server.OllamaServer(running.url)
        for _ in range(3):
            server.models()
        assert (server.version, script.version_count) == ("0.13.0", 1)
    with pytest.raises(ModelUnavailable):
        server.models()
    assert server.version == ""
    server.close()


def test_the_slowness_of_one_answer_is_not_counted_for_another(
    agent: Agent, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembered, "FRESH", 0.0)
    look = ollama_server.OllamaServer.models

    def slowly(server: ollama_server.OllamaServer) -> Any:
        time.sleep(0.2)
        return look(server)

    monkeypatch.setattr(ollama_server.OllamaServer, "models", slowly)
    agent.in_memory()
    time.sleep(0.5)
    agent.in_memory()
    assert script.ps_count == 2


@pytest.mark.parametrize(("given", "sent"), [("", None), ("30m", "30m"), ("-1", -1), ("90", 90)])
def test_a_model_is_kept_in_memory_for_as_long_as_is_set(
    make_agent: Make, ollama: OllamaServer, script: Script, given: str, sent: object
) -> None:
    agent = make_agent(model="ollama:llama3.2:3b", ollama_host=ollama.url, keep_alive=given)
    agent.conversation("lisbon").send("Hello")
    assert script.chats[0].get("keep_alive") == sent


def test_in_a_container_the_advice_is_another(make_agent: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    mark = tmp_path / ".dockerenv"
    mark.touch()
    monkeypatch.setattr(wire, "CONTAINER_MARK", mark)
    with pytest.raises(ModelUnavailable, match=r"host\.docker\.internal"):
        make_agent(model="ollama:llama3.2:3b").conversation("lisbon").send("Hello")


def test_another_model_can_answer_once_and_each_alternative_keeps_its_own(agent: Agent) -> None:
    chat = agent.conversation("lisbon")
    first = chat.send("Hello")
    second = chat.regenerate(first.turn_id, model="echo").finish()
    chat.rate(first.turn_id, 1)
    chat.rate(second.turn_id, -1)
    assert chat.model == "ollama:llama3.2:3b"
    chat.switch(first.turn_id)
    (kept,) = chat.turns(1)
    assert (kept.model, kept.reply, kept.rating) == ("ollama:llama3.2:3b", first.text, 1)
    chat.switch(second.turn_id)
    (other,) = chat.turns(1)
    assert (other.model, other.reply, other.rating) == ("echo", "You said: Hello. I remember 1 messages.", -1)
    chat.rate(second.turn_id, None)
    assert chat.turns(1)[0].rating is None


class Refusing(FakeMessagesListChatModel):
    def _generate(self, *_: Any, **__: Any) -> ChatResult:
        raise RuntimeError(
            f"401: Incorrect API key provided: {os.environ['MADE_UP_API_KEY']}; see sk-proj-abcdefgh1234"
        )


def test_keys_are_not_in_what_is_kept_shown_or_raised(make_agent: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MADE_UP_API_KEY", "topsecret-4711")
    chat = make_agent(models={"mine": Refusing(responses=[])}, model="mine").conversation("lisbon")
    with pytest.raises(ModelFailed) as failed:
        chat.send("Hello")
    for shown in (str(failed.value), chat.turns(1)[0].error or ""):
        assert "Incorrect API key provided: …" in shown
        assert "4711" not in shown
        assert "abcdefgh" not in shown


def test_what_is_no_key_is_left_alone() -> None:
    text = "The task-force met on skiing, with key-value stores: a context of 131072 tokens; the tokenizer is abc."
    environment = {"TOKENIZER_TOKEN": "abc", "HOME": "force", "WINDOWSEAT_CONTEXT_TOKENS": "131072"}
    assert without_secrets(text, environment) == text


@pytest.mark.parametrize(
    "text", ["Bearer S3cretS3cret", "https://me:S3cretS3cret@host/", "x?key=S3cretS3cret", "api-key: S3cretS3cret"]
)
def test_what_looks_like_a_key_is_left_out(text: str) -> None:
    assert "S3cret" not in without_secrets(text, {})


def test_a_model_whose_package_is_missing_says_what_to_install(make_agent: Make) -> None:
    with pytest.raises(ModelUnknown, match="needs a package that is not installed: pip install"):
        make_agent(model="openai:gpt-5").conversation("lisbon").send("Hello")


class TestTitles:
    def test_are_the_first_words_until_the_model_makes_one(
        self, make_agent: Make, ollama: OllamaServer, script: Script
    ) -> None:
        agent = make_agent(model="ollama:llama3.2:3b", ollama_host=ollama.url, titles="model")
        chat = agent.conversation("lisbon")
        chat.send("Where should I go in May, and when, and how, and why?")
        until(lambda: chat.session.title == "Lisbon is lovely in May")
        told, asked = script.chats
        assert asked["options"]["num_ctx"] == told["options"]["num_ctx"]
        chat.send("And then?")
        time.sleep(0.2)
        assert len(script.chats) == 3
        assert agent.sessions("lovely").sessions

    def test_that_a_person_gave_stay(self, make_agent: Make, ollama: OllamaServer, script: Script) -> None:
        script.pause = 0.05
        agent = make_agent(model="ollama:llama3.2:3b", ollama_host=ollama.url, titles="model")
        chat = agent.conversation("lisbon")
        reply = chat.start("Where to?")
        chat.rename("My own")
        reply.finish()
        until(lambda: len(script.chats) == 2)
        time.sleep(0.5)
        assert chat.session.title == "My own"

    def test_that_a_model_fails_to_make_stay_the_first_words(
        self, make_agent: Make, ollama: OllamaServer, script: Script, caplog: pytest.LogCaptureFixture
    ) -> None:
        agent = make_agent(model="ollama:llama3.2:3b", ollama_host=ollama.url, titles="model")
        chat = agent.conversation("lisbon")
        script.pause = 0.05
        reply = chat.start("Where to?")
        until(lambda: script.chats)
        script.fault = Fault.ERROR_FIRST
        reply.finish()
        with caplog.at_level(logging.WARNING):
            until(lambda: "made no title" in caplog.text)
        assert chat.session.title == "Where to?"

    def test_are_the_first_words_if_nothing_else_is_set(self, agent: Agent, script: Script) -> None:
        agent.conversation("lisbon").send("Where should I go in May, and when, and how, and why?")
        time.sleep(0.2)
        assert agent.conversation("lisbon").session.title == "Where should I go in May, and when, and"
        assert len(script.chats) == 1
