"""Real parts for the tests: stores on disk, agents, a loopback Ollama."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest
from langchain_core.language_models import BaseChatModel
from playwright.sync_api import Browser, expect, sync_playwright

from agent import Agent, Settings
from storage import Message, OpenedTurn, Outcome, Sender, Status, Store, system_clock
from tests.api_server import ApiServer
from tests.browser import ChatPage, PageServer, environment, launch, served
from tests.ollama_server import OllamaServer, Script
from tests.page_process import fork
from tests.postgres_server import PostgresServer

PATIENCE = 15_000
"""Milliseconds until something has to be on the page, on a machine that does other work too."""


MADE = "made"
"""The PostgreSQL database with its tables, and nothing in it."""


class Clock:
    """Says what time it is; a test moves it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 5, 4, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **units: float) -> None:
        self.now += timedelta(**units)


class Ledger:
    """A store with the few words that its tests use again and again."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.process = store.running.begin_process()

    def open(self, session: str = "lisbon", prompt: str = "Hello", *, window: int = 10, **more: Any) -> OpenedTurn:
        message = Message(Sender.HUMAN, prompt)
        return self.store.turns.open(
            "local", session, message, model="echo", window=window, process_id=self.process, **more
        )

    def turn(self, session: str = "lisbon", prompt: str = "Hello", reply: str = "Hi", **more: Any) -> OpenedTurn:
        opened = self.open(session, prompt, **more)
        self.store.turns.close(opened, Outcome(Status.COMPLETE, (Message(Sender.AI, reply),)))
        return opened

    def prompts(self, session: str = "lisbon", count: int = 1000) -> list[str]:
        return [turn.prompt for turn in self.store.paths.page("local", session, count)]


@pytest.fixture
def is_new() -> bool:
    """Whether a test's database has no tables yet. Making those takes longer than most of what is tried after it."""
    return False


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite database with its tables, and nothing in it."""
    file = tmp_path_factory.mktemp("made") / "windowseat.db"
    Store(f"sqlite:///{file}").close()
    return file


@pytest.fixture
def url(tmp_path: Path, made: Path, is_new: bool) -> str:  # noqa: FBT001 - a fixture
    """The address of an empty SQLite database of the test's own."""
    file = tmp_path / "windowseat.db"
    if not is_new:
        shutil.copy(made, file)
    return f"sqlite:///{file}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server of our own, out of a wheel."""
    # Not in pytest's folder: another run of the tests takes that away from all users but its own.
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder, PostgresServer(Path(folder)) as server:
        Store(server.new_database(MADE)).close()
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def each_url(request: pytest.FixtureRequest, is_new: bool) -> str:  # noqa: FBT001 - a fixture
    """The address of an empty database of the test's own, once on either engine."""
    if request.param == "sqlite":
        return str(request.getfixturevalue("url"))
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database(like=None if is_new else MADE)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(each_url: str, clock: Clock) -> Iterator[Store]:
    with Store(each_url, clock=clock) as store:
        yield store


@pytest.fixture
def ledger(store: Store) -> Ledger:
    store.sessions.start("local", "lisbon")
    return Ledger(store)


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def ollama(script: Script) -> Iterator[OllamaServer]:
    with OllamaServer(script) as server:
        yield server


@pytest.fixture
def make_agent(url: str) -> Iterator[Callable[..., Agent]]:
    """Agents on the test's own database, closed at its end."""
    agents: list[Agent] = []

    def make(
        *, models: dict[str, BaseChatModel] | None = None, clock: Callable[[], datetime] = system_clock, **settings: Any
    ) -> Agent:
        given = {"database_url": url, "model": "echo", "ollama_host": "http://127.0.0.1:9"} | settings
        agents.append(Agent(Settings.read(_env_file=None, **given), models=models, clock=clock))
        return agents[-1]

    yield make
    for agent in agents:
        agent.close()


@pytest.fixture
def agent(make_agent: Callable[..., Agent]) -> Agent:
    return make_agent()


@pytest.fixture
def serve_api() -> Iterator[Callable[[Agent], ApiServer]]:
    """Serves an agent over HTTP until the test ends."""
    with ExitStack() as servers:
        yield lambda agent: servers.enter_context(ApiServer(agent))


@pytest.fixture
def http(agent: Agent, serve_api: Callable[[Agent], ApiServer]) -> Iterator[httpx.Client]:
    """A client of the test's agent, served on loopback."""
    with serve_api(agent).client() as client:
        yield client


@pytest.fixture(scope="module")  # Not of all tests: while it is open, no other event loop can run in its thread.
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = launch(playwright)
        if found is None:
            if os.environ.get("WINDOWSEAT_TEST_BROWSER") == "required":
                pytest.fail("There is no Chromium here, and the browser tests are required.")
            pytest.skip("NO CHROMIUM: THE BROWSER TESTS WERE LEFT OUT. Install it, or: playwright install chromium")
        expect.set_options(timeout=PATIENCE)
        yield found
        found.close()


@pytest.fixture
def serve(url: str) -> Iterator[Callable[..., PageServer]]:
    """Starts the page's server on the test's database, with settings as environment variables."""
    with ExitStack() as servers:
        yield lambda **settings: servers.enter_context(served(environment(url, **settings), fork))


@pytest.fixture
def new_page(browser: Browser) -> Iterator[Callable[[], ChatPage]]:
    with ExitStack() as contexts:

        def make() -> ChatPage:
            context = browser.new_context(viewport={"width": 1280, "height": 800})
            contexts.callback(context.close)
            return ChatPage(context.new_page())

        yield make


@pytest.fixture
def chat(new_page: Callable[[], ChatPage]) -> ChatPage:
    return new_page()
