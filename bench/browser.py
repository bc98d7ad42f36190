"""The page in Chromium, beside the plain way: what a reply costs, how soon a click answers, what long sessions do."""

import base64
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Browser, CDPSession, Locator, Page, expect, sync_playwright
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from agent import Agent, Settings
from bench.fill import fill
from bench.reruns import reruns
from storage import Message, Sender, Store
from tests.browser import ChatPage, PageServer, environment, launch, served
from tests.ollama_server import OllamaServer, Script
from tests.page_process import ROOT

MODEL = "llama3.2:3b"
TOKENS, PAUSE = 4000, 0.005
TURNS = 10
"""On the page while the reply comes."""

SIZES = (30, 2_000, 20_000)
"""Messages in the session."""

SESSIONS, LENGTH = 100_000, 5
"""Of the large store: so many sessions, of so many turns each."""

ROUNDS = 5
QUIET = 0.4
"""Seconds in which nothing changes and nothing takes long: the browser was idle when they began."""

FEW = ("some ", "boat", "s go", " to ", "the ", "isle", "s in", " May", " or ", "*so*")
PROMPT, REPLY = "Where to in May? " * 5, "To *Lisbon*, I should say. " * 15


class Row(NamedTuple):
    """One line of the table; what was not measured is None."""

    name: str
    ours: float
    plain: float | None
    aim: str


def run() -> None:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        if browser is None:
            print("\nThe page in a browser: left out, there is no Chromium here")
            return
        print(f"\nThe page in Chromium {browser.version}, beside the plain way (st.chat_message and st.write_stream)")
        print(f"{'':<68} {'ours':>9} {'plain':>9} {'ratio':>6}  aim")
        for rows in (_replies, _clicks_meanwhile, _sizes, _large, _starts):
            for row in rows(browser):
                _print(row)
        browser.close()


def _print(row: Row) -> None:
    plain = "" if row.plain is None else _short(row.plain)
    ratio = "" if not row.plain else f"{row.ours / row.plain:.2f}"
    print(f"{row.name:<68} {_short(row.ours):>9} {plain:>9} {ratio:>6}  {row.aim}", flush=True)


def _short(number: float) -> str:
    return f"{number:,.0f}" if number >= 10 or not number else f"{number:.2f}"


def _replies(browser: Browser) -> Iterator[Row]:
    for name, words, sent, busy in (
        ("in paragraphs", _paragraphs(), "500", "25"),
        ("one code block", _code(), "", ""),
    ):
        with _talk(words) as (_, ours, plain):
            costs = [_cost_of_reply(_open(browser, url)) for url in (ours, plain)]
        yield Row(f"reply of 16 kB, {name}: kB over the websocket", costs[0][0], costs[1][0], sent)
        yield Row(f"reply of 16 kB, {name}: main thread busy, %", costs[0][1], costs[1][1], busy)


def _paragraphs() -> list[str]:
    return ["e.\n\n" if place % 100 == 99 else FEW[place * 7 % 10] for place in range(TOKENS)]


def _code() -> list[str]:
    lines = ["##\n" if place % 10 == 9 else FEW[place * 7 % 10] for place in range(TOKENS)]
    return ["```python\n", *lines, "\n```\n"]


@contextmanager
def _talk(words: list[str]) -> Iterator[tuple[Script, str, str]]:
    """A model that says these words, and both pages with a session of ten turns."""
    script = Script(words=tuple(words), pause=PAUSE)
    with tempfile.TemporaryDirectory() as folder, OllamaServer(script) as ollama:
        url = f"sqlite:///{folder}/windowseat.db"
        _store(url, {"ten": 2 * TURNS, "other": 2})
        settings = {"OLLAMA_HOST": ollama.url, "WINDOWSEAT_MODEL": f"ollama:{MODEL}"}
        with (
            served(environment(url, WINDOWSEAT_CONTEXT_TOKENS=32_768, **settings)) as server,
            _plain_served(Path(folder), 2 * TURNS, ollama.url) as plain,
        ):
            yield script, f"{server.url}/?session=ten", plain


def _store(url: str, sessions: dict[str, int]) -> None:
    """Sessions with so many messages each."""
    with Store(url) as store:
        for name, count in sessions.items():
            store.sessions.start("local", name)
            store.sessions.rename("local", name, f"Talk {name}")
            pair = [Message(Sender.HUMAN, PROMPT), Message(Sender.AI, REPLY)]
            store.turns.append("local", name, pair * (count // 2))


@contextmanager
def _plain_served(folder: Path, count: int, ollama: str = "") -> Iterator[str]:
    file = folder / f"{count}.json"
    file.write_text(json.dumps([("user", PROMPT), ("assistant", REPLY)] * (count // 2)))
    variables = {"PLAIN_MESSAGES": str(file), "PLAIN_MODEL": MODEL, "OLLAMA_HOST": ollama}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "bench/plain_page.py", f"--server.port={port}"]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **variables}, stdout=subprocess.DEVNULL)
    try:
        _until(lambda: _answers(f"http://localhost:{port}/_stcore/health"))
        yield f"http://localhost:{port}"
    finally:
        process.kill()
        process.wait()


def _answers(url: str) -> bool:
    with suppress(OSError), urllib.request.urlopen(url, timeout=1):  # noqa: S310 - our own address
        return True
    return False


def _until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.002)


class Watched(NamedTuple):
    """A page and what goes over its websocket: when (s), how many bytes, what kind; "" is what the browser sent."""

    page: Page
    devtools: CDPSession
    frames: list[tuple[float, int, str]]

    @property
    def chat(self) -> ChatPage:
        return ChatPage(self.page)


def _open(browser: Browser, url: str) -> Watched:
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    devtools = page.context.new_cdp_session(page)
    frames: list[tuple[float, int, str]] = []

    def take(event: dict[str, Any], *, sent: bool) -> None:
        data = base64.b64decode(event["response"]["payloadData"])
        frames.append((event["timestamp"], len(data), "" if sent else ForwardMsg.FromString(data).WhichOneof("type")))

    devtools.on("Network.webSocketFrameReceived", lambda event: take(event, sent=False))
    devtools.on("Network.webSocketFrameSent", lambda event: take(event, sent=True))
    devtools.send("Network.enable")
    # The time that the thread works, and not what others take from it meanwhile.
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.goto(url)
    watched = Watched(page, devtools, frames)
    watched.chat.box.wait_for(timeout=120_000)
    page.wait_for_timeout(1000)
    return watched


def _cost_of_reply(watched: Watched) -> tuple[float, float]:
    """The kB over the websocket, and for how much of the time the main thread was busy, in percent."""
    page, devtools, frames = watched
    frames.clear()
    busy, began = _busy(devtools), time.monotonic()
    watched.chat.send("Go on")
    page.wait_for_timeout(1000 * TOKENS * PAUSE)
    ended = 0
    while len(frames) > ended or not _finished(frames):
        ended = len(frames)
        page.wait_for_timeout(700)
    taken = time.monotonic() - began
    cost = sum(size for _, size, _ in frames) / 1000, 100 * (_busy(devtools) - busy) / taken
    page.context.close()
    return cost


def _finished(frames: list[tuple[float, int, str]]) -> bool:
    return bool(frames) and frames[-1][2] in ("session_status_changed", "script_finished")


def _busy(devtools: CDPSession) -> float:
    """Seconds of work of the page's main thread so far."""
    metrics = devtools.send("Performance.getMetrics")["metrics"]
    return float(next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration"))


def _clicks_meanwhile(browser: Browser) -> Iterator[Row]:
    with _talk(3 * _paragraphs()) as (script, ours, _):
        watched = _open(browser, ours)
        watched.chat.send("Go on")
        expect(watched.chat.stop).to_be_visible(timeout=5000)
        watched.page.wait_for_timeout(3000)
        moved = sum(_moves_on(watched.page) for _ in range(ROUNDS))
        yield Row("meanwhile, scrolled up 5 times: how often the page went back down", moved, None, "0")
        there_and_back = [taken for _ in range(ROUNDS) for taken in _there_and_back(watched.chat)]
        yield Row("meanwhile, another session and back: longest of 10, s", max(there_and_back), None, "0.3")
        cancels = [_cancel(watched.chat) for _ in range(ROUNDS)]
        yield Row("meanwhile, a button in a dialog: longest of 5, s", max(cancels), None, "0.3")
        asked = time.monotonic()
        watched.chat.stop.evaluate("button => button.click()")
        _until(lambda: bool(script.hang_ups))
        yield Row("meanwhile, Stop until the model's server sees it, s", script.hang_ups[-1] - asked, None, "0.3")
        watched.page.context.close()


def _moves_on(page: Page) -> bool:
    """Scroll down to the end, then up for half a second, and see whether the place stays."""
    _wheel(page, 10_000)
    page.wait_for_timeout(500)
    _wheel(page, -120)
    page.wait_for_timeout(500)
    place = _place(page)
    page.wait_for_timeout(1000)
    return abs(_place(page) - place) > 1


def _wheel(page: Page, notch: int) -> None:
    """Turn the wheel for half a second, by so many pixels a notch."""
    page.mouse.move(640, 300)
    for _ in range(8):
        page.mouse.wheel(0, notch)
        page.wait_for_timeout(60)


_PLACE = """
message => {
    let area = message;
    const still = () => area.scrollHeight <= area.clientHeight || getComputedStyle(area).overflowY === "visible";
    while (still()) area = area.parentElement;
    return area.scrollTop;
}"""


def _place(page: Page) -> float:
    return float(page.get_by_test_id("stChatMessage").first.evaluate(_PLACE))


_CLICK = """
async (target, [selector, text, there]) => {
    const began = performance.now();
    target.click();
    const found = () => [...document.querySelectorAll(selector)].some(one => one.textContent.includes(text));
    while (found() !== there && performance.now() - began < 10_000) await new Promise(requestAnimationFrame);
    return (performance.now() - began) / 1000;
}"""


def _there_and_back(chat: ChatPage) -> Iterator[float]:
    stop = [".stApp button", "Stop"]
    yield float(chat.sessions.filter(has_text="Talk other").evaluate(_CLICK, [*stop, False]))
    yield float(chat.sessions.filter(has_text="Talk ten").evaluate(_CLICK, [*stop, True]))


def _cancel(chat: ChatPage) -> float:
    # By keyboard: the menu is at the top of the page, which follows the reply meanwhile.
    chat.page.get_by_role("button", name="Session", exact=True).press("Enter")
    chat.page.get_by_role("menuitem", name="Clear").press("Enter")
    expect(chat.dialog).to_be_visible()
    cancel = chat.dialog.get_by_role("button", name="Cancel")
    taken: float = cancel.evaluate(_CLICK, ["[role=dialog]", "will be deleted for good", False])
    return taken


def _sizes(browser: Browser) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/windowseat.db"
        _store(url, {f"of {size:,}": size for size in SIZES})
        with served(environment(url)) as server:
            watched = _open(browser, server.url)
            ours = _settled(watched)
            watched.page.context.close()
        plain = {size: _plain_settled(browser, Path(folder), size) for size in SIZES[:2]}
    for size in SIZES:
        name = f"a session of {size:,} messages, clicked until idle, ms"
        aim = "" if size == SIZES[0] else f"{1.2 * ours[SIZES[0]]:,.0f}"
        yield Row(name, ours[size], plain.get(size), aim)


def _settled(watched: Watched) -> dict[int, float]:
    """Median ms from the click that opens a session until the browser is idle, by size, in interleaved rounds."""
    taken: dict[int, list[float]] = {size: [] for size in SIZES}
    for _ in range(ROUNDS + 1):
        for size in SIZES:
            taken[size].append(_idle_after(watched.chat.sessions.filter(has_text=f"Talk of {size:,}")))
    return {size: statistics.median(times[1:]) for size, times in taken.items()}


def _plain_settled(browser: Browser, folder: Path, size: int) -> float:
    with _plain_served(folder, size) as url:
        watched = _open(browser, url)
        watched.chat.messages.nth(size - 1).wait_for(timeout=120_000)
        labels = watched.page.get_by_test_id("stSidebar").get_by_role("radiogroup").locator("label")
        taken = [_idle_after(labels.nth(number % 2)) for number in (1, 2, 3)]
        watched.page.context.close()
    return statistics.median(taken)


_IDLE = """
async (target, quiet) => {
    const began = performance.now();
    let last = began;
    const changes = new MutationObserver(() => { last = performance.now(); });
    changes.observe(document.body, {subtree: true, childList: true, attributes: true, characterData: true});
    const tasks = new PerformanceObserver(list => {
        for (const task of list.getEntries()) last = Math.max(last, task.startTime + task.duration);
    });
    tasks.observe({entryTypes: ["longtask"]});
    target.click();
    while (performance.now() - last < quiet) await new Promise(later => setTimeout(later, 10));
    changes.disconnect();
    tasks.disconnect();
    return last - began;
}"""


def _idle_after(target: Locator) -> float:
    """Ms from a click until nothing changes on the page and nothing takes long."""
    taken: float = target.evaluate(_IDLE, 1000 * QUIET)
    return taken


def _large(browser: Browser) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        small, large = (f"sqlite:///{folder}/{name}.db" for name in ("small", "large"))
        _store(small, {"one": 30})
        _fill(large)
        with (
            served(environment(small)) as one,
            served(environment(large)) as other,
            _plain_served(Path(folder), 30) as plain,
        ):
            watched = [_open(browser, url) for url in (one.url, other.url, plain)]
            times: list[list[tuple[float, float]]] = [[] for _ in watched]
            for _ in range(4 * ROUNDS):
                for page, taken in zip(watched, times, strict=True):
                    taken.append(_rerun(page))
            for page in watched:
                page.page.context.close()
            wire = [
                statistics.median(reruns(url, query, 4 * ROUNDS))
                for url, query in ((one.url, "session=one"), (other.url, ""), (plain, ""))
            ]
    medians = [[statistics.median(part) for part in zip(*taken, strict=True)] for taken in times]
    yield Row("a plain rerun, click to answer on the wire, ms", wire[0], wire[2], "20")
    yield Row("a plain rerun, click to answer as the browser sees it, ms", medians[0][1], medians[2][1], "")
    yield Row("a rerun with 1,000,000 messages stored, on the wire, ms", wire[1], None, "")
    yield Row(
        "a rerun with 1,000,000 messages stored, the script as the browser sees it, ms", medians[1][0], None, "30"
    )


def _fill(url: str) -> None:
    with Agent(Settings.read(_env_file=None, database_url=url, model="echo")), Store(url) as store:
        database = store._database  # noqa: SLF001
        with database.write() as transaction:
            fill(transaction.driver, owner="local", name="talk", sessions=SESSIONS, length=LENGTH)


def _rerun(watched: Watched) -> tuple[float, float]:
    """Ms from the beginning of the script, and from the click, to the end of the script, as the browser sees them."""
    watched.page.wait_for_timeout(300)
    watched.frames.clear()
    watched.page.keyboard.press("r")
    deadline = time.monotonic() + 5
    while not any(kind == "script_finished" for _, _, kind in watched.frames):
        assert time.monotonic() < deadline
        watched.page.wait_for_timeout(20)
    sent = next(at for at, _, kind in watched.frames if not kind)
    began = next(at for at, _, kind in watched.frames if kind == "new_session")
    ended = next(at for at, _, kind in watched.frames if kind == "script_finished")
    return 1000 * (ended - began), 1000 * (ended - sent)


def _starts(browser: Browser) -> Iterator[Row]:
    starts, opens = zip(*[_start(browser) for _ in range(3)], strict=True)
    yield Row("from `streamlit run` to a usable page, s", statistics.median(starts), None, "4")
    yield Row("from open page to usable session, s", statistics.median(opens), None, "1")


def _start(browser: Browser) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/windowseat.db"
        _store(url, {"one": 30})
        began = time.monotonic()
        server = PageServer(environment(url))
        server.start()
        try:
            page = browser.new_context().new_page()
            ChatPage(page).open(server.url)
            opened = time.monotonic()
            page.reload()
            expect(ChatPage(page).messages.first).to_be_visible()
            expect(ChatPage(page).box).to_be_editable()
            usable = time.monotonic()
            page.context.close()
        finally:
            server.kill()
    return opened - began, usable - opened
