"""Order, seen from the agent: what a session tells the model, labels, what is recent and active, and clean-ups."""

import time
from collections.abc import Callable

import pytest

from agent import Agent, Filters, PromptRefused, Receipt, Sender, SessionEnded, SettingsInvalid
from storage import Message, Store
from tests.conftest import Clock
from tests.ollama_server import OllamaServer, Script

Make = Callable[..., Agent]


def test_the_model_is_told_prompt_summary_and_parameters_and_the_receipt_says_so(
    make_agent: Make, ollama: OllamaServer, script: Script
) -> None:
    agent = make_agent(model="ollama:llama3.2:3b", ollama_host=ollama.url)
    chat = agent.conversation("lisbon", summary="They want to see the sea.")
    chat.configure(system_prompt="Be brief.", parameters={"temperature": 0.2, "seed": 7})
    reply = chat.send("Where to?")

    told = "Be brief.\n\nWhat was said before:\nThey want to see the sea."
    sent = [(message["role"], message["content"]) for message in script.chats[-1]["messages"]]
    assert sent == [("system", told), ("user", "Where to?")]
    assert script.chats[-1]["options"].items() >= {"temperature": 0.2, "seed": 7}.items()
    assert reply.receipt is not None
    assert (reply.receipt.system_prompt, reply.receipt.summary, reply.receipt.messages) == (1, 1, 1)
    assert Receipt.of(chat.turns(1)[0]) == reply.receipt

    chat.configure(system_prompt="", summary="They saw the sea.", parameters={})
    reply = chat.send("And now?")
    assert script.chats[-1]["messages"][0]["content"] == "What was said before:\nThey saw the sea."
    assert script.chats[-1]["options"].keys() == {"num_ctx", "num_predict"}
    assert reply.receipt is not None
    assert (reply.receipt.system_prompt, reply.receipt.summary, reply.receipt.parameters) == (None, 2, {})


def test_a_summary_is_for_a_new_session_only(agent: Agent) -> None:
    agent.conversation("lisbon").send("Hello")
    assert agent.conversation("lisbon", summary="Too late").session.settings == {}


def test_parameters_out_of_range_are_refused_in_one_sentence(agent: Agent) -> None:
    chat = agent.conversation("lisbon")
    with pytest.raises(SettingsInvalid, match="The parameter temperature is 3, but it should be less than or equal"):
        chat.configure(parameters={"temperature": 3})
    with pytest.raises(SettingsInvalid, match="no parameter “temprature”: there are temperature, top_p, seed"):
        chat.configure(parameters={"temprature": 1})
    with pytest.raises(PromptRefused, match="The system prompt has 200,000 characters"):
        chat.configure(system_prompt="x" * 200_000)
    assert chat.session.settings == {}


def test_echo_counts_no_system_message(agent: Agent) -> None:
    chat = agent.conversation("lisbon", summary="Before")
    assert chat.send("Hello").text == "You said: Hello. I remember 1 messages."


def test_a_session_is_found_by_what_was_said_in_it(agent: Agent) -> None:
    chat = agent.conversation("lisbon")
    chat.send("I go to Lisbon in May.")
    found = agent.search("may", Filters(sender=Sender.HUMAN))
    assert [(hit.session_id, hit.turn_id) for hit in found.hits] == [("lisbon", chat.turns(1)[0].id)]
    assert found.hits[0].snippet.marked("*", "*") == "I go to Lisbon in *May*."
    assert agent.search("half a \ud800 character").hits == ()
    assert agent.search("may", Filters(tag="\ud800", model="\0")).hits == ()
    assert len(agent.search("may", count=-5).hits) == 1


def test_a_session_that_was_ended_says_so_and_is_not_the_current_one(agent: Agent) -> None:
    agent.conversation("porto").send("Hello")
    chat = agent.conversation("lisbon")
    chat.send("Hello")
    chat.end()
    with pytest.raises(SessionEnded, match="“lisbon” was ended: reopen it to go on"):
        chat.send("Once more")
    assert [session.session_id for session in agent.active().sessions] == ["porto"]
    current = agent.current()
    assert current is not None
    assert current.session_id == "porto"
    chat.reopen()
    chat.send("Once more")
    assert [turn.turn.prompt for turn in agent.recent(2)] == ["Once more", "Hello"]


def test_tags_are_in_lower_case_on_one_line(agent: Agent) -> None:
    chat = agent.conversation("lisbon")
    chat.tag("Work", " far  away ", "work")
    chat.untag("WORK")
    assert (chat.session.tags, agent.tags()) == (("far away",), {"far away": 1})
    with pytest.raises(PromptRefused, match="A tag has 1 to 40 characters"):
        chat.tag("  ")


def test_labels_and_deleting_many(make_agent: Make) -> None:
    agent = make_agent(echo_words_per_second=20)
    for name in ("a", "b", "c"):
        agent.conversation(name)
    agent.conversation("a").pin()
    agent.conversation("b").archive()
    assert [session.session_id for session in agent.sessions().sessions] == ["a", "c"]
    running = agent.conversation("c").start("Hello " * 100)
    assert agent.delete("a", "b", "c").kept == ("c",)
    running.stop()
    assert running.wait_for_end(5)
    assert agent.delete("c").sessions == 1


def test_nothing_is_cleaned_up_unless_asked_for_and_then_once_a_day(make_agent: Make, url: str, clock: Clock) -> None:
    with Store(url, clock=clock) as store:  # Half a year ago, or earlier.
        for name in ("old", "kept"):
            store.sessions.start("local", name)
            store.turns.append("local", name, [Message(Sender.HUMAN, "Hello")])
        store.labels.pin("local", "kept")
    agent = make_agent()
    agent.conversation("new").send("Hello")
    assert agent.unused(days=30).sessions == 1
    for days in (0, -5, 1e9):
        with pytest.raises(SettingsInvalid, match="more than 0 and at most 36,500"):
            agent.clean_up(days=days)

    daily = make_agent(cleanup_days=30)
    deadline = time.monotonic() + 5
    while daily.unused(days=30).sessions and time.monotonic() < deadline:
        time.sleep(0.02)
    daily.close()
    assert {session.session_id for session in agent.sessions().sessions} == {"kept", "new"}
    assert agent.clean_up(days=30).sessions == 0
