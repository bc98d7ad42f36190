"""Thinking: told apart from the answer, kept, durable while it comes, and never sent back."""

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage

from agent import Agent, Conversation, Status
from agent.thinking import Split
from storage import Store
from tests.ollama_server import Model, OllamaServer, Script

Make = Callable[..., Agent]
THOUGHTS = ("They ", "ask ", "about ", "May.")


@pytest.fixture
def chat(make_agent: Make, ollama: OllamaServer, script: Script) -> Conversation:
    script.models = {"qwen3:8b": Model(capabilities=("completion", "thinking"))}
    script.thoughts = THOUGHTS
    return make_agent(model="ollama:qwen3:8b", ollama_host=ollama.url).conversation("lisbon")


def test_what_a_model_thinks_is_kept_beside_its_reply_and_not_sent_back(chat: Conversation, script: Script) -> None:
    reply = chat.send("Where to?")
    assert (reply.thinking, reply.text) == ("They ask about May.", "Lisbon is lovely in May.")
    turn = chat.turns(1)[0]
    assert (turn.thinking, turn.reply) == (reply.thinking, reply.text)

    chat.send("And then?")
    assert script.chats[-1]["messages"][1] == {"role": "assistant", "content": "Lisbon is lovely in May."}
    assert script.chats[-1]["think"] is True


@pytest.mark.parametrize(("level", "sent"), [(False, False), ("low", "low"), (True, True)])
def test_a_session_says_whether_and_how_long_its_model_thinks(
    chat: Conversation, script: Script, level: object, sent: object
) -> None:
    chat.configure(parameters={"thinking": level})
    reply = chat.send("Where to?")
    assert script.chats[-1]["think"] == sent
    assert bool(reply.thinking) is bool(level)
    assert reply.receipt is not None
    assert reply.receipt.parameters == {"thinking": level}


def test_a_model_that_cannot_think_is_not_asked_to(chat: Conversation, script: Script) -> None:
    script.models["llama3.2:3b"] = Model()
    chat.configure(model="ollama:llama3.2:3b", parameters={"thinking": "high", "seed": 1})
    reply = chat.send("Where to?")
    assert script.chats[-1].get("think") in {None, False}
    assert reply.receipt is not None
    assert reply.receipt.parameters == {"seed": 1}


def test_a_reply_stopped_while_it_thinks_keeps_the_thoughts(chat: Conversation, script: Script) -> None:
    script.pause, script.thoughts = 0.1, THOUGHTS * 20
    reply = chat.start("Where to?")
    assert reply.wait_for_more(0, 0, timeout=5)
    reply.stop()
    assert reply.wait_for_end(5)
    turn = chat.turns(1)[0]
    assert (turn.status, turn.reply) == (Status.STOPPED, "")
    assert turn.thinking == reply.thinking
    assert turn.thinking.startswith("They ")

    script.pause, script.thoughts = 0, ()
    chat.send("Hello?")
    assert [message["content"] for message in script.chats[-1]["messages"]] == ["Hello?"]


def test_what_might_have_become_a_tag_is_not_lost_with_a_stop(
    make_agent: Make, ollama: OllamaServer, script: Script
) -> None:
    script.words, script.pause = ("\n", "<thi", "nk", "more"), 0.3
    chat = make_agent(model="ollama:llama3.2:3b", ollama_host=ollama.url).conversation("lisbon")
    reply = chat.start("Hello")
    while not script.chats:
        time.sleep(0.01)
    time.sleep(0.75)
    reply.stop()
    assert reply.wait_for_end(5)
    assert chat.turns(1)[0].reply == reply.text == "\n<thi"


def test_thoughts_are_seen_from_another_process_and_survive_this_one(
    chat: Conversation, script: Script, make_agent: Make, url: str
) -> None:
    script.pause, script.thoughts = 0.05, THOUGHTS * 50
    reply = chat.start("Where to?")
    elsewhere = make_agent().conversation("lisbon").running
    assert elsewhere is not None
    assert elsewhere.wait_for_more(0, 0, timeout=5)
    seen = elsewhere.thinking
    assert reply.thinking.startswith(seen)
    assert seen
    with Store(url) as store:
        assert store.running.thinking("local", "lisbon", reply.turn_id).startswith(seen)
    reply.stop()
    assert elsewhere.wait_for_end(5)
    assert elsewhere.thinking == reply.thinking


def said(*pieces: str) -> tuple[str, str]:
    split = Split()
    parts = [split.feed(AIMessage(piece)) for piece in pieces] + [split.finish()]
    return "".join(thinking for thinking, _ in parts), "".join(text for _, text in parts)


@pytest.mark.parametrize(
    ("whole", "thinking", "text"),
    [
        ("<think>Hm.</think>\n\nYes.", "Hm.", "Yes."),
        ("\n<think>\nHm.\n</think>Yes.", "\nHm.\n", "Yes."),
        ("Yes.", "", "Yes."),
        ("<b>Yes</b>", "", "<b>Yes</b>"),
        ("<thi", "", "<thi"),
        ("<think>Hm", "Hm", ""),
        ("<think>1 < 2 </ 3</think> Yes <think>no</think>", "1 < 2 </ 3", "Yes <think>no</think>"),
        ("Use <think> so.", "", "Use <think> so."),
        ("", "", ""),
    ],
)
def test_tags_are_told_from_text_wherever_they_are_cut(whole: str, thinking: str, text: str) -> None:
    assert said(*whole) == said(whole) == (thinking, text)
    for place in range(len(whole)):
        assert said(whole[:place], whole[place:]) == (thinking, text)


@given(st.lists(st.text()))
def test_without_a_tag_nothing_is_lost(pieces: list[str]) -> None:
    if "<think>" not in "".join(pieces):
        assert said(*pieces) == ("", "".join(pieces))


def test_thinking_in_blocks_of_its_own_is_thinking() -> None:
    blocks: list[str | dict[str, str]] = [{"type": "reasoning", "reasoning": "Hm."}, {"type": "text", "text": "Yes."}]
    assert Split().feed(AIMessage(blocks)) == ("Hm.", "Yes.")
