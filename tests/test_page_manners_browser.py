"""How the page behaves: addresses, tabs, keyboard, phones, screen readers, time zones. In a real Chromium."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from agent import Agent
from storage import Message, Sender, Store
from tests.browser import ChatPage, PageServer
from tests.conftest import Clock

pytestmark = pytest.mark.browser

Serve = Callable[..., PageServer]
PAGES = ("Chat", "Library", "Statistics", "Models", "Templates", "Keyboard")
STREAMLITS_OWN = (
    # Two colours of highlighted code.
    re.compile(r"color-contrast: .*token", re.DOTALL),
    # What is chosen, in the primary colour of the dark theme, on a tint of it.
    re.compile(r"color-contrast: .*foreground color: #297d87", re.DOTALL),
)
"""Findings that no app can mend; `docs/accessibility.md` names them."""


def fill(url: str, session: str, turns: int) -> None:
    """A session of many turns, its prompts numbered from 1."""
    with Store(url) as store:
        store.sessions.start("local", session)
        told = [
            message
            for number in range(1, turns + 1)
            for message in (Message(Sender.HUMAN, f"Question {number}."), Message(Sender.AI, f"Answer {number}."))
        ]
        store.turns.append("local", session, told)


@contextmanager
def looking(browser: Browser, **how: Any) -> Iterator[ChatPage]:
    context = browser.new_context(**how)
    try:
        yield ChatPage(context.new_page())
    finally:
        context.close()


def open_page(chat: ChatPage, server: PageServer, name: str) -> None:
    chat.page.goto(f"{server.url}/{'' if name == 'Chat' else name.lower()}")
    heading = "Question 1." if name == "Chat" else name
    expect(chat.page.get_by_role("heading", name=heading).first).to_be_visible(timeout=20_000)


def test_a_search_finds_a_message_and_jumps_to_its_turn_and_the_address_keeps_it(
    serve: Serve, chat: ChatPage, url: str
) -> None:
    fill(url, "long", 200)
    chat.open(serve().url)
    chat.page.keyboard.press("Control+K")
    expect(chat.dialog.get_by_role("textbox")).to_be_focused()
    chat.page.keyboard.type('"answer 77"')
    found = chat.dialog.get_by_role("button", name=re.compile("reply"))
    expect(found).to_have_count(1)
    expect(chat.dialog).to_contain_text("Answer 77")
    found.press("Enter")
    expect(chat.dialog).to_have_count(0)
    expect(chat.page.get_by_text("Question 77.")).to_be_in_viewport()
    expect(chat.page).to_have_url(re.compile(r"session=long&turn=77$"))
    chat.page.reload()
    expect(chat.page.get_by_text("Question 77.")).to_be_in_viewport()
    chat.page.get_by_role("button", name="To the newest").click()
    expect(chat.page.get_by_text("Question 200.")).to_be_visible()
    expect(chat.page).to_have_url(re.compile(r"session=long$"))


def test_a_hit_on_a_longer_branch_leads_there(serve: Serve, chat: ChatPage, url: str, agent: Agent) -> None:
    fill(url, "long", 20)
    agent.find("long").edit(2, "Elsewhere?").finish()
    chat.open(serve().url)
    expect(chat.messages).to_have_count(4)
    chat.page.keyboard.press("Control+K")
    expect(chat.dialog.get_by_role("textbox")).to_be_focused()
    chat.page.keyboard.type('"answer 19"')
    chat.dialog.get_by_role("button", name=re.compile("reply")).click()
    expect(chat.page.get_by_text("Question 19.")).to_be_in_viewport()


def test_a_link_to_another_branch_moves_nothing_until_one_goes_there(
    serve: Serve, chat: ChatPage, url: str, agent: Agent
) -> None:
    fill(url, "long", 20)
    agent.find("long").edit(2, "Elsewhere?").finish()
    chat.open(f"{serve().url}/?session=long&turn=19")
    expect(chat.page.get_by_text("is on another branch")).to_be_visible()
    expect(chat.messages).to_have_count(4)
    chat.page.get_by_role("button", name="Go there").click()
    expect(chat.page.get_by_text("Question 19.")).to_be_in_viewport()


def test_a_dialog_closes_when_one_goes_to_another_session(serve: Serve, chat: ChatPage) -> None:
    chat.open(serve().url)
    chat.ask("To Porto")
    chat.begin()
    chat.ask("To Lisbon")
    chat.choose_from_menu("Settings")
    expect(chat.dialog).to_be_visible()
    chat.page.keyboard.press("Alt+ArrowDown")
    expect(chat.messages.first).to_contain_text("To Porto")
    expect(chat.dialog).to_have_count(0)


def test_on_a_phone_the_sidebar_gives_way_to_the_session_that_was_picked(
    serve: Serve, browser: Browser, url: str
) -> None:
    fill(url, "lisbon", 3)
    fill(url, "porto", 2)
    server = serve()
    with looking(browser, viewport={"width": 390, "height": 844}) as chat:
        chat.open(server.url)
        chat.page.get_by_test_id("stExpandSidebarButton").click()
        chat.sessions.last.click()
        expect(chat.messages).to_have_count(6)
        expect(chat.page.get_by_role("button", name=re.compile("^New session"))).not_to_be_in_viewport()


def test_the_keyboard_begins_searches_stops_and_steps_through_sessions(serve: Serve, chat: ChatPage) -> None:
    chat.open(serve(WINDOWSEAT_ECHO_WORDS_PER_SECOND=30).url)
    chat.ask("To Porto")
    chat.page.keyboard.press("Control+Shift+O")
    expect(chat.messages).to_have_count(0)
    chat.send("word " * 300)
    expect(chat.stop).to_be_visible()
    chat.page.keyboard.press("Control+K")
    expect(chat.dialog.get_by_role("textbox")).to_be_focused()
    chat.page.keyboard.press("Escape")
    expect(chat.dialog).to_have_count(0)
    expect(chat.stop).to_be_visible()
    chat.box.focus()
    chat.page.keyboard.press("Escape")
    expect(chat.page.get_by_text("You stopped this reply.")).to_be_visible(timeout=3000)
    chat.page.keyboard.press("Alt+ArrowDown")
    expect(chat.messages.first).to_contain_text("To Porto")
    chat.page.keyboard.press("Alt+ArrowUp")
    expect(chat.messages.first).to_contain_text("word")


def test_two_tabs_on_one_session_agree(serve: Serve, new_page: Callable[[], ChatPage]) -> None:
    first = new_page().open(serve(WINDOWSEAT_ECHO_WORDS_PER_SECOND=20).url)
    first.ask("To Porto")
    second = new_page().open(first.page.url)
    first.send("word " * 40)
    expect(second.reply.first).to_contain_text("You said: word", timeout=5000)
    expect(second.stop).to_be_visible()
    second.stop.click()
    expect(first.page.get_by_text("You stopped this reply.")).to_be_visible(timeout=5000)
    first.choose_for_turn(0, "Pin into the window")
    expect(second.page.get_by_text("Pinned into the window")).to_be_visible(timeout=5000)


def test_a_reply_of_another_process_is_followed_and_stopped_from_here(
    serve: Serve, new_page: Callable[[], ChatPage]
) -> None:
    first = new_page().open(serve(WINDOWSEAT_ECHO_WORDS_PER_SECOND=20).url)
    first.send("word " * 300)
    expect(first.stop).to_be_visible()
    second = new_page().open(serve().url)
    expect(second.reply.first).to_contain_text("You said: word word", timeout=8000)
    length = len(second.reply.first.inner_text())
    second.page.wait_for_timeout(2000)
    assert len(second.reply.first.inner_text()) > length
    second.stop.click()
    expect(first.page.get_by_text("You stopped this reply.")).to_be_visible(timeout=5000)


def test_a_search_stays_open_when_the_reply_ends(serve: Serve, chat: ChatPage) -> None:
    chat.open(serve(WINDOWSEAT_ECHO_WORDS_PER_SECOND=20).url)
    chat.send("word " * 100)
    expect(chat.stop).to_be_visible()
    chat.page.keyboard.press("Control+K")
    expect(chat.dialog.get_by_role("textbox")).to_be_focused()
    chat.page.keyboard.type("lisb")
    expect(chat.dialog).to_contain_text("Nothing holds that.")
    expect(chat.stop).to_have_count(0, timeout=10_000)
    chat.page.wait_for_timeout(500)
    expect(chat.dialog.get_by_role("textbox")).to_have_value("lisb")


def test_times_are_in_the_browsers_zone_and_manner(serve: Serve, browser: Browser, url: str, clock: Clock) -> None:
    """The last evenings of two months in London: in Tokyo the one of April is in May."""
    for month in (3, 4):
        clock.now = clock.now.replace(month=month, day=30, hour=20)
        with Store(url, clock=clock) as store:
            store.sessions.start("local", f"of {month}")
            store.turns.append("local", f"of {month}", [Message(Sender.HUMAN, "Hello"), Message(Sender.AI, "Hi")])
    server = serve()
    for zone, locale, months in (
        ("Asia/Tokyo", "de-DE", ["Mai 2026", "März 2026"]),
        ("America/New_York", "en-US", ["April 2026", "March 2026"]),
    ):
        with looking(browser, timezone_id=zone, locale=locale) as chat:
            chat.open(server.url)
            shown = chat.page.get_by_test_id("stSidebar").get_by_test_id("stWidgetLabel")
            expect(shown.filter(has_text="2026")).to_have_text(months)


@pytest.mark.parametrize("name", PAGES)
def test_every_page_keeps_the_rules_of_accessibility_and_fits_a_phone(
    serve: Serve, browser: Browser, url: str, name: str
) -> None:
    fill(url, "lisbon", 3)
    server = serve()
    for dark in (False, True):
        how = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark" if dark else "light"}
        with looking(browser, **how) as chat:
            open_page(chat, server, name)
            chat.page.wait_for_timeout(1000)
            assert chat.page.evaluate("document.documentElement.scrollWidth") <= 390
            assert serious(chat.page) == []


def test_the_dialogs_of_export_and_import_do_so_too(
    serve: Serve, browser: Browser, url: str, agent: Agent, tmp_path: Path
) -> None:
    fill(url, "lisbon", 3)
    file = agent.export(tmp_path / "mine.json")
    agent.delete("lisbon")
    server = serve()
    for dark in (False, True):
        how = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark" if dark else "light"}
        with looking(browser, **how) as chat:
            open_page(chat, server, "Library")
            for name, place in (("Export all…", "Download"), ("Import…", "Close")):
                chat.page.get_by_role("button", name=name).press("Enter")
                expect(chat.dialog.get_by_role("button", name=place)).to_be_visible()
                chat.page.wait_for_timeout(500)
                assert serious(chat.page) == []
                if name != "Import…":
                    chat.page.keyboard.press("Escape")
                    expect(chat.dialog).to_have_count(0)
            chat.dialog.locator('input[type="file"]').set_input_files(file)
            expect(chat.dialog.get_by_role("button", name="Import 1 session")).to_be_visible()
            assert chat.page.evaluate("document.documentElement.scrollWidth") <= 390
            assert serious(chat.page) == []


def serious(page: Page) -> list[str]:
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    told = [
        f"{rule['id']}: {node['html'][:300]} {node['failureSummary']}"
        for rule in found
        if rule["impact"] in {"serious", "critical"}
        for node in rule["nodes"]
    ]
    return [finding for finding in told if not any(known.match(finding) for known in STREAMLITS_OWN)]
