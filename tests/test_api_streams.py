"""Replies followed over HTTP: from any place, by anybody, and ended only by Stop."""

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from agent import Agent
from api import streams
from tests.api_server import ApiServer
from tests.ollama_server import Fault, Model, OllamaServer, Script

Make = Callable[..., Agent]
Serve = Callable[[Agent], ApiServer]

STREAMED = {"Accept": "text/event-stream"}
TURNS = "/v1/sessions/lisbon/turns"


@dataclass(frozen=True)
class Event:
    id: str
    name: str
    data: dict[str, Any]


def events_of(lines: Iterator[str]) -> Iterator[Event]:
    """Server-sent events as they come; comments are left out."""
    fields: dict[str, str] = {}
    for line in lines:
        if line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value
        elif fields:
            yield Event(fields["id"], fields["event"], json.loads(fields["data"]))
            fields = {}


def text_of(events: list[Event], name: str = "text") -> str:
    return "".join(event.data["text"] for event in events if event.name == name)


def follow(client: httpx.Client, turn_id: int, last: str | None = None) -> list[Event]:
    """All events of a turn, from after the event `last`."""
    headers = {} if last is None else {"Last-Event-ID": last}
    with client.stream("GET", f"{TURNS}/{turn_id}/events", headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        return list(events_of(answer.iter_lines()))


@contextmanager
def sending(client: httpx.Client, prompt: str) -> Iterator[tuple[int, Iterator[Event]]]:
    """Send, and give the turn's number and its events as they come."""
    with client.stream("POST", TURNS, json={"prompt": prompt}, headers=STREAMED) as answer:
        assert answer.status_code == 201
        events = events_of(answer.iter_lines())
        yield next(events).data["turn_id"], events


def wait_for_end(client: httpx.Client, turn_id: int) -> dict[str, Any]:
    deadline = time.monotonic() + 20
    while (turn := client.get(f"{TURNS}/{turn_id}").json())["status"] == "running":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return dict(turn)


@pytest.fixture
def server(make_agent: Make, serve_api: Serve) -> ApiServer:
    agent = make_agent(echo_words_per_second=60)
    agent.conversation("lisbon")
    return serve_api(agent)


@pytest.fixture
def client(server: ApiServer) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


@pytest.fixture
def thinking(make_agent: Make, serve_api: Serve, ollama: OllamaServer, script: Script) -> Iterator[httpx.Client]:
    """A client of a service whose model thinks."""
    script.models = {"qwen3:8b": Model(capabilities=("completion", "thinking"))}
    script.thoughts = ("They ", "ask ", "about ", "May.")
    agent = make_agent(model="ollama:qwen3:8b", ollama_host=ollama.url, next_seconds=30)
    agent.conversation("lisbon")
    with serve_api(agent).client() as client:
        yield client


def test_a_reply_comes_as_it_is_written_and_ends_with_the_whole_turn(client: httpx.Client) -> None:
    with sending(client, "word " * 30) as (turn_id, coming):
        events = list(coming)
    assert {event.name for event in events[:-1]} == {"text"}
    assert len(events) > 3
    assert (events[-1].name, events[-1].data["turn_id"]) == ("end", turn_id)
    assert text_of(events) == events[-1].data["reply"]
    assert events[-1].data == client.get(f"{TURNS}/{turn_id}").json()


def test_the_last_event_holds_what_the_client_keeps_with_the_turn(client: httpx.Client) -> None:
    given = {"prompt": "Hello", "data": {"colour": "blue"}}
    with client.stream("POST", TURNS, json=given, headers=STREAMED) as answer:
        last = list(events_of(answer.iter_lines()))[-1]
    assert last.data["data"] == {"colour": "blue"}


def test_a_reader_goes_on_after_any_event_with_what_it_has_not_had(client: httpx.Client) -> None:
    with sending(client, "wörd 𝄞 " * 15) as (turn_id, coming):
        events = list(coming)
    whole = text_of(events)
    seen = ""
    for event in events[:-1]:
        seen += event.data["text"]
        rest = follow(client, turn_id, event.id)
        assert seen + text_of(rest) == whole
        assert rest[-1].data["reply"] == whole
    for place in range(0, len(whole) + 1, 7):
        assert text_of(follow(client, turn_id, f"{place}-0")) == whole[place:]


def test_a_reader_goes_on_in_a_reply_that_still_runs(client: httpx.Client) -> None:
    with sending(client, "word " * 40) as (turn_id, coming):
        first = [next(coming), next(coming)]
    rest = follow(client, turn_id, first[-1].id)
    assert text_of(first) + text_of(rest) == rest[-1].data["reply"]
    assert rest[-1].data["status"] == "complete"


@pytest.mark.parametrize("last", ["", "x", "-", "1", "-1-0", "1-2-3", "99999999999999999999-99999999999999999"])
def test_a_place_that_is_none_of_ours_is_the_beginning(client: httpx.Client, last: str) -> None:
    turn = client.post(TURNS, json={"prompt": "Hello"}).json()
    assert text_of(follow(client, turn["turn_id"], last)) == turn["reply"]


def test_what_a_model_thinks_comes_apart_and_is_resumed_too(thinking: httpx.Client, script: Script) -> None:
    script.pause = 0.08
    with sending(thinking, "Where to?") as (turn_id, coming):
        events = list(coming)
    assert text_of(events, "thinking") == "They ask about May."
    assert text_of(events) == "Lisbon is lovely in May."
    for number, event in enumerate(events[:-1]):
        rest = follow(thinking, turn_id, event.id)
        for name in ("thinking", "text"):
            assert text_of(events[: number + 1], name) + text_of(rest, name) == text_of(events, name)


def test_who_has_heard_the_end_is_told_that_nothing_more_comes(client: httpx.Client) -> None:
    with sending(client, "Where to?") as (turn_id, coming):
        last = list(coming)[-1]
    answer = client.get(f"{TURNS}/{turn_id}/events", headers={"Last-Event-ID": last.id})
    assert answer.status_code == 204  # What makes a browser's EventSource come no more.


def test_no_reader_takes_a_character_of_the_reply_for_the_end_of_a_line(client: httpx.Client) -> None:
    with sending(client, "a\u2028b \x85c") as (_, coming):
        assert "a\u2028b \x85c" in text_of(list(coming))


def test_ten_readers_get_the_same(client: httpx.Client) -> None:
    with sending(client, "word " * 40) as (turn_id, coming), ThreadPoolExecutor(10) as readers:
        heard = [readers.submit(follow, client, turn_id) for _ in range(10)]
        own = text_of(list(coming))
        assert {text_of(reader.result(20)) for reader in heard} == {own}


def test_a_reader_that_goes_away_ends_nothing(client: httpx.Client) -> None:
    with sending(client, "word " * 40) as (turn_id, coming):
        next(coming)
        with client.stream("GET", f"{TURNS}/{turn_id}/events") as answer:
            next(answer.iter_lines())
        rest = list(coming)
    assert rest[-1].data["status"] == "complete"


def test_a_turn_goes_on_when_the_connection_that_sent_it_is_gone(server: ApiServer, client: httpx.Client) -> None:
    with server.client() as leaving, sending(leaving, "word " * 30) as (turn_id, coming):
        next(coming)
    turn = wait_for_end(client, turn_id)
    assert (turn["status"], turn["reply"].count("word")) == ("complete", 30)


def test_a_turn_goes_on_when_whoever_waits_for_all_of_it_gives_up(server: ApiServer, client: httpx.Client) -> None:
    with server.client() as hasty, pytest.raises(httpx.ReadTimeout):
        hasty.post(TURNS, json={"prompt": "word " * 30}, timeout=0.3)
    deadline = time.monotonic() + 10
    while not (turns := client.get(TURNS).json()["turns"]):  # A busy machine may have taken more time to begin it.
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert wait_for_end(client, turns[0]["turn_id"])["status"] == "complete"


def test_a_slow_reader_gets_everything_and_holds_nobody_up(
    make_agent: Make, serve_api: Serve, ollama: OllamaServer, script: Script
) -> None:
    script.words = tuple(f"{number:06} {'x' * 40_000}" for number in range(150))  # More than buffers on the way take.
    agent = make_agent(model="ollama:llama3.2:3b", ollama_host=ollama.url)
    agent.conversation("lisbon")
    server = serve_api(agent)
    with server.client() as slow, server.client() as quick, sending(slow, "Talk!") as (turn_id, coming):
        first = next(coming)
        others = follow(quick, turn_id)
        assert others[-1].data["status"] == "complete"
        assert text_of([first, *coming]) == "".join(script.words) == text_of(others)


def test_a_turn_that_has_ended_is_followed_like_one_that_runs(client: httpx.Client) -> None:
    turn = client.post(TURNS, json={"prompt": "Hello"}).json()
    first, text, last = follow(client, turn["turn_id"])
    assert (first.name, first.data) == (
        "turn",
        {"turn_id": turn["turn_id"], "session_id": "lisbon", "model": "echo"},
    )
    assert (text.data, last.data["reply"]) == ({"text": turn["reply"]}, turn["reply"])


def test_there_is_nothing_to_follow_of_a_turn_that_is_none(client: httpx.Client) -> None:
    answer = client.get(f"{TURNS}/999/events", headers=STREAMED)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_stop_from_another_connection_ends_the_stream_with_the_text_so_far(
    server: ApiServer, client: httpx.Client
) -> None:
    with server.client() as other, sending(client, "word " * 1000) as (turn_id, coming):
        seen = [next(coming)]
        stopped = other.post(f"{TURNS}/{turn_id}/stop")
        assert (stopped.status_code, stopped.json()["status"]) == (202, "stopped")
        seen += coming
    assert seen[-1].data["status"] == "stopped"
    assert text_of(seen) == seen[-1].data["reply"]
    assert seen[-1].data["reply"].startswith("You said: ")


@pytest.mark.parametrize(
    ("fault", "status", "kind"),
    [
        (Fault.ERROR_FIRST, 502, "urn:windowseat:model-failed"),
        (Fault.MEMORY, 502, "urn:windowseat:model-too-large"),
        (Fault.BUSY, 503, "urn:windowseat:model-busy"),
        (Fault.SILENT_MIDWAY, 504, "urn:windowseat:model-timeout"),
        (Fault.CUT, 502, "urn:windowseat:reply-cut"),
    ],
)
def test_a_reply_that_fails_is_a_problem_that_names_the_turn_that_is_kept(
    make_agent: Make, serve_api: Serve, ollama: OllamaServer, script: Script, fault: Fault, status: int, kind: str
) -> None:
    script.fault = fault
    agent = make_agent(model="ollama:llama3.2:3b", ollama_host=ollama.url, next_seconds=0.5)
    agent.conversation("lisbon")
    with serve_api(agent).client() as client:
        answer = client.post(TURNS, json={"prompt": "Hello"})
        problem = answer.json()
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
        assert (problem["status"], problem["type"]) == (status, kind)
        turn = client.get(f"{TURNS}/{problem['turn_id']}").json()
        assert (turn["status"], turn["prompt"], turn["error"]) == ("failed", "Hello", problem["detail"])

        with sending(client, "Again") as (_, coming):
            last = list(coming)[-1]
        assert (last.name, last.data["status"]) == ("end", "failed")
        assert last.data["error"] == client.get(f"{TURNS}/{last.data['turn_id']}").json()["error"]


def test_a_session_that_is_deleted_in_mid_reply_ends_the_stream(server: ApiServer, client: httpx.Client) -> None:
    with server.client() as other, sending(client, "word " * 1000) as (_, coming):
        next(coming)
        assert other.delete("/v1/sessions/lisbon").status_code == 204
        last = list(coming)[-1]
    # The reply is stopped first: whoever looks at its end before the session is gone still sees that.
    assert (last.name, last.data["status"]) in {("problem", 404), ("end", "stopped")}
    assert client.get(TURNS).status_code == 404


def test_comments_keep_a_silent_stream_alive(
    thinking: httpx.Client, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "ALIVE", 0.1)
    script.loading = 1.0
    with thinking.stream("POST", TURNS, json={"prompt": "Hello"}, headers=STREAMED) as answer:
        lines = list(answer.iter_lines())
    assert lines.count(":") > 3
    assert list(events_of(iter(lines)))[-1].data["reply"] == "Lisbon is lovely in May."


ELSEWHERE = """
import sys
from agent import Agent, Settings
agent = Agent(Settings.read(_env_file=None, database_url=sys.argv[1], model="echo", echo_words_per_second=40))
print(agent.conversation("lisbon").start("word " * int(sys.argv[2])).turn_id, flush=True)
sys.stdin.readline()
agent.close()
"""


@contextmanager
def running_elsewhere(url: str, words: int) -> Iterator[int]:
    """A reply that runs in another process; gives its turn."""
    process = subprocess.Popen(
        [sys.executable, "-c", ELSEWHERE, url, str(words)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.communicate("\n")


def test_a_reply_of_another_process_is_followed_by_many_from_any_place(
    url: str, server: ApiServer, client: httpx.Client
) -> None:
    with running_elsewhere(url, 80) as turn_id, ThreadPoolExecutor(10) as readers:
        assert client.get("/v1/sessions").json()["sessions"][0]["running"]
        coming = [readers.submit(follow, client, turn_id, f"{place}-0") for place in range(0, 50, 5)]
        heard = [reader.result(30) for reader in coming]
    whole = heard[0][-1].data["reply"]
    assert whole.count("word") == 80
    assert len(heard[0]) > 4
    assert [text_of(events) for events in heard] == [whole[place:] for place in range(0, 50, 5)]


def test_a_reply_of_another_process_is_stopped_from_here(url: str, client: httpx.Client) -> None:
    with running_elsewhere(url, 2000) as turn_id:
        stopper = threading.Timer(1.0, lambda: client.post(f"{TURNS}/{turn_id}/stop"))
        stopper.start()
        events = follow(client, turn_id)
        stopper.join()
    assert events[-1].data["status"] == "stopped"
    assert text_of(events) == events[-1].data["reply"]


CLIENT = """
import json, sys, httpx
heard = ""
with httpx.Client(base_url=sys.argv[1], timeout=30, trust_env=False) as client:
    client.post("/v1/sessions", json={"session_id": "lisbon"}).raise_for_status()
    sent = {"prompt": "word " * 20}
    with client.stream("POST", "/v1/sessions/lisbon/turns", json=sent, headers={"Accept": "text/event-stream"}) as got:
        for line in got.iter_lines():
            if line.startswith("data: "):
                heard += json.loads(line[6:]).get("text", "")
print(heard)
"""


def test_a_client_in_another_process_sends_and_follows(server: ApiServer, client: httpx.Client) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CLIENT, server.url], check=True, timeout=60, capture_output=True, text=True
    )
    (turn,) = client.get(TURNS).json()["turns"]
    assert done.stdout == f"{turn['reply']}\n"
    assert turn["reply"].count("word") == 20


def test_a_prompt_that_is_sent_twice_with_one_key_is_one_turn_that_both_follow(
    server: ApiServer, client: httpx.Client
) -> None:
    key = STREAMED | {"Idempotency-Key": "once"}

    def send() -> list[Event]:
        with client.stream("POST", TURNS, json={"prompt": "word " * 30}, headers=key) as answer:
            return list(events_of(answer.iter_lines()))

    with ThreadPoolExecutor(3) as senders:
        sent = [senders.submit(send) for _ in range(3)]
        heard = [sender.result(20) for sender in sent]
    assert len({text_of(events) for events in heard}) == 1
    assert len(client.get(TURNS).json()["turns"]) == 1
    again = client.post(TURNS, json={"prompt": "word " * 30}, headers={"Idempotency-Key": "once"})
    assert (again.status_code, again.json()["reply"]) == (201, text_of(heard[0]))
    other = client.post(TURNS, json={"prompt": "Another"}, headers={"Idempotency-Key": "once"})
    assert (other.status_code, "choose a new one" in other.json()["detail"]) == (422, True)


CROWD = 200


async def _chat(port: int, session: str) -> str:
    """Send and read to the end over a connection of its own; give what came."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = json.dumps({"prompt": f"{session} " * 20}).encode()
    head = f"POST /v1/sessions/{session}/turns HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    writer.write(
        f"{head}Accept: text/event-stream\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    )
    writer.write(body)
    came = (await reader.read()).decode()
    writer.close()
    return came


def test_two_hundred_streams_at_once_all_come_to_their_end(make_agent: Make, serve_api: Serve) -> None:
    agent = make_agent(echo_words_per_second=20)
    chats = [agent.conversation(f"s{number}") for number in range(CROWD)]
    port = httpx.URL(serve_api(agent).url).port or 0

    async def crowd() -> list[str]:
        return await asyncio.gather(*(_chat(port, chat.session_id) for chat in chats))

    for chat, came in zip(chats, asyncio.run(crowd()), strict=True):
        assert came.count("event: end") == 1
        (turn,) = chat.turns(2)
        assert (turn.status, turn.reply.count(chat.session_id)) == ("complete", 20)
