"""The library in a real Chromium: where its rows are on the canvas, and what is in its dialogs."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from agent import Agent, SessionFilters
from storage import Store
from tests.browser import ChatPage, PageServer
from tests.conftest import Clock, Ledger

pytestmark = pytest.mark.browser

Serve = Callable[..., PageServer]
MARKERS, TITLE, ROW = 34, 240, 35
"""How wide the column of the checkboxes and the first one are, and how high a row is, in pixels."""


class Library:
    """The page as a person sees it."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        page.goto(f"{url}/library")
        expect(page.get_by_role("heading", name="Library")).to_be_visible(timeout=20_000)
        self.rows = page.locator("table[role=grid] tbody tr")
        self.selected = page.locator("table[role=grid] tbody tr[aria-selected=true]")

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def tick(self, *rows: int) -> None:
        """Rows from 0 on; -1 is the head, for all of the page."""
        for row in rows:
            self._click(MARKERS // 2, row)

    def click_head(self) -> None:
        """That of the titles."""
        self._click(MARKERS + TITLE // 3, -1)

    def choose_from_head(self, name: str) -> None:
        """From the menu of the titles' column."""
        self._click(MARKERS + TITLE - 16, -1)
        self.page.get_by_text(name).click()

    def expect_titles(self, *titles: str) -> None:
        for row, title in enumerate(titles):
            expect(self.page.get_by_test_id(f"glide-cell-1-{row}")).to_have_text(title)

    def expect_said(self, sentence: str) -> None:
        expect(self.page.get_by_text(sentence)).to_be_visible()

    def _click(self, x: int, row: int) -> None:
        expect(self.page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_visible()
        expect(self.rows.first).to_be_attached()
        frame = self.page.get_by_test_id("stDataFrame").bounding_box()
        assert frame is not None
        place = frame["x"] + x, frame["y"] + (row + 1.5) * ROW
        self.page.mouse.move(*place, steps=5)
        self.page.wait_for_timeout(200)  # What can be clicked is drawn where the mouse is.
        self.page.mouse.click(*place)


@pytest.fixture
def filled(url: str) -> Ledger:
    """A store a hundred days ago, in which “Talk 59” was used last."""
    clock = Clock()
    clock.now = datetime.now(UTC) - timedelta(days=100)
    with Store(url, clock=clock) as store:
        ledger = Ledger(store)
        for number in range(60):
            clock.forward(minutes=1)
            store.sessions.start("local", f"{number:02}")
            ledger.turn(f"{number:02}", f"Talk {number:02}")
    return ledger


def test_what_is_selected_is_tagged_found_and_deleted(
    filled: Ledger, serve: Serve, chat: ChatPage, agent: Agent
) -> None:
    library = Library(chat.page, serve().url)
    library.tick(0, 2)
    library.expect_said("2 sessions selected")

    library.press("Tag…")
    expect(chat.dialog).to_contain_text("“Talk 59” and “Talk 57”")
    added = chat.dialog.get_by_role("combobox", name="Add")
    added.fill("x" * 41)
    added.press("Enter")
    added.press("Escape")
    chat.dialog.get_by_role("button", name="Change tags").click()
    expect(chat.dialog).to_contain_text("A tag has 1 to 40 characters; this one has 41.")
    added.press("Backspace")
    added.fill("Travel")
    added.press("Enter")
    added.press("Escape")
    chat.dialog.get_by_role("button", name="Change tags").click()
    library.expect_said("Changed the tags of 2 sessions.")
    expect(chat.dialog).to_have_count(0)
    assert agent.tags() == {"travel": 2}
    expect(library.selected).to_have_count(2)

    chat.page.get_by_role("combobox", name="Tag", exact=True).click()
    chat.page.get_by_role("option", name="travel (2)").click()
    expect(library.rows).to_have_count(2)
    library.expect_said("No session selected")

    library.tick(-1)
    library.press("Delete…")
    expect(chat.dialog).to_contain_text("2 sessions with 4 messages will be deleted for good")
    expect(chat.dialog.get_by_role("listitem")).to_have_text(["Talk 59", "Talk 57"])
    chat.dialog.get_by_role("button", name="Cancel").click()
    expect(chat.dialog).to_have_count(0)
    library.press("Delete…")
    chat.dialog.get_by_role("button", name="Delete 2 sessions").click()
    library.expect_said("Deleted 2 sessions for good.")
    library.expect_said("No session matches.")
    library.press("Reset the filters")
    library.expect_titles("Talk 58", "Talk 56")
    assert agent.stats().totals.sessions == 58


def test_the_selected_are_those_shown_as_selected_however_the_table_is_sorted(
    filled: Ledger, serve: Serve, chat: ChatPage, agent: Agent
) -> None:
    library = Library(chat.page, serve().url)
    library.tick(0)
    library.click_head()
    library.expect_titles("Talk 00", "Talk 01")
    library.expect_said("No session selected")
    expect(library.selected).to_have_count(0)

    library.choose_from_head("Sort descending")
    library.expect_titles("Talk 49", "Talk 48")
    library.tick(1)
    expect(library.selected).to_contain_text("Talk 48")
    library.press("Archive")
    library.expect_said("Archived 1 session.")
    assert [session.title for session in agent.sessions("", SessionFilters(archived=True)).sessions] == ["Talk 48"]


def test_a_selection_stays_with_its_session_when_another_is_used(
    filled: Ledger, serve: Serve, chat: ChatPage, agent: Agent
) -> None:
    library = Library(chat.page, serve().url)
    library.tick(1)
    library.expect_said("1 session selected")
    agent.conversation("07").pin()
    library.tick(3)
    library.expect_titles("Talk 07", "Talk 59", "Talk 58")
    expect(library.selected).to_have_count(2)
    assert library.selected.all_inner_texts()[0].startswith("Talk 58")
    assert library.selected.all_inner_texts()[1].startswith("Talk 56")


def test_a_page_further_a_session_is_opened_and_the_filters_are_there_when_one_comes_back(
    filled: Ledger, serve: Serve, chat: ChatPage, agent: Agent
) -> None:
    agent.conversation("madrid").send("To Madrid")
    library = Library(chat.page, serve().url)
    library.expect_titles("To Madrid", "Talk 59")
    chat.page.get_by_role("searchbox", name="Words of the title").fill("talk")
    library.expect_titles("Talk 59", "Talk 58")
    library.press("Next")
    library.expect_said("Rows 51–60 of 60")
    library.expect_titles("Talk 09", "Talk 08")
    library.tick(1)
    chat.page.locator(".st-key-library_open_selected").get_by_role("button").click()
    expect(chat.page).to_have_url(re.compile(r"/(chat)?\?session=08$"))
    expect(chat.messages.first).to_contain_text("Talk 08")
    narrow = chat.messages.first.bounding_box()
    assert narrow is not None
    assert narrow["width"] < 750

    chat.page.get_by_role("link", name="Library").click()
    library.expect_said("Rows 51–60 of 60")
    expect(chat.page.get_by_role("searchbox", name="Words of the title")).to_have_value("talk")
    library.expect_said("No session selected")
    expect(library.selected).to_have_count(0)


def test_a_clean_up_shows_first_what_it_deletes(filled: Ledger, serve: Serve, chat: ChatPage, agent: Agent) -> None:
    agent.conversation("03").pin()
    agent.conversation("04").archive()
    library = Library(chat.page, serve().url)
    library.press("Clean up…")
    expect(chat.dialog).to_contain_text("58 sessions with 116 messages were not used for 30 days.")
    expect(chat.dialog).to_contain_text("Pinned and archived sessions stay.")
    expect(chat.dialog.locator("table[role=grid]")).to_contain_text("Talk 00")

    days = chat.dialog.get_by_role("spinbutton", name="Days without use")
    days.fill("365")
    days.press("Enter")
    expect(chat.dialog).to_contain_text("0 sessions with 0 messages were not used for 365 days.")
    expect(chat.dialog.get_by_role("button", name="Delete 0 sessions")).to_be_disabled()

    days.fill("90")
    days.press("Enter")
    chat.dialog.get_by_text("Archived sessions too").click()
    chat.dialog.get_by_role("button", name="Delete 59 sessions").click()
    library.expect_said("Deleted 59 sessions with 118 messages for good.")
    library.expect_titles("Talk 03")
    assert agent.stats().totals.sessions == 1


def test_on_a_phone_the_table_scrolls_inside_itself(filled: Ledger, serve: Serve, browser: Browser) -> None:
    with browser.new_context(viewport={"width": 390, "height": 844}) as context:
        library = Library(context.new_page(), serve().url)
        library.tick(0)
        library.expect_said("1 session selected")
        assert library.page.evaluate("document.documentElement.scrollWidth") == 390
        frame = library.page.get_by_test_id("stDataFrame").bounding_box()
        assert frame is not None
        assert frame["x"] + frame["width"] <= 390
