"""What the page says in each state, drawn without a browser."""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from agent import Agent, Status, StoreError, close_shared_agent
from storage import INTERRUPTED, Message, Outcome, Sender, Store
from tests.app_test import app_test
from tests.conftest import Clock, Ledger
from tests.ollama_server import Model, OllamaServer, Script

Make = Callable[..., Agent]


def page(open_agent: "Any") -> None:
    from ui import draw  # noqa: PLC0415 - AppTest runs the source of this function by itself

    draw(open_agent)


def show(agent: Agent | Callable[[], Agent], session: str | None = None) -> AppTest:
    shown = app_test(page, agent if callable(agent) else lambda: agent)
    if session is not None:
        shown.query_params["session"] = session
    return shown.run()


def texts(shown: AppTest) -> list[str]:
    assert not shown.exception
    return [str(getattr(element, "value", "")) for element in shown.main if element.type in {"markdown", "caption"}]


def said(shown: AppTest) -> list[str]:
    """What stands in the chat's messages, without captions."""
    assert not shown.exception
    return [markdown.value for message in shown.chat_message for markdown in message.markdown]


def titles(shown: AppTest) -> list[str]:
    """Of the sessions in the list, without the signs by which Streamlit tells those of the same title apart."""
    return [label.rstrip("\u2060\u2063") for group in shown.radio for label in group.options]


def ask(shown: AppTest, agent: Agent, prompt: str) -> AppTest:
    """Submit a prompt, wait for the reply, and draw the page with it."""
    shown.chat_input[0].set_value(prompt).run()
    session = agent.current()
    assert session is not None
    if running := agent.find(session.session_id).running:
        running.wait_for_end(5)
    return shown.run()


def test_without_a_session_it_begins_one_and_says_what_to_do(agent: Agent) -> None:
    shown = show(agent)
    assert "Write something below" in texts(shown)[0]

    ask(shown, agent, "Hello")

    assert said(shown) == ["Hello", "You said: Hello. I remember 1 messages."]
    latest = agent.current()
    assert latest is not None
    assert shown.query_params["session"] == latest.session_id


def test_a_bare_address_opens_the_session_used_last(agent: Agent) -> None:
    agent.conversation("porto").send("To Porto")
    agent.conversation("lisbon").send("To Lisbon")
    assert said(show(agent))[0] == "To Lisbon"


def test_the_session_in_the_address_is_the_one_that_is_shown(agent: Agent) -> None:
    agent.conversation("porto").send("To Porto")
    agent.conversation("lisbon").send("To Lisbon")
    assert said(show(agent, "porto"))[0] == "To Porto"


def test_an_unknown_session_in_the_address_is_said_to_be_unknown_and_a_new_one_offered(agent: Agent) -> None:
    shown = show(agent, "nowhere")
    assert "There is no session “nowhere”." in shown.warning[0].value

    (begin,) = [button for button in shown.button if button.label == "Begin a new session"]
    begin.click().run()
    assert not shown.warning


@pytest.mark.parametrize(
    ("prompt", "sentence"), [("x" * 101, "has 101 characters"), ("a\0b", "NUL"), ("   ", "empty prompt")]
)
def test_a_prompt_that_is_refused_goes_back_into_the_box_with_the_reason(
    make_agent: Make, prompt: str, sentence: str
) -> None:
    agent = make_agent(prompt_limit=100)
    agent.conversation("lisbon")
    shown = show(agent, "lisbon")
    shown.chat_input[0].set_value(prompt).run()
    assert sentence in shown.error[0].value
    assert shown.chat_input[0].proto.value == prompt
    assert agent.stats().totals.messages == 0


def test_the_window_line_stands_before_the_first_turn_that_the_model_sees(make_agent: Make) -> None:
    agent = make_agent(window_turns=2)
    chat = agent.conversation("lisbon")
    for number in range(5):
        chat.send(str(number))
    shown = texts(show(agent, "lisbon"))
    line = next(place for place, text in enumerate(shown) if "The model sees from here on: the last 2 turns" in text)
    assert [text for text in shown[line:] if text in {"2", "3", "4"}] == ["3", "4"]


def test_the_window_can_be_resized_and_the_line_moves(agent: Agent) -> None:
    chat = agent.conversation("lisbon")
    for number in range(3):
        chat.send(str(number))
    shown = show(agent, "lisbon")
    assert any("The model sees the whole conversation so far: 3 turns" in text for text in texts(shown))

    shown.button(key="window").click().run()
    shown.number_input[0].set_value(1).run()

    assert chat.window_turns == 1
    assert any("from here on: the last 1 turn" in text for text in texts(shown))


def test_the_model_can_be_switched_in_mid_session(agent: Agent) -> None:
    chat = agent.conversation("lisbon")
    shown = show(agent, "lisbon")
    shown.selectbox[0].set_value("auto").run()
    assert chat.model == "auto"
    assert any("The model is **echo**. No Ollama server answers" in text for text in texts(shown))


def test_earlier_turns_come_on_demand_and_all_of_them_in_the_end(agent: Agent) -> None:
    chat = agent.conversation("lisbon")
    for number in range(33):
        chat.send(f"Question {number}")
    shown = show(agent, "lisbon")
    counts = [len(shown.chat_message)]
    while earlier := [button for button in shown.button if button.label.startswith("Earlier turns")]:
        earlier[0].click().run()
        counts.append(len(shown.chat_message))
    assert counts == [20, 40, 60, 66]
    assert said(shown)[0] == "Question 0"


@pytest.mark.parametrize(
    ("outcome", "sentence"),
    [
        (Outcome(Status.STOPPED, (Message(Sender.AI, "Once"),)), "You stopped this reply"),
        (Outcome(Status.FAILED, (Message(Sender.AI, "Once"),), error="It broke."), "It broke"),
        (Outcome(Status.INTERRUPTED, (Message(Sender.AI, "Once"),), error=INTERRUPTED), "ended before the reply did"),
    ],
)
def test_a_reply_that_did_not_end_by_itself_says_so_and_can_be_tried_again(
    agent: Agent, url: str, outcome: Outcome, sentence: str
) -> None:
    chat = agent.conversation("lisbon")
    with Store(url) as store:
        store.turns.close(Ledger(store).open("lisbon", "Tell me"), outcome)
    shown = show(agent, "lisbon")
    notes = [element.value for element in (*shown.caption, *shown.error, *shown.warning)]
    assert any(sentence in note for note in notes)
    assert said(shown) == ["Tell me", "Once"]

    (again,) = [button for button in shown.button if button.label == "Try again"]
    again.click().run()
    if running := chat.running:
        running.wait_for_end(5)
    assert said(shown.run()) == ["Tell me", "You said: Tell me. I remember 1 messages."]


def test_a_running_reply_is_shown_with_a_way_to_stop_it(make_agent: Make) -> None:
    agent = make_agent(echo_words_per_second=10)
    chat = agent.conversation("lisbon")
    reply = chat.start("word " * 100)
    assert reply.wait(len("You said:"), timeout=5)
    shown = show(agent, "lisbon")
    assert said(shown)[1].startswith("You said: word")

    (stop,) = [button for button in shown.button if button.label == "Stop"]
    stop.click().run()

    assert reply.wait_for_end(5)
    assert any("You stopped this reply" in caption.value for caption in shown.run().caption)


def test_sessions_stand_under_their_day_the_pinned_ones_first(agent: Agent, url: str, clock: Clock) -> None:
    for days in (0, 1, 3, 100):
        clock.now = datetime.now(UTC) - timedelta(days=days)
        with Store(url, clock=clock) as store:
            store.sessions.start("local", f"{days} days")
            store.turns.append(
                "local", f"{days} days", [Message(Sender.HUMAN, f"{days} days"), Message(Sender.AI, "Hi")]
            )
    agent.find("100 days").pin()
    shown = show(agent)
    assert titles(shown) == ["100 days", "0 days", "1 days", "3 days"]
    assert [group.label for group in shown.radio] == [":material/keep: Pinned", "Today", "Yesterday", "Last seven days"]
    assert [group.value for group in shown.radio] == [None, "0 days", None, None]


def test_a_session_that_answers_is_marked_in_the_list(make_agent: Make) -> None:
    agent = make_agent(echo_words_per_second=10)
    agent.conversation("lisbon").start("word " * 100)
    assert "answering" in show(agent).radio[0].proto.captions[0]


def test_more_sessions_come_on_demand(agent: Agent) -> None:
    for number in range(35):
        agent.conversation(f"session {number}").send(f"Question {number}")
    shown = show(agent)
    assert len(titles(shown)) == 30
    next(button for button in shown.button if button.label == "More sessions").click().run()
    assert len(titles(shown)) == 35


def test_choosing_a_session_shows_it_and_puts_it_into_the_address(agent: Agent) -> None:
    agent.conversation("porto").send("To Porto")
    agent.conversation("lisbon").send("To Lisbon")
    shown = show(agent)
    shown.radio[0].set_value("porto").run()
    assert said(shown)[0] == "To Porto"
    assert shown.query_params["session"] == "porto"


def test_a_database_that_cannot_be_opened_is_one_sentence_and_no_traceback() -> None:
    def open_agent() -> Agent:
        raise StoreError("The database is full.")

    shown = show(open_agent)
    assert shown.error[0].value == "The database is full."
    assert not shown.exception


def test_the_file_that_streamlit_runs_draws_the_page(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("WINDOWSEAT_DATABASE_URL", url)
    monkeypatch.setenv("WINDOWSEAT_MODEL", "echo")
    shown = AppTest.from_file(str(Path(__file__).parent.parent / "streamlit_app.py"), default_timeout=20).run()
    assert "Write something below" in texts(shown)[0]
    shown.chat_input[0].set_value("Hello").run()
    deadline = time.monotonic() + 5
    while len(said(shown)) < 2 and time.monotonic() < deadline:
        shown.run()
    assert said(shown)[0] == "Hello"
    close_shared_agent()


def test_a_session_that_was_archived_says_so_and_comes_back(agent: Agent) -> None:
    chat = agent.conversation("one")
    chat.send("Hello")
    chat.archive()
    shown = show(agent, "one")
    assert any("is archived" in caption.value for caption in shown.caption)
    shown.button(key="take_back").click().run()
    assert not chat.session.archived
    assert not any("is archived" in caption.value for caption in shown.caption)


def test_a_session_that_was_ended_takes_no_prompt_until_it_is_reopened(agent: Agent) -> None:
    chat = agent.conversation("lisbon")
    chat.send("Hello")
    chat.end()
    shown = show(agent, "lisbon")
    assert any("takes no prompt" in caption.value for caption in shown.caption)
    assert shown.chat_input[0].disabled
    shown.button(key="take_back").click().run()
    assert shown.run().chat_input[0].disabled is False
    assert not any("takes no prompt" in caption.value for caption in shown.caption)


def test_an_archived_session_is_found_by_the_switch(agent: Agent) -> None:
    for name in ("lisbon", "porto"):
        agent.conversation(name).send(f"To {name}")
    agent.conversation("lisbon").archive()
    shown = show(agent, "porto")
    assert titles(shown) == ["To porto"]
    shown.toggle[0].set_value(True).run()
    assert titles(shown) == ["To lisbon"]


def test_a_conversation_that_the_context_has_no_room_for_says_so_on_the_page(
    make_agent: Make, ollama: OllamaServer
) -> None:
    agent = make_agent(model="ollama:llama3.2:3b", ollama_host=ollama.url, context_tokens=1024, reply_tokens=256)
    chat = agent.conversation("lisbon")
    for number in range(8):
        chat.send(f"{number} " + "How far is it from there to here? " * 10)
    shown = texts(show(agent, "lisbon"))
    receipt = chat.view
    assert receipt.beyond_budget > 0
    line = f"the last {receipt.turns} turns. Its context of 1,024 tokens has no room for {receipt.beyond_budget} turn"
    assert any(line in text for text in shown)
    assert any(re.search(r"left out · [\d,]+ of 1,024 tokens", text) for text in shown)


def test_a_reply_whose_beginning_the_server_cut_says_so(make_agent: Make, ollama: OllamaServer, script: Script) -> None:
    script.density = 3.0
    agent = make_agent(model="ollama:llama3.2:3b", ollama_host=ollama.url, context_tokens=4096)
    chat = agent.conversation("lisbon")
    chat.send("How far is it from there to here? " * 240)
    assert "cut the beginning" in show(agent, "lisbon").warning[0].value


def test_a_system_prompt_that_leaves_no_room_is_named_on_the_page(make_agent: Make, ollama: OllamaServer) -> None:
    agent = make_agent(model="ollama:llama3.2:3b", ollama_host=ollama.url, context_tokens=512)
    chat = agent.conversation("lisbon")
    chat.send("Hello")
    chat.configure(system_prompt="Be brief. " * 300)
    shown = show(agent, "lisbon")
    assert "There is no room for what the model is told of the session" in shown.warning[0].value
    assert "Hello" in said(shown)


def test_what_a_model_thought_is_folded_away_beside_its_reply(
    make_agent: Make, ollama: OllamaServer, script: Script
) -> None:
    script.models = {"qwen3:8b": Model(capabilities=("completion", "thinking"))}
    script.thoughts = ("They ask ", "about $5 and $6.")
    agent = make_agent(model="ollama:qwen3:8b", ollama_host=ollama.url)
    agent.conversation("lisbon").send("Hello")
    shown = show(agent, "lisbon")
    (folded,) = shown.expander
    assert folded.label == "Thinking"
    assert "They ask about" in folded.markdown[0].value
