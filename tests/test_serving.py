"""Page and API in one process, as `streamlit run` and `uvicorn` serve them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.browser import ChatPage, PageServer, free_port
from tests.page_process import ROOT

Serve = Callable[..., PageServer]

WAYS = {
    "page": ["streamlit", "run", "streamlit_app.py", "--server.port={port}"],
    "page by uvicorn": ["uvicorn", "streamlit_app:app", "--port={port}"],
    "api": ["uvicorn", "api:app", "--port={port}"],
}


@contextmanager
def served(way: str, url: str, **more: str) -> Iterator[tuple[httpx.Client, "subprocess.Popen[str]"]]:
    port = free_port()
    command = [sys.executable, "-m", *(part.format(port=port) for part in WAYS[way])]
    given = {"WINDOWSEAT_DATABASE_URL": url, "WINDOWSEAT_MODEL": "echo", "OLLAMA_HOST": "http://127.0.0.1:9"}
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **given, **more},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            yield client, process
    finally:
        process.kill()
        process.communicate()


def when_up(client: httpx.Client, path: str) -> httpx.Response:
    deadline = time.monotonic() + 30
    while True:
        try:
            return client.get(path)
        except httpx.TransportError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


@pytest.mark.parametrize("way", WAYS)
def test_the_api_is_served_under_api(way: str, url: str) -> None:
    with served(way, url) as (client, _):
        assert when_up(client, "/api/health").json() == {"status": "ok"}
        client.post("/api/v1/sessions", json={"session_id": "one"})
        turn = client.post("/api/v1/sessions/one/turns", json={"prompt": "Hello"}).json()
        assert turn["reply"] == "You said: Hello. I remember 1 messages."
        page = client.get("/api/docs").text
        assert "/api/openapi.json" in page
        assert client.get("/api/openapi.json").json()["servers"] == [{"url": "/api"}]


def test_where_the_page_has_a_path_of_its_own_the_api_is_below_that_too(url: str) -> None:
    with served("page", url, STREAMLIT_SERVER_BASE_URL_PATH="seat/one") as (client, _):
        for place in ("/api", "/seat/one/api"):
            assert when_up(client, f"{place}/health").json() == {"status": "ok"}
            assert client.get(f"{place}/openapi.json").json()["servers"] == [{"url": place}]


def test_alone_it_is_served_at_the_root_too(url: str) -> None:
    with served("api", url) as (client, _):
        assert when_up(client, "/health").json() == {"status": "ok"}
        assert client.get("/openapi.json").json()["servers"] == [{"url": "/"}]


@pytest.mark.browser
def test_what_is_said_over_http_is_on_the_page_of_the_same_process(serve: Serve, chat: ChatPage) -> None:
    server = serve()
    with httpx.Client(base_url=server.url, timeout=30) as client:
        when_up(client, "/api/health")
        client.post("/api/v1/sessions", json={"session_id": "one"})
        client.post("/api/v1/sessions/one/turns", json={"prompt": "Hello"})
        chat.open(f"{server.url}/?session=one")
        assert "You said: Hello" in chat.reply.first.inner_text()
        chat.send("And now?")
        chat.page.get_by_text("I remember 3 messages").wait_for()
        turns = client.get("/api/v1/sessions/one/turns").json()["turns"]
        assert [turn["prompt"] for turn in turns] == ["Hello", "And now?"]


@pytest.mark.parametrize("way", WAYS)
def test_an_interrupt_ends_the_server_and_closes_what_runs(way: str, url: str) -> None:
    with served(way, url, WINDOWSEAT_ECHO_WORDS_PER_SECOND="5") as (client, process):
        when_up(client, "/api/health")
        client.post("/api/v1/sessions", json={"session_id": "one"})
        events = {"Accept": "text/event-stream"}
        body = {"prompt": "word " * 100}
        with client.stream("POST", "/api/v1/sessions/one/turns", json=body, headers=events) as stream:
            lines = stream.iter_lines()
            assert next(lines).startswith("id:")
            process.send_signal(signal.SIGINT)
            assert any('"status": "interrupted"' in line for line in lines)  # Told at once, who still listens.
        process.communicate(timeout=10)
    with served("api", url) as (client, _):
        when_up(client, "/health")
        (turn,) = client.get("/v1/sessions/one/turns").json()["turns"]
        assert turn["status"] == "interrupted"


def test_settings_that_are_none_are_said_in_one_sentence(url: str) -> None:
    with served("api", url, WINDOWSEAT_WINDOW_TURNS="many") as (_, process):
        said = process.communicate(timeout=30)[1]
    assert "WINDOWSEAT_WINDOW_TURNS" in said
    assert "Traceback" not in said
    with served("page", url, WINDOWSEAT_WINDOW_TURNS="many") as (client, _):
        answer = when_up(client, "/api/health")
        assert answer.status_code == 503
        assert "log of the server" in answer.json()["detail"]
        assert "many" not in answer.text


def test_the_importing_of_the_api_opens_nothing(tmp_path: Path) -> None:
    script = "import json, sys, api; print(json.dumps(sorted(map(str, __import__('pathlib').Path('.').iterdir()))))"
    environment = {**os.environ, "WINDOWSEAT_DATABASE_URL": f"sqlite:///{tmp_path}/x.db", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == []
