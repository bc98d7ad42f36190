"""The statistics in a real Chromium, as a person looks at them."""

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from agent import Status
from tests.browser import ChatPage, PageServer
from tests.test_page_statistics import Past

pytestmark = pytest.mark.browser

Serve = Callable[..., PageServer]

PHONE = {"width": 390, "height": 844}


@pytest.fixture
def lived(url: str) -> None:
    """Two sessions of a few weeks, with two models."""
    past = Past(url)
    for days in (40, 20, 3, 2):
        past.turn(days, "lisbon", model="ollama:llama3.2:3b")
        past.turn(days, "porto", model="ollama:qwen3:8b", status=Status.FAILED)
    for name in ("lisbon", "porto"):
        past.store.sessions.rename("local", name, f"To {name.title()}")
    past.store.close()


def figure(page: Page, name: str) -> str:
    found = page.get_by_test_id("stMetric").filter(has=page.get_by_text(name, exact=True))
    return found.get_by_test_id("stMetricValue").inner_text()


def choose(page: Page, name: str) -> None:
    page.get_by_role("radio", name=name).or_(page.get_by_role("button", name=name, exact=True)).click()


def test_what_one_chooses_stays_in_the_address_and_when_one_comes_back(
    lived: None,
    serve: Serve,
    chat: ChatPage,
) -> None:
    chat.open(serve().url + "?session=lisbon")
    page = chat.page
    page.get_by_role("link", name="Statistics").click()
    expect(page.get_by_role("heading", name="Turns by day")).to_be_visible()
    assert figure(page, "Turns") == "6"

    choose(page, "12 months")
    choose(page, "This session")
    page.get_by_role("tab", name="Tokens").click()
    expect(page.get_by_role("heading", name="Tokens by week")).to_be_visible()
    expect(page.get_by_role("heading", name="To Lisbon")).to_be_visible()
    expect(page).to_have_url(re.compile(r"(?=.*range=12\+months)(?=.*scope=This\+session)(?=.*session=lisbon)"))
    assert figure(page, "Tokens out") == "320"

    page.reload()
    expect(page.get_by_role("heading", name="Tokens by week")).to_be_visible()
    page.get_by_role("link", name="Chat").click()
    expect(chat.messages.first).to_contain_text("Where to?")
    page.get_by_role("link", name="Statistics").click()
    expect(page.get_by_role("heading", name="Tokens by week")).to_be_visible()

    chat.sessions.filter(has_text="To Porto").click()
    expect(page).to_have_url(re.compile("session=porto"))
    expect(chat.messages.first).to_contain_text("Where to?")
    page.get_by_role("link", name="Statistics").click()
    page.get_by_role("button", name="New session").click()
    expect(chat.box).to_be_visible()
    expect(chat.messages).to_have_count(0)


def test_a_chart_is_there_in_words_as_a_table_and_as_a_file(
    lived: None,
    serve: Serve,
    chat: ChatPage,
    tmp_path: Path,
) -> None:
    page = chat.open(serve().url).page
    page.get_by_role("link", name="Statistics").click()
    choose(page, "Everything")
    charts = page.get_by_test_id("stVegaLiteChart")
    said = re.compile("Turns by day: 8 turns, of which 0 stopped, 0 interrupted, 4 failed. The most in a day: 2, ")
    expect(charts.first).to_have_attribute("aria-label", said)
    expect(page.get_by_text("undefined")).to_have_count(0)

    page.get_by_text("As a table").first.click()
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Download", exact=True).click()
    name = downloading.value.suggested_filename
    assert re.fullmatch(r"windowseat-turns-by-day-all-sessions-\d{4}-\d\d-\d\d-to-\d{4}-\d\d-\d\d\.csv", name)
    downloading.value.save_as(tmp_path / name)
    rows = list(csv.DictReader((tmp_path / name).read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 41
    assert sum(int(row["Complete"]) for row in rows) == 4
    assert [row["Failed"] for row in rows[-4:]] == ["1", "1", "0", "0"]


def test_the_statistics_fit_a_phone_and_all_parts_have_their_charts(
    lived: None,
    serve: Serve,
    browser: Browser,
) -> None:
    context = browser.new_context(viewport=PHONE, color_scheme="dark")  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(serve().url + "/statistics")
    for part, charts in (("Activity", 2), ("Tokens", 2), ("Speed", 3), ("Lengths", 1)):
        page.get_by_role("tab", name=part).click()
        expect(page.get_by_test_id("stVegaLiteChart").locator("svg")).to_have_count(charts, timeout=15_000)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    context.close()
