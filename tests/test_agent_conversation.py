"""A conversation: what the model sees, what is kept, and what is refused."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from agent import Agent, PromptRefused, Receipt, SessionBusy, SessionNotFound, Status, Verdict
from storage import Message, Outcome, Sender, Store
from tests.conftest import Ledger

Make = Callable[..., Agent]


def test_echo_says_what_it_heard_and_counts_the_messages_it_got(agent: Agent) -> None:
    reply = agent.conversation("lisbon").send("Hello")
    assert reply.text == "You said: Hello. I remember 1 messages."
    assert reply.status is Status.COMPLETE


def test_forty_turns_with_a_window_of_three_give_the_model_seven_messages_and_lose_none(make_agent: Make) -> None:
    chat = make_agent(window_turns=3).conversation("lisbon")
    replies = [chat.send(f"Question {number}").text for number in range(40)]

    assert replies[-1] == "You said: Question 39. I remember 7 messages."
    assert [turn.prompt for turn in chat.turns(100)] == [f"Question {number}" for number in range(40)]


@pytest.mark.parametrize(("window", "messages"), [(0, 1), (1, 3), (3, 7), (10, 11)])
def test_a_window_of_n_turns_gives_the_model_n_turns_and_the_prompt(
    make_agent: Make, window: int, messages: int
) -> None:
    chat = make_agent(window_turns=window).conversation("lisbon")
    for number in range(5):
        chat.send(str(number))
    assert chat.send("Hello").text.endswith(f"I remember {messages} messages.")


def test_text_arrives_piece_by_piece(agent: Agent) -> None:
    pieces = list(agent.conversation("lisbon").stream("Hello"))
    assert "".join(pieces) == "You said: Hello. I remember 1 messages."


def test_the_receipt_says_which_turns_the_model_saw_and_how_many_it_did_not(make_agent: Make) -> None:
    chat = make_agent(window_turns=3).conversation("lisbon")
    for number in range(6):
        reply = chat.send(str(number))

    receipt = Receipt.of(chat.turns(1)[0])
    assert receipt == reply.receipt
    plain = Receipt(window=3, first=3, last=5, turns=3, beyond_window=2, messages=7)
    assert receipt == replace(plain, counted=25, verdict=Verdict.COMPLETE)


def test_the_window_can_be_looked_at_before_the_next_prompt(make_agent: Make) -> None:
    chat = make_agent(window_turns=2).conversation("lisbon")
    for number in range(4):
        chat.send(str(number))
    assert [turn.prompt for turn in chat.window] == ["2", "3"]


def test_window_and_model_of_a_session_are_its_own_and_count_from_the_next_prompt(agent: Agent) -> None:
    chat = agent.conversation("lisbon")
    chat.send("1")
    chat.configure(window_turns=0)
    assert chat.send("2").text == "You said: 2. I remember 1 messages."
    assert agent.conversation("lisbon").window_turns == 0
    assert agent.conversation("porto").window_turns == 10


def test_a_stopped_reply_is_in_the_window_marked_as_cut_off(make_agent: Make, url: str) -> None:
    chat = make_agent().conversation("lisbon")
    with Store(url) as store:
        opened = Ledger(store).open("lisbon", "Tell me")
        store.turns.close(opened, Outcome(Status.STOPPED, (Message(Sender.AI, "Once upon"),)))
    chat.send("Go on")
    sent = chat.turns(2)
    assert sent[0].reply == "Once upon"
    receipt = Receipt.of(sent[1])
    assert receipt is not None
    assert (receipt.turns, receipt.messages) == (1, 3)


def test_a_turn_without_a_reply_is_not_sent_and_the_receipt_says_so(agent: Agent, url: str) -> None:
    chat = agent.conversation("lisbon")
    with Store(url) as store:
        opened = Ledger(store).open("lisbon", "Are you there?")
        store.turns.close(opened, Outcome(Status.FAILED, error="No"))
    reply = chat.send("Hello")
    assert reply.text == "You said: Hello. I remember 1 messages."
    assert reply.receipt is not None
    assert reply.receipt.empty == (1,)


@pytest.mark.parametrize(
    ("prompt", "sentence"),
    [
        ("", "empty prompt"),
        (" \n\t", "empty prompt"),
        ("x" * 101, "has 101 characters, and 100 is the most"),
        ("a\0b", "NUL"),
        ("\ud800", "lone surrogate"),
    ],
)
def test_a_prompt_that_cannot_be_sent_is_refused_with_a_sentence_and_leaves_no_trace(
    make_agent: Make, prompt: str, sentence: str
) -> None:
    agent = make_agent(prompt_limit=100)
    chat = agent.conversation("lisbon")
    with pytest.raises(PromptRefused, match=sentence):
        chat.send(prompt)
    assert agent.stats().totals.messages == 0


def test_a_prompt_sent_while_the_reply_runs_is_refused(make_agent: Make) -> None:
    chat = make_agent(echo_words_per_second=5).conversation("lisbon")
    reply = chat.start("Hello")
    with pytest.raises(SessionBusy):
        chat.send("Hello again")
    reply.stop()
    assert reply.wait_for_end(5)


@pytest.mark.parametrize("name", ["", " lisbon", "x" * 201, "a\0b"])
def test_an_impossible_name_for_a_session_is_refused(agent: Agent, name: str) -> None:
    with pytest.raises(PromptRefused, match="session's name"):
        agent.conversation(name)


def test_a_session_that_is_not_there_is_not_made_by_looking_for_it(agent: Agent) -> None:
    with pytest.raises(SessionNotFound):
        agent.find("lisbon")
    assert agent.sessions().sessions == ()


def test_beginning_twice_without_a_word_makes_one_session(agent: Agent) -> None:
    first = agent.begin()
    assert agent.begin().session_id == first.session_id
    first.send("Hello")
    assert agent.begin().session_id != first.session_id


def test_asking_again_keeps_both_turns_and_shows_the_new_one(agent: Agent) -> None:
    chat = agent.conversation("lisbon")
    chat.send("Hello")
    old = chat.turns(1)[0]
    new = chat.regenerate(old.id).finish()

    assert [turn.id for turn in chat.turns(10)] == [new.turn_id]
    assert chat.session.message_count == 4
    assert new.text == "You said: Hello. I remember 1 messages."


def test_a_prompt_can_be_edited_and_one_can_go_back_to_the_first_version(agent: Agent) -> None:
    chat = agent.conversation("lisbon")
    chat.send("Hello")
    first = chat.turns(1)[0].id
    second = chat.edit(first, "Good morning").finish().turn_id
    assert [turn.prompt for turn in chat.turns(10)] == ["Good morning"]
    assert chat.siblings(first).turn_ids == (first, second)
    chat.switch(first)
    assert [turn.prompt for turn in chat.turns(10)] == ["Hello"]


def test_a_fork_goes_its_own_way(agent: Agent) -> None:
    chat = agent.conversation("lisbon")
    chat.send("Hello")
    assert chat.fork("porto").send("Again").text == "You said: Again. I remember 3 messages."
    assert len(chat.turns(10)) == 1


def test_a_prompt_sent_again_with_its_key_gives_the_reply_it_had(make_agent: Make) -> None:
    agent = make_agent(echo_words_per_second=20)
    chat = agent.conversation("lisbon")
    running = chat.start("Hello", idempotency_key="k")
    assert chat.start("Hello", idempotency_key="k") is running
    text = running.finish().text
    again = make_agent().conversation("lisbon").start("Hello", idempotency_key="k").finish()
    assert (again.text, again.turn_id) == (text, running.turn_id)
    assert len(chat.turns(10)) == 1
    with pytest.raises(PromptRefused, match="used for another prompt"):
        chat.start("Bye", idempotency_key="k")


def test_titles_are_found_and_changed(agent: Agent) -> None:
    chat = agent.conversation("lisbon")
    chat.send("I go to Lisbon in May.")
    agent.conversation("porto").send("And then to Porto.")
    assert [session.session_id for session in agent.sessions("LISBON").sessions] == ["lisbon"]
    chat.rename("  Spring\ntrip ")
    assert chat.session.title == "Spring trip"
    with pytest.raises(PromptRefused, match="1 to 200 characters"):
        chat.rename("   ")


def test_deleting_a_session_stops_its_reply_first(make_agent: Make) -> None:
    agent = make_agent(echo_words_per_second=5)
    chat = agent.conversation("lisbon")
    reply = chat.start("Hello")
    chat.delete()
    assert not reply.running
    assert agent.sessions().sessions == ()


def test_the_figures_count_what_was_said(agent: Agent) -> None:
    agent.conversation("lisbon").send("Hello there")
    stats = agent.stats(days=7)
    assert (stats.totals.sessions, stats.totals.messages, stats.totals.active_sessions) == (1, 2, 1)
    assert len(stats.used.days) == 7
    today = stats.used.days[-1]
    assert (today.turns, today.input_tokens, today.output_tokens) == (1, 2, 8)


def test_everything_is_there_when_the_agent_is_made_anew(make_agent: Make) -> None:
    make_agent().conversation("lisbon").send("Hello")
    chat = make_agent().conversation("lisbon")
    assert [turn.reply for turn in chat.turns(10)] == ["You said: Hello. I remember 1 messages."]
