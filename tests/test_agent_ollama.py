"""Ollama, at the wire: what reaches the server, and what each of its failures becomes."""

import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from agent import (
    Agent,
    Conversation,
    ModelBusy,
    ModelError,
    ModelFailed,
    ModelLoading,
    ModelMissing,
    ModelTimeout,
    ModelTooLarge,
    ModelUnavailable,
    ModelUnknown,
    ReplyCut,
    ReplyTooLong,
    ReplyUnfinished,
    Status,
)
from tests.ollama_server import Fault, Model, OllamaServer, Script

Make = Callable[..., Agent]


@pytest.fixture
def chat(make_agent: Make, ollama: OllamaServer) -> Conversation:
    return make_agent(model="ollama:llama3.2:3b", window_turns=2, ollama_host=ollama.url).conversation("lisbon")


def unused_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def test_the_server_gets_the_window_and_the_prompt_and_nothing_else(chat: Conversation, script: Script) -> None:
    for number in range(4):
        chat.send(f"Question {number}")

    sent = [(message["role"], message["content"]) for message in script.chats[-1]["messages"]]
    answer = ("assistant", "Lisbon is lovely in May.")
    assert sent == [("user", "Question 1"), answer, ("user", "Question 2"), answer, ("user", "Question 3")]
    assert script.chats[-1]["stream"] is True


def test_a_reply_is_kept_with_the_tokens_that_the_server_counted(chat: Conversation) -> None:
    reply = chat.send("Where to?")
    turn = chat.turns(1)[0]
    assert reply.text == turn.reply == "Lisbon is lovely in May."
    assert (turn.model, turn.input_tokens, turn.output_tokens) == ("ollama:llama3.2:3b", 10, 5)
    assert turn.first_text_at is not None


def test_a_cut_off_reply_goes_to_the_model_marked_as_such(chat: Conversation, script: Script) -> None:
    script.fault = Fault.CUT
    with pytest.raises(ReplyCut):
        chat.send("Where to?")
    script.fault = None
    chat.send("Go on")
    assert script.chats[-1]["messages"][1]["content"] == "Lisbon is \n\n[This reply was cut off here.]"


@pytest.mark.parametrize(
    ("fault", "kind", "sentence", "kept"),
    [
        (Fault.ERROR_FIRST, ModelFailed, "llama runner process has terminated", ""),
        (Fault.BUSY, ModelBusy, "too many requests waiting", ""),
        (Fault.MEMORY, ModelTooLarge, "does not fit into memory", ""),
        (Fault.ERROR_MIDWAY, ModelTooLarge, "CUDA out of memory", "Lisbon is "),
        (Fault.CUT, ReplyCut, "broke off before the end of its answer", "Lisbon is "),
        (Fault.LENGTH, ReplyTooLong, "reached the end of its context", "Lisbon is lovely in May."),
        (Fault.NO_LAST_LINE, ReplyUnfinished, "broke off without its end", "Lisbon is lovely in May."),
        (Fault.NONSENSE, ModelFailed, "does not speak as Ollama does", "Lisbon is "),
    ],
)
def test_a_failure_is_one_sentence_and_keeps_prompt_and_text(
    chat: Conversation, script: Script, fault: Fault, kind: type[ModelError], sentence: str, kept: str
) -> None:
    script.fault = fault
    with pytest.raises(kind, match=sentence):
        chat.send("Where to?")

    turn = chat.turns(1)[0]
    assert (turn.prompt, turn.reply, turn.status) == ("Where to?", kept, Status.FAILED)
    assert turn.error is not None
    assert sentence in turn.error

    script.fault = None
    assert chat.regenerate(turn.id).finish().text == "Lisbon is lovely in May."


def test_a_server_that_is_not_there_is_named_with_what_to_do(make_agent: Make) -> None:
    host = f"http://127.0.0.1:{unused_port()}"
    chat = make_agent(model="ollama:llama3.2:3b", ollama_host=host).conversation("lisbon")
    with pytest.raises(ModelUnavailable, match=f"No Ollama server answers at {host}"):
        chat.send("Hello")
    assert chat.turns(1)[0].prompt == "Hello"


def test_a_model_that_is_not_there_is_named_with_how_to_get_it(make_agent: Make, ollama: OllamaServer) -> None:
    chat = make_agent(model="ollama:mistral", ollama_host=ollama.url).conversation("lisbon")
    with pytest.raises(ModelMissing, match="no model “mistral”") as missing:
        chat.send("Hello")
    assert missing.value.model == "mistral"


def test_a_slow_load_is_waited_for_and_can_be_seen(chat: Conversation, script: Script) -> None:
    script.loading = 0.5
    assert chat.is_loading("ollama:llama3.2:3b")
    assert chat.send("Hello").text == "Lisbon is lovely in May."
    assert not chat.is_loading("ollama:llama3.2:3b")


@pytest.mark.parametrize(
    ("fault", "kind", "sentence", "kept"),
    [
        (Fault.SILENT_FIRST, ModelLoading, "did not begin to answer within 0.5 seconds", ""),
        (Fault.SILENT_MIDWAY, ModelTimeout, "said nothing for 0.3 seconds in the middle", "Lisbon is "),
    ],
)
def test_a_server_that_falls_silent_is_not_waited_for_without_end(
    make_agent: Make,
    ollama: OllamaServer,
    script: Script,
    fault: Fault,
    kind: type[ModelError],
    sentence: str,
    kept: str,
) -> None:
    script.fault = fault
    agent = make_agent(model="ollama:llama3.2:3b", ollama_host=ollama.url, first_seconds=0.5, next_seconds=0.3)
    chat = agent.conversation("lisbon")
    with pytest.raises(kind, match=sentence):
        chat.send("Hello")
    assert chat.turns(1)[0].reply == kept


@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize("before_first_word", [True, False])
def test_stop_from_any_reader_hangs_up_on_the_server(
    chat: Conversation, script: Script, make_agent: Make, *, before_first_word: bool, elsewhere: bool
) -> None:
    script.pause = 5 if before_first_word else 0.2
    script.words = ("word ",) * 100
    reply = chat.start("Hello")
    if before_first_word:
        while not script.chats:
            time.sleep(0.01)
        time.sleep(0.05)
    else:
        assert reply.wait(0, timeout=5)
    reader = make_agent().find("lisbon").running if elsewhere else reply
    assert reader is not None

    asked = time.monotonic()
    reader.stop()
    assert reply.wait_for_end(2)
    while not script.hang_ups and time.monotonic() < asked + 2:
        time.sleep(0.01)

    assert reply.status is Status.STOPPED
    assert script.hang_ups[0] - asked < (1 if elsewhere else 0.2)
    assert bool(reply.text) is not before_first_word


class TestAuto:
    """`auto` picks the model, and says which and why."""

    def test_takes_the_model_changed_last_that_can_chat(
        self, make_agent: Make, ollama: OllamaServer, script: Script
    ) -> None:
        script.models = {
            "old:1b": Model(modified_at=datetime(2026, 1, 1, tzinfo=UTC)),
            "new:7b": Model(modified_at=datetime(2026, 10, 1, tzinfo=UTC)),
            "embedder": Model(modified_at=datetime(2026, 11, 1, tzinfo=UTC), capabilities=("embedding",)),
        }
        agent = make_agent(model="auto", ollama_host=ollama.url)
        choice = agent.choose("auto")
        assert choice.model == "ollama:new:7b"
        assert choice.why == f"It is the model changed last on the Ollama server at {ollama.url}."
        assert agent.models().names == ("ollama:new:7b", "ollama:old:1b", "echo")
        assert agent.conversation("lisbon").send("Hello").model == "ollama:new:7b"

    def test_takes_echo_without_a_server(self, make_agent: Make) -> None:
        agent = make_agent(model="auto", ollama_host=f"http://127.0.0.1:{unused_port()}")
        choice = agent.choose("auto")
        assert choice.model == "echo"
        assert "No Ollama server answers" in choice.why

    def test_takes_echo_from_a_server_without_a_model(
        self, make_agent: Make, ollama: OllamaServer, script: Script
    ) -> None:
        script.models = {}
        choice = make_agent(model="auto", ollama_host=ollama.url).choose("auto")
        assert choice.model == "echo"
        assert "has no model that can chat" in choice.why

    def test_does_not_wait_for_a_server_that_says_nothing(self, make_agent: Make) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            agent = make_agent(model="auto", ollama_host=f"http://127.0.0.1:{silent.getsockname()[1]}")
            began = time.monotonic()
            assert agent.choose("auto").model == "echo"
            assert time.monotonic() - began < 2


def test_models_can_be_switched_in_mid_session(make_agent: Make, ollama: OllamaServer) -> None:
    chat = make_agent(ollama_host=ollama.url).conversation("lisbon")
    chat.send("Hello")
    chat.configure(model="ollama:llama3.2:3b")
    chat.send("Hello")
    chat.configure(model="echo")
    assert chat.send("Hello").text == "You said: Hello. I remember 5 messages."
    assert [turn.model for turn in chat.turns(3)] == ["echo", "ollama:llama3.2:3b", "echo"]


@pytest.mark.parametrize("name", ["nonsense", "openai:gpt-5", "made-up:model"])
def test_a_model_that_cannot_be_used_here_is_refused_and_nothing_is_kept(make_agent: Make, name: str) -> None:
    agent = make_agent(model=name)
    with pytest.raises(ModelUnknown, match=name):
        agent.conversation("lisbon").send("Hello")
    assert agent.stats().totals.messages == 0
