"""Replies: followed by anybody, ended only by Stop, and never lost with the process that runs them."""

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models.fake_chat_models import FakeMessagesListChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatResult

from agent import Agent, AgentClosed, ModelFailed, Receipt, Reply, Status
from storage import Store, sqlite
from tests.conftest import Ledger

Make = Callable[..., Agent]


def test_a_stopped_reply_keeps_the_text_so_far_and_stops_within_a_second(make_agent: Make) -> None:
    chat = make_agent(echo_words_per_second=20).conversation("lisbon")
    reply = chat.start("word " * 100)
    assert reply.wait(10, timeout=5)

    began = time.monotonic()
    reply.stop()
    assert reply.wait_for_end(5)
    assert time.monotonic() - began < 1

    turn = chat.turns(1)[0]
    assert (turn.status, turn.reply) == (Status.STOPPED, reply.text)
    assert turn.reply.startswith("You said: word")


def test_a_reply_can_be_stopped_before_its_first_word(make_agent: Make) -> None:
    chat = make_agent(echo_words_per_second=0.1).conversation("lisbon")
    reply = chat.start("Hello")
    reply.stop()
    assert reply.wait_for_end(5)
    assert chat.turns(1)[0].status is Status.STOPPED


def test_any_number_of_readers_follow_from_any_place(make_agent: Make) -> None:
    chat = make_agent(echo_words_per_second=100).conversation("lisbon")
    reply = chat.start("word " * 40)
    heard: dict[int, str] = {}

    def listen(start: int) -> None:
        heard[start] = "".join(reply.follow(start))

    readers = [threading.Thread(target=listen, args=(start,)) for start in (0, 5, 20)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(10)
    assert heard == {start: reply.text[start:] for start in (0, 5, 20)}
    assert reply.text.endswith("I remember 1 messages.")


def test_a_reader_that_leaves_does_not_end_the_reply(make_agent: Make) -> None:
    chat = make_agent(echo_words_per_second=50).conversation("lisbon")
    for _ in chat.stream("one two three four"):
        break
    running = chat.running
    assert running is not None
    assert running.finish().status is Status.COMPLETE
    assert chat.turns(1)[0].reply.endswith("I remember 1 messages.")


def test_the_running_reply_is_found_again_by_whoever_asks(make_agent: Make) -> None:
    agent = make_agent(echo_words_per_second=20)
    reply = agent.conversation("lisbon").start("Hello there")
    assert agent.find("lisbon").running is reply
    reply.finish()
    assert agent.find("lisbon").running is None


def test_a_reply_that_runs_in_another_process_is_followed_and_stopped_from_here(make_agent: Make) -> None:
    there, here = make_agent(echo_words_per_second=10), make_agent()
    reply = there.conversation("lisbon").start("word " * 200)

    seen = here.conversation("lisbon").running
    assert isinstance(seen, Reply)
    assert seen is not reply
    assert seen.wait(0, timeout=5)
    assert reply.text.startswith(seen.text)

    seen.stop()
    assert reply.wait_for_end(3)
    assert reply.status is Status.STOPPED
    assert seen.wait_for_end(3)
    assert (seen.text, seen.status) == (reply.text, Status.STOPPED)


def test_closing_the_agent_keeps_what_runs_as_interrupted(make_agent: Make) -> None:
    agent = make_agent(echo_words_per_second=20)
    reply = agent.conversation("lisbon").start("word " * 100)
    assert reply.wait(10, timeout=5)
    agent.close()

    turn = make_agent().conversation("lisbon").turns(1)[0]
    assert turn.status is Status.INTERRUPTED
    assert turn.reply == reply.text
    assert turn.error == "The program was closed before the reply ended."


def test_a_session_is_free_again_when_the_process_that_answered_is_gone(make_agent: Make, url: str) -> None:
    chat = make_agent().conversation("lisbon")
    with Store(url, clock=lambda: datetime.now(UTC) - timedelta(seconds=30)) as store:
        Ledger(store).open("lisbon", "Who died?")
    assert chat.send("Hello").text == "You said: Hello. I remember 1 messages."
    assert chat.turns(2)[0].status is Status.INTERRUPTED


def test_who_follows_a_reply_learns_that_its_process_is_gone(make_agent: Make, url: str) -> None:
    chat = make_agent().conversation("lisbon")
    with Store(url) as store:
        Ledger(store).open("lisbon", "Who dies?")
    running = chat.running
    assert running is not None
    assert running.finish().status is Status.INTERRUPTED


def test_a_reply_that_the_store_cannot_take_yet_says_so_and_is_kept_in_the_end(
    make_agent: Make, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "LOCK_PATIENCE", 0.1)
    chat = make_agent(echo_words_per_second=30).conversation("lisbon")
    reply = chat.start("word " * 10)
    other = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    deadline = time.monotonic() + 10
    while reply.trouble is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert reply.trouble is not None
    assert "kept locked" in reply.trouble
    assert reply.running
    other.execute("ROLLBACK")
    other.close()
    assert reply.finish().status is Status.COMPLETE
    assert chat.turns(1)[0].reply == reply.text
    assert chat.send("Hello").status is Status.COMPLETE


def test_a_model_that_does_not_stream_is_heard_all_the_same(make_agent: Make) -> None:
    agent = make_agent(models={"mine": FakeMessagesListChatModel(responses=[AIMessage("All at once.")])}, model="mine")
    assert agent.conversation("lisbon").send("Hello").text == "All at once."
    assert agent.models().names == ("mine", "echo")


class Broken(FakeMessagesListChatModel):
    def _generate(self, *_: Any, **__: Any) -> ChatResult:
        raise ModelFailed("half a character: \ud800")


def test_an_error_that_no_database_keeps_as_it_is_ends_the_turn_all_the_same(make_agent: Make) -> None:
    chat = make_agent(models={"broken": Broken(responses=[])}, model="broken").conversation("lisbon")
    with pytest.raises(ModelFailed):
        chat.send("Hello")
    assert chat.turns(1)[0].error == "half a character: \N{REPLACEMENT CHARACTER}"


def test_a_closed_agent_says_that_it_is_closed(make_agent: Make) -> None:
    agent = make_agent(echo_words_per_second=10)
    chat = agent.conversation("lisbon")
    reply = chat.start("Hello")
    agent.close()
    agent.close()
    reply.stop()
    assert reply.status is Status.INTERRUPTED
    with pytest.raises(AgentClosed):
        chat.send("Hello")


def test_a_notebook_shows_a_reply_without_its_html_and_images(make_agent: Make) -> None:
    said = "**bold** <script>alert(1)</script> ![x](http://127.0.0.1:9/spy.png)"
    model = FakeMessagesListChatModel(responses=[AIMessage(said)])
    shown = make_agent(models={"mine": model}, model="mine").conversation("lisbon").send("Hello")._repr_html_()
    assert "<strong>bold</strong>" in shown
    assert "<script" not in shown
    assert "<img" not in shown


def test_a_running_reply_says_from_the_start_what_the_model_sees(make_agent: Make) -> None:
    chat = make_agent(echo_words_per_second=5).conversation("lisbon")
    reply = chat.start("Hello")
    assert Receipt.of(chat.turns(1)[0]) == reply.receipt


LEAVE = """
import atexit, sys
from agent import Agent, Settings
agent = Agent(Settings.read(_env_file=None, database_url=sys.argv[1], model="echo", echo_words_per_second=20))
atexit.register(agent.close)
agent.conversation("lisbon").start("word " * 100).wait(10, 5)
"""


def test_a_program_that_ends_in_mid_reply_keeps_the_text_so_far(url: str, make_agent: Make) -> None:
    subprocess.run([sys.executable, "-c", LEAVE, url], check=True, timeout=60)
    turn = make_agent().conversation("lisbon").turns(1)[0]
    assert turn.status is Status.INTERRUPTED
    assert turn.reply.startswith("You said: word")


LONG_TALK = """
import sys
from agent import Agent, Settings
agent = Agent(Settings.read(_env_file=None, database_url=sys.argv[1], model="echo", echo_words_per_second=20))
for text in agent.conversation("lisbon").stream("word " * 200):
    print(text, flush=True)
"""


TALK = """
import sys, time
from agent import Agent, Settings
agent = Agent(Settings.read(_env_file=None, database_url=sys.argv[1], model="echo", echo_words_per_second=100))
for session in range(1000):
    chat = agent.conversation(f"session {session}")
    print(f"+{session}", flush=True)
    for text in chat.stream(f"prompt {session} " + "word " * 20 * session):
        print(f"{time.time()} {text}".encode("unicode-escape").decode(), flush=True)
    print(f"={session}", flush=True)
"""


@pytest.mark.parametrize("kill", range(20))
def test_nothing_is_lost_when_the_process_is_killed_in_mid_reply(tmp_path: Path, url: str, kill: int) -> None:
    log = tmp_path / "seen.txt"
    with log.open("w") as seen:
        process = subprocess.Popen([sys.executable, "-c", TALK, url], stdout=seen)
        deadline = time.monotonic() + 30
        while "+1\n" not in log.read_text() and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.2 + kill * 0.1)
        process.kill()
        killed_at = time.time()
        process.wait()

    begun, ended, texts = _read_log(log.read_text(), killed_at - 1)
    with Store(url, clock=lambda: datetime.now(UTC) + timedelta(seconds=10)) as store:
        store.running.sweep()
        for session in range(begun):  # The prompt of the last one may have been in the making.
            (turn,) = store.paths.page("local", f"session {session}", 10)
            assert turn.prompt.startswith(f"prompt {session} ")
            assert turn.status is (Status.COMPLETE if session in ended else turn.status)
            assert turn.status in {Status.COMPLETE, Status.INTERRUPTED}
            assert turn.reply.startswith(texts.get(session, ""))
            store.turns.append("local", f"session {session}", [])
        counted = sum(len(turn.messages) for s in range(begun) for turn in store.paths.page("local", f"session {s}", 9))
        assert store.usage.totals("local").messages - counted in {0, 1}


def test_a_reply_whose_process_was_killed_is_continued_where_it_ended(
    tmp_path: Path, url: str, make_agent: Make
) -> None:
    log = tmp_path / "seen.txt"
    with log.open("w") as seen:
        process = subprocess.Popen([sys.executable, "-c", LONG_TALK, url], stdout=seen)
        while log.read_text().count("\n") < 3:
            time.sleep(0.02)
        time.sleep(1)
        process.kill()
        process.wait()
    with Store(url, clock=lambda: datetime.now(UTC) + timedelta(seconds=10)) as store:
        store.running.sweep()
    chat = make_agent().conversation("lisbon")
    (killed,) = chat.turns(1)
    assert killed.status is Status.INTERRUPTED
    assert killed.reply.startswith("You said: word")
    whole = chat.continue_(killed.id).finish()
    assert whole.text == f"You said: {killed.prompt}. I remember 1 messages."
    assert chat.turns(1)[0].reply == whole.text
    assert len(chat.siblings(killed.id).turn_ids) == 2


def _read_log(log: str, until: float) -> tuple[int, set[int], dict[int, str]]:
    """How many sessions were begun before the last line, which ended, and the text each had shown by a moment."""
    session, begun = 0, 0
    ended: set[int] = set()
    texts: dict[int, str] = {}
    for line in log.splitlines(keepends=True):
        if not line.endswith("\n"):
            break
        if line.startswith("+"):
            session = int(line[1:])
        elif line.startswith("="):
            ended.add(session)
        else:
            begun = session + 1
            moment, text = line[:-1].split(" ", 1)
            if float(moment) <= until:
                texts[session] = texts.get(session, "") + text.encode().decode("unicode-escape")
    return begun, ended, texts
