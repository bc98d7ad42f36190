"""The page in a real Chromium: a Streamlit server in a process of its own, and a page that looks at it."""

import re
import shutil
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from playwright.sync_api import Browser, Error, FilePayload, Locator, Page, Playwright, expect

from tests.page_process import Begin, Process, run

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")


def launch(playwright: Playwright) -> Browser | None:
    """The Chromium of this machine, else Playwright's own; None where neither can be had."""
    installed = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    try:
        return playwright.chromium.launch(executable_path=installed, args=FLAGS)
    except Error:
        return None


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


class PageServer:
    """The page's server, that can be killed and started again on the same address."""

    def __init__(self, environment: dict[str, str], begin: Begin = run) -> None:
        self._begin = begin
        self._port = free_port()
        self.url = f"http://localhost:{self._port}"
        self._environment = environment
        self._process: Process | None = None

    def start(self) -> None:
        self._process = self._begin(self._port, self._environment)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=1):  # noqa: S310 - our own address
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        raise TimeoutError("The page's server did not start within 30 seconds.")

    def kill(self) -> None:
        """As a power cut would: nothing is said to the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """As Ctrl+C would."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(15)


@contextmanager
def served(environment: dict[str, str], begin: Begin = run) -> Iterator[PageServer]:
    server = PageServer(environment, begin)
    server.start()
    try:
        yield server
    finally:
        server.kill()


class ChatPage:
    """The page as a person sees it: what one can read and press."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def open(self, url: str) -> "ChatPage":
        self.page.goto(url)
        expect(self.box).to_be_visible(timeout=20_000)
        return self

    @property
    def box(self) -> Locator:
        return self.page.get_by_test_id("stChatInput").locator("textarea")

    @property
    def stop(self) -> Locator:
        return self.page.get_by_role("button", name=re.compile("^Stop"))

    @property
    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog")

    @property
    def gauge(self) -> Locator:
        """The button that opens the window's dialog."""
        return self.page.get_by_role("button", name="Window", exact=True)

    @property
    def messages(self) -> Locator:
        return self.page.get_by_test_id("stChatMessage")

    @property
    def reply(self) -> Locator:
        """The text of the last reply."""
        return self.messages.last.get_by_test_id("stMarkdownContainer")

    @property
    def sessions(self) -> Locator:
        """The labels of the list, over all its groups."""
        return self.page.get_by_test_id("stSidebar").locator('[role="radiogroup"] label')

    def attach(self, *files: tuple[str, str, bytes]) -> None:
        """Attach files, given by name, type and content, to the next prompt."""
        chooser = self.page.get_by_test_id("stChatInput").locator('input[type="file"]').first
        payload = [FilePayload(name=name, mimeType=kind, buffer=content) for name, kind, content in files]
        # Streamlit takes no prompt whose files are still on their way.
        with self.page.expect_response(lambda answer: answer.request.method == "PUT" and "upload_file" in answer.url):
            chooser.set_input_files(payload)
        expect(self.page.get_by_text(files[-1][0])).to_be_visible()

    def send(self, prompt: str) -> None:
        self.box.fill(prompt)
        self.box.press("Enter")

    def ask(self, prompt: str) -> None:
        """Send a prompt and wait for the end of the reply."""
        before = self.messages.count()
        self.send(prompt)
        expect(self.messages).to_have_count(before + 2, timeout=10_000)
        expect(self.messages.last).to_contain_text("saw", timeout=10_000)
        expect(self.stop).to_have_count(0)

    def begin(self) -> None:
        """Begin a new session."""
        self.page.get_by_role("button", name="New session").click()
        expect(self.messages).to_have_count(0)

    def choose_model(self, name: str) -> None:
        option = self.page.get_by_role("option", name=name, exact=True)
        for _ in range(3):  # A page that is just drawn anew closes its lists.
            self.page.get_by_role("combobox", name="Model").click()
            with suppress(Error):
                option.click(timeout=4000)
                return
        option.click()

    def choose_from_menu(self, name: str) -> None:
        self.page.get_by_role("button", name="Session", exact=True).click()
        self.page.get_by_role("menuitem", name=name).or_(self.page.get_by_role("option", name=name)).click()

    def choose_for_turn(self, number: int, name: str) -> None:
        """From the menu of a turn, counted from 0 among those on the page."""
        self.page.get_by_role("button", name=re.compile(r"Turn \d+$")).nth(number).click()
        self.page.get_by_role("menuitem", name=name).or_(self.page.get_by_role("option", name=name)).click()


def environment(url: str, **settings: Any) -> dict[str, str]:
    """Variables for a page on that database, with echo and without an Ollama server unless said otherwise."""
    given = {"WINDOWSEAT_DATABASE_URL": url, "WINDOWSEAT_MODEL": "echo", "OLLAMA_HOST": "http://127.0.0.1:9"}
    return given | {name: str(value) for name, value in settings.items()}
