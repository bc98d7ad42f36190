"""Prompts that are submitted while a reply runs: each is sent once, in order, or waits for a person to decide."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk

from agent import (
    Agent,
    Conversation,
    EchoModel,
    ImageFile,
    ModelUnknown,
    PromptRefused,
    Reply,
    SessionEnded,
    SettingsInvalid,
    TurnNotFound,
    WaitingGone,
    WindowMemory,
    asking,
    conversation,
)
from agent.asking import Asking
from agent.due import Due, HeldUp
from storage import Message, Outcome, SessionBusy, Status, Store, StoreLocked
from tests.pictures import picture

Make = Callable[..., Agent]
SLOW = 20
PNG, GIF = picture(), picture("GIF")


class Broken(EchoModel):
    """Fails a moment after it was asked."""

    async def _astream(self, *_: Any, **__: Any) -> AsyncIterator[ChatGenerationChunk]:
        yield ChatGenerationChunk(message=AIMessageChunk(content="So"))
        await asyncio.sleep(0.3)
        raise ValueError("No more")


def slow(*names: str) -> dict[str, BaseChatModel]:
    return {name: EchoModel(words_per_second=SLOW) for name in names}


def waits(chat: Conversation) -> list[str]:
    return [waiting.message.content for waiting in chat.waiting]


def settled(chat: Conversation, turns: int, timeout: float = 20) -> list[tuple[str, str]]:
    """Prompts and statuses, once there are so many turns in the path and none of them runs."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        found = [(turn.prompt, str(turn.status)) for turn in chat.turns(100)]
        if len(found) >= turns and all(status != "running" for _, status in found):
            return found
        time.sleep(0.02)
    raise AssertionError(found)


def until(happened: Callable[[], object], timeout: float = 10) -> None:
    deadline = time.monotonic() + timeout
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def started(chat: Conversation, prompt: str = "one") -> Reply:
    reply = chat.submit(prompt)
    assert reply is not None
    return reply


def test_what_is_submitted_while_a_reply_runs_is_sent_after_it_one_after_the_other(
    make_agent: Make, each_url: str
) -> None:
    chat = make_agent(database_url=each_url, echo_words_per_second=SLOW).conversation("lisbon")
    started(chat)
    assert [chat.submit(text) for text in ("two", "three", "four")] == [None] * 3
    assert waits(chat) == ["two", "three", "four"]
    assert settled(chat, 4) == [(text, "complete") for text in ("one", "two", "three", "four")]
    assert waits(chat) == []
    assert chat.turns(1)[0].reply == "You said: four. I remember 7 messages."


def test_a_prompt_is_never_left_lying_when_the_reply_ends_just_then(make_agent: Make, each_url: str) -> None:
    chat = make_agent(database_url=each_url).conversation("lisbon")
    for number in range(60):
        while len(waits(chat)) > 10:
            time.sleep(0.01)
        chat.submit(str(number))
    assert [prompt for prompt, _ in settled(chat, 60)] == [str(number) for number in range(60)]
    assert waits(chat) == []


def test_what_waits_is_sent_after_a_stop(make_agent: Make) -> None:
    chat = make_agent(echo_words_per_second=SLOW).conversation("lisbon")
    reply = started(chat, "one " * 100)
    chat.submit("two")
    reply.stop()
    assert [status for _, status in settled(chat, 2)] == ["stopped", "complete"]


def test_what_waits_for_a_reply_that_fails_is_for_a_person_to_decide(make_agent: Make) -> None:
    chat = make_agent(models={"broken": Broken()}).conversation("lisbon")
    reply = chat.start("one", model="broken")
    chat.submit("two")
    chat.submit("three")
    assert reply.wait_for_end(10)
    time.sleep(0.3)
    assert waits(chat) == ["two", "three"]
    assert chat.take_back(chat.waiting[0].id).message.content == "two"
    sent = chat.send_waiting()
    assert sent is not None
    assert sent.finish().prompt == "three"
    assert chat.send_waiting() is None


def test_a_prompt_submitted_after_a_failure_is_sent_at_once_and_what_is_held_only_when_asked_for(
    make_agent: Make,
) -> None:
    chat = make_agent(models={"broken": Broken()}).conversation("lisbon")
    failing = chat.start("one", model="broken")
    for text in ("two", "three"):
        assert chat.submit(text) is None
    assert failing.wait_for_end(10)
    started(chat, "new").finish()
    time.sleep(0.3)
    assert [turn.prompt for turn in chat.turns(10)] == ["one", "new"]
    assert [(waiting.message.content, waiting.held) for waiting in chat.waiting] == [("two", True), ("three", True)]
    assert chat.held_up is None
    assert chat.send_waiting() is not None
    assert [prompt for prompt, _ in settled(chat, 4)] == ["one", "new", "two", "three"]


def test_what_is_due_is_sent_when_the_store_can_again(make_agent: Make, store_that_can_not: StoreLocked) -> None:
    agent = make_agent()
    runner, done = agent._parts.runner, threading.Event()  # noqa: SLF001
    tries: list[str] = []

    def send(owner: str, session_id: str) -> None:
        tries.append(session_id)
        if len(tries) == 1:
            raise store_that_can_not
        done.set()

    due = Due(runner, send)
    due.send("local", "lisbon")
    until(lambda: due.held_up("local", "lisbon"))
    assert due.held_up("local", "lisbon") == HeldUp(None, str(store_that_can_not))
    assert done.wait(5)
    until(lambda: due.held_up("local", "lisbon") is None)


@pytest.fixture
def store_that_can_not() -> StoreLocked:
    return StoreLocked("The database is locked by another program.")


def left_due(url: str, **placed: Any) -> None:
    """A turn that has ended, and a prompt that waited for it, of a program that ended before it could send that."""
    here = ("local", "lisbon")
    with Store(url) as store:
        store.sessions.start(*here)
        process = store.running.begin_process()
        opened = store.turns.open(*here, Message.prompt("one"), model="echo", window=3, process_id=process)
        store.waiting.put(*here, Message.prompt("two"), {}, **placed)
        store.turns.close(opened, Outcome(Status.COMPLETE, (Message.reply("So"),)))


def test_what_was_left_due_is_sent_at_the_first_look(make_agent: Make, url: str) -> None:
    left_due(url)
    chat = make_agent().conversation("lisbon")
    assert chat.running is None
    assert settled(chat, 2) == [("one", "complete"), ("two", "complete")]


def test_why_a_prompt_was_not_sent_is_said_as_long_as_it_waits(make_agent: Make, url: str) -> None:
    left_due(url, model="nobody:none")
    chat = make_agent().conversation("lisbon")
    assert chat.held_up is None
    before = chat.revision
    assert chat.running is None
    until(lambda: chat.held_up)
    assert "nobody:none" in (chat.held_up or "")
    assert chat.revision != before
    chat.take_back(chat.waiting[0].id)
    assert chat.held_up is None


def test_what_is_wrong_with_a_prompt_that_waits_is_not_told_to_who_submits_another(
    make_agent: Make, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_due(url, model="odd")
    ask = Asking.ask

    def asked(asking: Asking, prompt: Message, model: str | None = None) -> Any:
        if model == "odd":
            raise RuntimeError("Odd")
        return ask(asking, prompt, model)

    monkeypatch.setattr(Asking, "ask", asked)
    chat = make_agent().conversation("lisbon")
    assert started(chat, "three").finish().prompt == "three"
    assert waits(chat) == ["two"]
    assert chat.held_up == "Odd"


def test_another_model_is_asked_also_where_the_first_could_not_begin(
    make_agent: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = make_agent(models=slow("slow")).conversation("lisbon")
    context, errors = Asking.context, [RuntimeError("No context")]

    def broken_once(asking: Asking, *given: Any) -> Any:
        if errors:
            raise errors.pop()
        return context(asking, *given)

    monkeypatch.setattr(Asking, "context", broken_once)
    with pytest.raises(RuntimeError, match="No context"):
        chat.submit("one", also="slow")
    until(lambda: waits(chat) == [])
    settled(chat, 1)
    both = chat.siblings(chat.turns(1)[0].id).turn_ids
    assert [(chat.turn(turn).model, str(chat.turn(turn).status)) for turn in both] == [
        ("echo", "failed"),
        ("slow", "complete"),
    ]


def test_a_prompt_that_is_sent_as_the_agent_closes_is_interrupted_like_any_other(
    make_agent: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = make_agent(echo_words_per_second=SLOW)
    chat = agent.conversation("lisbon")
    started(chat)
    chat.submit("two")
    chat.submit("three")
    context, opened = Asking.context, threading.Event()

    def slowly(asking: Asking, *given: Any) -> Any:
        opened.set()
        time.sleep(0.5)
        return context(asking, *given)

    monkeypatch.setattr(Asking, "context", slowly)
    assert opened.wait(10)
    agent.close()
    again = make_agent().conversation("lisbon")
    assert [(turn.prompt, str(turn.status)) for turn in again.turns(5)] == [("one", "complete"), ("two", "interrupted")]
    assert [(waiting.message.content, waiting.held) for waiting in again.waiting] == [("three", True)]


def test_no_context_is_chosen_for_a_prompt_that_waits(make_agent: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    chat = make_agent(echo_words_per_second=5).conversation("lisbon")
    started(chat)
    monkeypatch.setattr(asking, "choose_turns", lambda *_: pytest.fail("A context was chosen."))
    assert chat.submit("two") is None


def test_a_prompt_that_was_sent_can_not_be_taken_back(make_agent: Make) -> None:
    chat = make_agent(echo_words_per_second=SLOW).conversation("lisbon")
    started(chat)
    chat.submit("two")
    (waiting,) = chat.waiting
    settled(chat, 2)
    with pytest.raises(WaitingGone, match="sent or taken back meanwhile"):
        chat.take_back(waiting.id)


def test_a_prompt_that_is_taken_back_is_not_sent(make_agent: Make) -> None:
    chat = make_agent(echo_words_per_second=SLOW).conversation("lisbon")
    started(chat)
    chat.submit("two")
    chat.submit("three")
    chat.take_back(chat.waiting[0].id)
    assert [prompt for prompt, _ in settled(chat, 2)] == ["one", "three"]


def test_nothing_is_sent_while_a_reply_runs(make_agent: Make) -> None:
    chat = make_agent(echo_words_per_second=5).conversation("lisbon")
    started(chat)
    chat.submit("two")
    assert chat.send_waiting() is None
    assert waits(chat) == ["two"]


def test_another_model_is_asked_the_same_beside_the_first(make_agent: Make) -> None:
    chat = make_agent(models=slow("slow")).conversation("lisbon")
    reply = chat.submit("one", also="slow")
    assert reply is not None
    assert chat.submit("two") is None
    assert [prompt for prompt, _ in settled(chat, 2)] == ["one", "two"]
    first, second = (chat.turn(turn_id) for turn_id in chat.siblings(reply.turn_id).turn_ids)
    assert [(turn.prompt, turn.model) for turn in (first, second)] == [("one", "echo"), ("one", "slow")]
    assert chat.turns(2)[0] == second


def test_both_models_wait_where_a_reply_runs(make_agent: Make) -> None:
    chat = make_agent(models=slow("slow"), echo_words_per_second=SLOW).conversation("lisbon")
    started(chat)
    assert chat.submit("two", also="slow") is None
    chat.submit("three")
    assert [waiting.model for waiting in chat.waiting] == [None, "slow", None]
    path = settled(chat, 3)
    assert [prompt for prompt, _ in path] == ["one", "two", "three"]
    pair = chat.siblings(chat.turns(2)[0].id).turn_ids
    assert [chat.turn(turn_id).model for turn_id in pair] == ["echo", "slow"]


def test_another_model_is_asked_also_where_the_first_one_failed(make_agent: Make) -> None:
    chat = make_agent(models={"broken": Broken()}).conversation("lisbon")
    reply = chat.submit("one", model="broken", also="echo")
    assert reply is not None
    chat.submit("two")
    assert [prompt for prompt, _ in settled(chat, 2)] == ["one", "two"]
    assert [chat.turn(turn_id).status for turn_id in chat.siblings(reply.turn_id).turn_ids] == ["failed", "complete"]


def test_images_wait_with_their_prompt(make_agent: Make) -> None:
    chat = make_agent(models=slow("slow", "too"), model="slow").conversation("lisbon")
    started(chat)
    chat.submit("What are they?", images=[ImageFile("dot.png", PNG), ImageFile("none.gif", GIF)], also="too")
    chat.submit("And this?", images=[PNG])
    taken = chat.take_back(chat.waiting[-1].id)
    assert list(taken.contents.values()) == [PNG]
    settled(chat, 2)
    deadline = time.monotonic() + 10
    while chat.turns(1)[0].model != "too" or chat.running:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    for turn_id in chat.siblings(chat.turns(1)[0].id).turn_ids:
        assert chat.images(chat.turn(turn_id)) == (ImageFile("dot.png", PNG), ImageFile("none.gif", GIF))
        context = chat.context(turn_id)
        assert context is not None
        blocks = context.asked[0].content
        assert [block["mime_type"] for block in blocks if isinstance(block, dict) and "base64" in block] == [
            "image/png",
            "image/gif",
        ]
    assert chat.images(chat.turns(2)[0]) == ()


@pytest.mark.parametrize(
    ("prompt", "more", "error"),
    [
        ("", {}, PromptRefused),
        ("see", {"images": [PNG]}, PromptRefused),
        ("two", {"model": "nobody:none"}, ModelUnknown),
        ("two", {"also": "nobody:none"}, ModelUnknown),
        ("see", {"model": "slow", "images": [PNG], "also": "echo"}, PromptRefused),
        ("see", {"model": "slow", "images": [b"text"]}, PromptRefused),
    ],
)
def test_what_could_not_be_sent_does_not_wait(
    make_agent: Make, prompt: str, more: dict[str, Any], error: type[Exception]
) -> None:
    chat = make_agent(models=slow("slow"), echo_words_per_second=5).conversation("lisbon")
    started(chat)
    with pytest.raises(error):
        chat.submit(prompt, **more)
    assert waits(chat) == []


def test_a_prompt_that_can_not_be_sent_waits_and_holds_up_nobody(make_agent: Make) -> None:
    agent = make_agent(models=slow("mine"))
    chat = agent.conversation("lisbon")
    started(chat)
    settled(chat, 1)
    own = chat.start("two", model="mine")
    chat.submit("three", model="mine")
    other = make_agent().conversation("lisbon")
    own.stop()
    settled(chat, 3)
    running = chat.start("four " * 20, model="mine")
    chat.submit("five", model="mine")
    agent.close()
    assert not running.running
    assert waits(other) == ["five"]
    with pytest.raises(ModelUnknown):
        other.send_waiting()
    reply = other.submit("six")
    assert reply is not None
    reply.finish()
    assert waits(other) == ["five"]
    assert other.submit("seven") is not None


def test_an_ended_session_sends_nothing_until_it_is_reopened(make_agent: Make) -> None:
    chat = make_agent(echo_words_per_second=SLOW).conversation("lisbon")
    reply = started(chat)
    chat.submit("two")
    chat.end()
    with pytest.raises(SessionEnded):
        chat.submit("three")
    assert reply.wait_for_end(10)
    time.sleep(0.2)
    with pytest.raises(SessionEnded):
        chat.send_waiting()
    assert waits(chat) == ["two"]
    assert "was ended" in (chat.held_up or "")
    chat.reopen()
    assert [prompt for prompt, _ in settled(chat, 2)] == ["one", "two"]


def test_deleting_a_session_sends_nothing_more(make_agent: Make) -> None:
    asked: list[str] = []

    class Noting(EchoModel):
        async def _astream(self, messages: Any, *given: Any, **more: Any) -> AsyncIterator[ChatGenerationChunk]:
            asked.append(messages[-1].text)
            async for chunk in super()._astream(messages, *given, **more):
                yield chunk

    there = make_agent(models={"noting": Noting(words_per_second=SLOW)}).conversation("lisbon")
    started_there = there.start("one " * 50, model="noting")
    there.submit("two", model="noting")
    until(lambda: started_there.text)
    # Who deletes sees the end of a reply of another program only some time after that has gone on.
    here = make_agent()
    here.conversation("lisbon").delete()
    time.sleep(0.2)
    assert here.sessions().sessions == ()
    assert waits(here.conversation("lisbon")) == []
    assert asked == ["one " * 50]


def test_a_session_that_can_not_be_deleted_keeps_what_waits(make_agent: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation, "LAST_WORDS", 0.2)
    agent = make_agent()
    chat = agent.conversation("lisbon")
    asked, may_end = threading.Event(), threading.Event()

    class Sync(EchoModel):
        def _generate(self, *given: Any, **more: Any) -> Any:
            asked.set()
            may_end.wait(20)
            return super()._generate(*given, **more)

    own: Any = create_agent(Sync(), middleware=[WindowMemory(3, agent=agent, session_id="lisbon")])
    with ThreadPoolExecutor(1) as threads:
        run = threads.submit(own.invoke, {"messages": [("human", "one")]})
        assert asked.wait(10)
        assert chat.submit("two") is None
        with pytest.raises(SessionBusy):
            chat.delete()
        may_end.set()
        run.exception()
    settled(chat, 1)
    time.sleep(0.3)
    assert [(waiting.message.content, waiting.held) for waiting in chat.waiting] == [("two", True)]


def test_closing_sends_nothing_more_and_what_waits_is_there_when_the_agent_is_made_anew(make_agent: Make) -> None:
    agent = make_agent(echo_words_per_second=SLOW)
    chat = agent.conversation("lisbon")
    started(chat, "one " * 50)
    chat.submit("two")
    agent.close()
    again = make_agent().conversation("lisbon")
    assert settled(again, 1)[0][1] == "interrupted"
    assert waits(again) == ["two"]
    reply = again.send_waiting()
    assert reply is not None
    assert reply.finish().prompt == "two"


def test_agents_that_close_as_a_reply_ends_lose_no_prompt(make_agent: Make) -> None:
    for number in range(10):
        agent = make_agent(echo_words_per_second=100)
        chat = agent.conversation(f"session {number}")
        reply = started(chat)
        chat.submit("two")
        reply.wait_for_end(5)
        agent.close()
        again = make_agent().conversation(f"session {number}")
        path = again.turns(10)
        assert [*(turn.prompt for turn in path), *waits(again)] == ["one", "two"]
        assert {str(turn.status) for turn in path} <= {"complete", "interrupted"}


def test_what_waits_for_a_reply_of_another_process_is_sent_by_that_one(make_agent: Make) -> None:
    there = make_agent(echo_words_per_second=SLOW).conversation("lisbon")
    here = make_agent().conversation("lisbon")
    started(there)
    assert here.submit("two") is None
    assert waits(there) == ["two"]
    assert settled(here, 2) == [("one", "complete"), ("two", "complete")]


def test_two_agents_that_submit_at_once_send_each_prompt_once(make_agent: Make, each_url: str) -> None:
    settings = {"database_url": each_url, "echo_words_per_second": 500}
    chats = [make_agent(**settings).conversation("lisbon") for _ in range(2)]
    for number in range(18):
        chats[number % 2].submit(str(number))
    path = settled(chats[0], 18, timeout=40)
    assert sorted(int(prompt) for prompt, _ in path) == list(range(18))
    assert waits(chats[0]) == []


def test_what_waits_for_an_agent_of_ones_own_is_sent_after_it(make_agent: Make) -> None:
    agent = make_agent()
    chat = agent.conversation("lisbon")
    memory = WindowMemory(3, agent=agent, session_id="lisbon")

    class Submits(EchoModel):
        def _generate(self, *given: Any, **more: Any) -> Any:
            assert chat.submit("two") is None
            return super()._generate(*given, **more)

    own: Any = create_agent(Submits(), middleware=[memory])
    own.invoke({"messages": [("human", "one")]})
    assert settled(chat, 2) == [("one", "complete"), ("two", "complete")]


WAIT = """
import sys, time
from agent import Agent, Settings
agent = Agent(Settings.read(_env_file=None, database_url=sys.argv[1], model="echo", echo_words_per_second=30))
chat = agent.conversation("lisbon")
for number in range(20):
    chat.submit(f"prompt {number}")
    print(number, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("moment", [0.0, 0.15, 0.4, 0.9])
def test_no_prompt_is_lost_or_sent_twice_when_the_process_is_killed(
    tmp_path: Path, url: str, make_agent: Make, moment: float
) -> None:
    log = tmp_path / "submitted.txt"
    with log.open("w") as out:
        process = subprocess.Popen([sys.executable, "-c", WAIT, url], stdout=out)
        deadline = time.monotonic() + 30
        while "12\n" not in log.read_text() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(moment)
        process.kill()
        process.wait()
    submitted = len(log.read_text().splitlines())
    with Store(url, clock=lambda: datetime.now(UTC) + timedelta(seconds=10)) as store:
        store.running.sweep()
        assert store.verify() == []
    chat = make_agent().conversation("lisbon")
    kept = [turn.prompt for turn in chat.turns(100)] + waits(chat)
    assert kept in ([f"prompt {number}" for number in range(more)] for more in (submitted, submitted + 1))
    while (reply := chat.send_waiting()) is not None or waits(chat):
        if reply is not None:
            reply.wait_for_end(5)
    assert [turn.prompt for turn in chat.turns(100)] == kept


def test_a_second_model_is_a_setting_of_the_session(make_agent: Make) -> None:
    chat = make_agent().conversation("lisbon")
    assert chat.second_model_of(chat.session) == ""
    chat.configure(second_model="ollama:x")
    assert chat.second_model_of(chat.session) == "ollama:x"
    chat.configure(model="echo")
    assert chat.second_model_of(chat.session) == "ollama:x"
    chat.configure(second_model="")
    assert chat.second_model_of(chat.session) == ""
    assert "second_model" not in chat.session.settings
    with pytest.raises(SettingsInvalid):
        chat.configure(second_model=7)  # type: ignore[arg-type]


def test_a_revision_changes_with_all_that_a_page_shows(make_agent: Make) -> None:
    chat = make_agent(echo_words_per_second=SLOW).conversation("lisbon")
    seen = [chat.revision]

    def changed() -> bool:
        seen.append(chat.revision)
        hash(seen[-1])
        return seen[-1] != seen[-2]

    assert not changed()
    reply = started(chat)
    assert changed()
    chat.submit("two")
    assert changed()
    chat.take_back(chat.waiting[0].id)
    assert changed()
    reply.finish()
    assert changed()
    first = chat.turns(1)[0].id
    for act in (
        lambda: chat.rate(first, 1),
        lambda: chat.rate(first, -1),
        lambda: chat.rename("Trip"),
        lambda: chat.tag("travel"),
        chat.pin,
        lambda: chat.configure(window_turns=2),
        lambda: chat.regenerate(first).finish(),
        lambda: chat.switch(first),
        chat.end,
    ):
        act()
        assert changed()
    assert not changed()


def test_a_page_knows_the_alternatives_of_its_turns(agent: Agent) -> None:
    chat = agent.conversation("lisbon")
    assert chat.alternatives(chat.turns(5)) == {}
    for number in range(5):
        chat.send(str(number))
    agent.conversation("porto").send("Hello")
    path = chat.turns(5)
    assert chat.alternatives(path) == {}
    third = chat.edit(path[2].id, "another 2").finish().turn_id
    first = chat.edit(path[0].id, "another 0").finish().turn_id
    assert chat.alternatives(chat.turns(5)) == {first: (path[0].id, first)}
    chat.switch(path[4].id)
    assert chat.alternatives(chat.turns(5)) == {path[0].id: (path[0].id, first), path[2].id: (path[2].id, third)}
    assert chat.alternatives(chat.turns(2, last=3)) == {path[2].id: (path[2].id, third)}
    with pytest.raises(TurnNotFound):
        agent.conversation("porto").alternatives(path)


def test_a_page_can_end_further_up(agent: Agent) -> None:
    chat = agent.conversation("lisbon")
    for number in range(9):
        chat.send(str(number))
    assert [turn.prompt for turn in chat.turns(2, last=5)] == ["3", "4"]
    assert [turn.prompt for turn in chat.turns(3, last=1)] == ["0"]
    assert [turn.prompt for turn in chat.turns(2)] == ["7", "8"]
    assert chat.turns(2, last=10) == chat.turns(2, last=0) == ()
    assert chat.turn(chat.turns(1)[0].id).prompt == "8"
