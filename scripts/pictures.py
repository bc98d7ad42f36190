"""Takes the README's pictures: the real page, in a real Chromium, on a made-up history."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from agent.context import Ask, choose_turns
from agent.tokens import Room
from storage import Message, Outcome, Sender, Status, Store
from tests.browser import ROOT, ChatPage, environment, launch, served
from tests.ollama_server import OllamaServer

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


def take(browser: Browser, url: str, name: str, *, phone: bool, dark: bool, link: str = "") -> None:
    viewport = {"width": 390, "height": 844} if phone else {"width": 1280, "height": 760 if link else 960}
    context = browser.new_context(viewport=viewport, color_scheme="dark" if dark else "light")  # type: ignore[arg-type]
    chat = ChatPage(context.new_page()).open(url)
    if link:
        chat.page.get_by_role("link", name=link).click()
    chat.page.wait_for_timeout(2500)
    file = PICTURES / f"{name}.png"
    chat.page.screenshot(path=file)
    with Image.open(file) as picture:
        picture.convert("P", palette=Image.Palette.ADAPTIVE, colors=128).save(file, optimize=True)
    print(f"{file.relative_to(ROOT)}: {file.stat().st_size // 1000} kB")
    context.close()


def main() -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        address = f"sqlite:///{Path(folder) / 'windowseat.db'}"
        History(address).write()
        with (
            OllamaServer() as ollama,
            served(**environment(address, OLLAMA_HOST=ollama.url)) as server,
            sync_playwright() as playwright,
        ):
            browser = launch(playwright)
            if browser is None:
                raise SystemExit("There is no Chromium here to take pictures with.")
            for dark in (False, True):
                look = "dark" if dark else "light"
                take(browser, server.url, f"chat-{look}", phone=False, dark=dark)
                take(browser, server.url, f"phone-{look}", phone=True, dark=dark)
                take(browser, server.url, f"statistics-{look}", phone=False, dark=dark, link="Statistics")
            browser.close()


if __name__ == "__main__":
    main()
