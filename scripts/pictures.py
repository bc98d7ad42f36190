"""Takes pictures: the real page, in a real Chromium, on a made-up history."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from PIL import Image
from playwright.sync_api import Browser, FilePayload, sync_playwright

from agent.context import Ask, choose_turns
from agent.tokens import Room
from storage import Message, Outcome, Sender, Status, Store
from tests.browser import ChatPage, environment, launch, served
from tests.foreign_exports import chatgpt, chatgpt_trip, zipped
from tests.ollama_server import OllamaServer
from tests.page_process import ROOT

PICTURES = ROOT / "docs" / "pictures"
MODEL = "ollama:llama3.2:3b"
ROOM = Room(asked=8192, loaded=8192, reply=1024)
LISBON = (
    ("I go to Lisbon for a week in May. What is the weather like?", "Mild and mostly dry: 15 to 23 °C, with a breeze."),
    (
        "What should I pack?",
        "Layers. Mornings are cool, afternoons warm:\n\n"
        "- a light jacket and one jumper\n- shoes with **grip**: the pavements are polished stone\n"
        "- sun cream, and a hat for the viewpoints",
    ),
    (
        "Three days of sights, as a table.",
        "| Day | Morning | Afternoon |\n|---|---|---|\n| 1 | Alfama and the castle | Tram 28 |\n"
        "| 2 | Belém tower | Tiles museum |\n| 3 | Sintra by train | Cabo da Roca |",
    ),
    (
        "And a line of Python that says how many days are left until 4 May?",
        "```python\nfrom datetime import date\n\nprint((date(2027, 5, 4) - date.today()).days)\n```",
    ),
)
OTHERS = (
    "Rust or Go for a parser?",
    "Sourdough that rises",
    "Explain B-trees to a gardener",
    "A toast for Marta's birthday",
    "Why is the sky dark at night?",
    "Regex for ISO dates",
)


class History:
    """Days of made-up turns, written by the store's own clock."""

    def __init__(self, url: str) -> None:
        self._now = datetime.now(UTC) - timedelta(days=20)
        self._store = Store(url, clock=lambda: self._now)
        self._process = self._store.running.begin_process()

    def write(self) -> None:
        for place, title in enumerate(OTHERS):
            for _ in range(4 + 3 * (place % 3)):
                self._turn(f"session {place}", title, "That depends. " * 20)
                self._now += timedelta(hours=7)
        self._now = datetime.now(UTC) - timedelta(minutes=12)
        for prompt, reply in LISBON:
            self._turn("lisbon", prompt, reply)
            self._now += timedelta(minutes=2)
        self._store.sessions.rename("local", "lisbon", "A week in Lisbon")
        self._store.sessions.set("local", "lisbon", {"model": MODEL, "window_turns": 2})
        self._store.close()

    def _turn(self, session: str, prompt: str, reply: str) -> None:
        self._store.sessions.start("local", session)
        opened = self._store.turns.open(
            "local", session, Message(Sender.HUMAN, prompt), model=MODEL, window=2, process_id=self._process
        )
        self._now += timedelta(seconds=2.4)
        receipt = choose_turns(opened.past, Ask(Message.prompt(prompt), MODEL, 2, room=ROOM)).receipt.to_json()
        told = Outcome(
            Status.COMPLETE, (Message(Sender.AI, reply),), receipt, self._now, input_tokens=180, output_tokens=90
        )
        self._store.turns.close(opened, told)


@dataclass(frozen=True)
class View:
    """A page in some state. `path` is in the address; `arrange` does what leads there."""

    name: str
    path: str = ""
    arrange: Callable[[ChatPage], None] = lambda _: None
    height: int = 900


def _open_window(chat: ChatPage) -> None:
    chat.gauge.click()


def _open_receipt(chat: ChatPage) -> None:
    chat.choose_for_turn(-1, "What the model saw")


def _search(chat: ChatPage) -> None:
    chat.page.keyboard.press("Control+K")
    chat.page.wait_for_timeout(700)
    chat.page.keyboard.type("depend*")


def _export(chat: ChatPage) -> None:
    chat.page.get_by_role("button", name="Export all…").click()


def _import(chat: ChatPage) -> None:
    """Up to where one sees what would come in."""
    chat.page.get_by_role("button", name="Import…").click()
    broken = chatgpt(title="Half a trip") | {"mapping": "nothing"}
    content = zipped({"conversations.json": [chatgpt_trip(), broken]})
    file = FilePayload(name="conversations.zip", mimeType="application/zip", buffer=content)
    chat.dialog.locator('input[type="file"]').set_input_files(file)


VIEWS = (
    View("chat", height=960),
    View("window", arrange=_open_window),
    View("receipt", arrange=_open_receipt),
    View("search", arrange=_search),
    View("library", "library"),
    View("export", "library", _export),
    View("import", "library", _import),
    View("statistics", "statistics"),
    View("templates", "templates"),
    View("models", "models"),
    View("keyboard", "keyboard"),
)
DESKTOP, PHONE = "desktop", "phone"
IN_README = {("chat", DESKTOP), ("chat", PHONE), ("window", DESKTOP), ("library", DESKTOP), ("statistics", DESKTOP)}


def take(browser: Browser, url: str, view: View, device: str, look: str, folder: Path) -> None:
    viewport = {"width": 390, "height": 844} if device == PHONE else {"width": 1280, "height": view.height}
    context = browser.new_context(viewport=viewport, color_scheme=look, locale="en-GB")  # type: ignore[arg-type]
    chat = ChatPage(context.new_page())
    chat.page.goto(f"{url}/{view.path}")
    chat.page.get_by_test_id("stSidebar").wait_for(state="attached", timeout=20_000)
    chat.page.wait_for_timeout(2500)
    view.arrange(chat)
    chat.page.wait_for_timeout(1500)
    wide = chat.page.evaluate("document.documentElement.scrollWidth")
    file = folder / f"{view.name}-{device}-{look}.png"
    chat.page.screenshot(path=file)
    with Image.open(file) as picture:
        picture.convert("P", palette=Image.Palette.ADAPTIVE, colors=128).save(file, optimize=True)
    print(f"{file.name}: {file.stat().st_size // 1000} kB" + (f", {wide} px wide!" if wide > viewport["width"] else ""))
    context.close()


@click.command(help="Take the README's pictures anew or, with a FOLDER, pictures of every page in every look.")
@click.argument("folder", type=click.Path(path_type=Path), required=False)
def main(folder: Path | None) -> None:
    shown = [
        (view, device)
        for view in VIEWS
        for device in (DESKTOP, PHONE)
        if folder is not None or (view.name, device) in IN_README
    ]
    target = folder or PICTURES
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data:
        address = f"sqlite:///{Path(data) / 'windowseat.db'}"
        History(address).write()
        with (
            OllamaServer() as ollama,
            served(environment(address, OLLAMA_HOST=ollama.url)) as server,
            sync_playwright() as playwright,
        ):
            browser = launch(playwright)
            if browser is None:
                raise SystemExit("There is no Chromium here to take pictures with.")
            for view, device in shown:
                for look in ("light", "dark"):
                    take(browser, server.url, view, device, look, target)
            browser.close()


if __name__ == "__main__":
    main()
