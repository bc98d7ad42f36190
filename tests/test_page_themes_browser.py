"""Themes and milestones in a real Chromium, as a person looks at them."""

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import ChatPage, PageServer
from tests.prompts import write_until_last_week
from tests.test_page_manners_browser import serious

pytestmark = pytest.mark.browser

Serve = Callable[..., PageServer]

PHONE = {"width": 390, "height": 844}
THEMES = "/statistics?figures=Themes&range=12+months"


@pytest.fixture
def talked(url: str) -> None:
    """Twelve weeks of talks that ended a week ago."""
    write_until_last_week(url)


def look(page: Page, url: str) -> None:
    page.goto(f"{url}{THEMES}")
    expect(page.get_by_role("heading", name="Themes by week")).to_be_visible(timeout=20_000)


def test_a_word_leads_to_the_prompts_that_hold_it_and_from_there_to_the_turn(
    talked: None,
    serve: Serve,
    chat: ChatPage,
) -> None:
    page = chat.page
    look(page, serve().url)
    page.get_by_role("button", name="machine learning 27").click()
    expect(chat.dialog.get_by_role("textbox")).to_have_value('"machine learning"')
    hits = chat.dialog.get_by_role("button", name=re.compile(" · you · "))
    expect(hits).to_have_count(10)
    expect(chat.dialog.get_by_role("button", name=re.compile(" · reply · "))).to_have_count(0)

    hits.first.click()
    expect(chat.dialog).to_have_count(0)
    expect(page).to_have_url(re.compile(r"session=learning\+11&turn=\d+"))
    expect(chat.messages.filter(has_text=re.compile("machine learning", re.IGNORECASE)).first).to_be_visible()

    page.keyboard.press("Control+K")
    expect(chat.dialog.get_by_role("textbox")).to_have_value('"machine learning"')
    expect(chat.dialog.get_by_role("button", name=re.compile(" · title · ")).first).to_be_visible()


def test_in_one_session_a_word_is_searched_for_there(talked: None, serve: Serve, chat: ChatPage) -> None:
    chat.page.goto(f"{serve().url}{THEMES}&session=rust+5&scope=This+session")
    chat.page.get_by_role("button", name=re.compile(r"^parser \d$")).click(timeout=20_000)
    hits = chat.dialog.get_by_role("button", name=re.compile(" · you · "))
    expect(hits.first).to_be_visible()
    expect(chat.dialog.get_by_role("switch", name="Only this session")).to_be_checked()
    assert len({hit.inner_text().split(" · ")[0] for hit in hits.all()}) == 1


def test_the_chart_is_there_in_words_as_a_table_and_as_a_file(
    talked: None,
    serve: Serve,
    chat: ChatPage,
    tmp_path: Path,
) -> None:
    page = chat.page
    look(page, serve().url)
    chart = page.get_by_test_id("stVegaLiteChart")
    expect(chart).to_have_attribute("aria-label", re.compile("Themes by week: .* most of all machine learning, in 27"))
    page.get_by_text("As a table").click()
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Download", exact=True).click()
    name = downloading.value.suggested_filename
    assert re.fullmatch(r"windowseat-themes-by-week-all-sessions-\d{4}-\d\d-\d\d-to-\d{4}-\d\d-\d\d\.csv", name)
    downloading.value.save_as(tmp_path / name)
    rows = {row["Theme"]: row for row in csv.DictReader((tmp_path / name).read_text(encoding="utf-8").splitlines())}
    assert (rows["Lisbon"]["Trend"], rows["Lisbon"]["Prompts"]) == ("fading", "20")


def test_a_milestone_leads_to_its_session(talked: None, serve: Serve, chat: ChatPage) -> None:
    look(chat.page, serve().url)
    chat.page.get_by_role("button", name="I go to Lisbon for a week…").click()
    expect(chat.messages.first).to_contain_text("I go to Lisbon for a week in May.")
    expect(chat.page).to_have_url(re.compile(r"session=lisbon\+0"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_themes_and_milestones_fit_a_phone_and_keep_the_rules_of_accessibility(
    talked: None, serve: Serve, browser: Browser, scheme: str
) -> None:
    context = browser.new_context(viewport=PHONE, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    look(page, serve().url)
    expect(page.get_by_test_id("stVegaLiteChart").locator("svg")).to_have_count(1, timeout=15_000)
    expect(page.get_by_text("Most days in a row")).to_be_attached()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert serious(page) == []
    context.close()
