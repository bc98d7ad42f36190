"""Signing in and out, in a real Chromium."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, expect

from agent import Agent
from tests.browser import ChatPage, PageServer

pytestmark = pytest.mark.browser

Serve = Callable[..., PageServer]
UNKNOWN = "This token is not known here, or was revoked."


@pytest.fixture
def tokens(agent: Agent) -> dict[str, str]:
    """By owner: each has a session of the same name, and said something of their own in it."""
    for owner in ("local", "ann", "bob"):
        agent.of(owner).conversation("diary").send(f"The diary of {owner}")
    return {owner: agent.access.create(owner)[1] for owner in ("ann", "bob")}


def field(chat: ChatPage) -> Locator:
    return chat.page.get_by_role("textbox", name="Token")


def shows_the_form_alone(chat: ChatPage) -> None:
    expect(field(chat)).to_be_visible(timeout=20_000)
    expect(field(chat)).to_be_focused()
    expect(field(chat)).to_have_value("")
    expect(chat.box).to_have_count(0)
    expect(chat.messages).to_have_count(0)
    expect(chat.sessions).to_have_count(0)
    expect(chat.page.get_by_test_id("stSidebar")).to_be_hidden()
    expect(chat.page.get_by_role("link", name="Library")).to_have_count(0)


def sign_in(chat: ChatPage, token: str) -> None:
    field(chat).fill(token)
    field(chat).press("Enter")


def sees_the_diary_of(chat: ChatPage, owner: str) -> None:
    expect(chat.messages.first).to_contain_text(f"The diary of {owner}", timeout=20_000)
    expect(chat.sessions).to_have_count(1)
    expect(chat.page.locator(".st-key-owner")).to_contain_text(owner)


def keeps_a_cookie(chat: ChatPage) -> None:
    chat.page.wait_for_function("document.cookie.includes('windowseat_token=')")


def test_the_right_token_opens_its_owners_sessions_and_a_reload_stays_signed_in(
    serve: Serve, chat: ChatPage, tokens: dict[str, str]
) -> None:
    chat.page.goto(serve().url)
    shows_the_form_alone(chat)
    sign_in(chat, "windowseat_nonsense")
    expect(chat.page.get_by_text(UNKNOWN)).to_be_visible()
    sign_in(chat, tokens["ann"])
    sees_the_diary_of(chat, "ann")
    chat.ask("One more")
    keeps_a_cookie(chat)
    chat.page.reload()
    expect(chat.messages).to_have_count(4, timeout=20_000)
    sees_the_diary_of(chat, "ann")


def test_the_cookie_goes_to_no_other_site_and_stays_for_a_year(
    serve: Serve, chat: ChatPage, tokens: dict[str, str]
) -> None:
    chat.page.goto(serve().url)
    sign_in(chat, tokens["ann"])
    sees_the_diary_of(chat, "ann")
    keeps_a_cookie(chat)
    (cookie,) = [cookie for cookie in chat.page.context.cookies() if cookie["name"] == "windowseat_token"]
    assert (cookie["value"], cookie["path"], cookie["sameSite"]) == (tokens["ann"], "/", "Strict")
    now = chat.page.evaluate("Date.now() / 1000")
    assert 364 < (cookie["expires"] - now) / 86_400 < 366


def test_who_signs_in_after_another_sees_nothing_of_them(serve: Serve, chat: ChatPage, tokens: dict[str, str]) -> None:
    chat.page.goto(serve().url)
    sign_in(chat, tokens["ann"])
    sees_the_diary_of(chat, "ann")
    chat.box.fill("A secret that Ann did not send")
    chat.page.get_by_role("button", name="Sign out").click()
    shows_the_form_alone(chat)
    assert "session=" not in chat.page.url
    sign_in(chat, tokens["bob"])
    sees_the_diary_of(chat, "bob")
    expect(chat.box).to_have_value("")


def test_who_signed_out_is_out_after_a_reload_too(serve: Serve, chat: ChatPage, tokens: dict[str, str]) -> None:
    chat.page.goto(serve().url)
    sign_in(chat, tokens["ann"])
    sees_the_diary_of(chat, "ann")
    keeps_a_cookie(chat)
    chat.page.get_by_role("button", name="Sign out").click()
    shows_the_form_alone(chat)
    chat.page.wait_for_function("!document.cookie.includes('windowseat_token=')")
    chat.page.reload()
    shows_the_form_alone(chat)


@pytest.mark.parametrize("page", ["", "library"])
def test_a_page_that_is_open_is_shut_by_itself_when_its_token_is_revoked(
    serve: Serve, chat: ChatPage, agent: Agent, tokens: dict[str, str], page: str
) -> None:
    chat.page.goto(f"{serve().url}/{page}")
    sign_in(chat, tokens["ann"])
    expect(chat.page.locator(".st-key-owner")).to_contain_text("ann", timeout=20_000)
    (number,) = [token.id for token in agent.access.all() if token.owner == "ann"]
    agent.access.revoke(number)
    shows_the_form_alone(chat)
    expect(chat.page.get_by_text(UNKNOWN)).to_be_visible()
    chat.page.reload()
    shows_the_form_alone(chat)


def test_the_first_token_shuts_a_page_that_was_open_without_any(serve: Serve, chat: ChatPage, agent: Agent) -> None:
    chat.open(serve().url)
    chat.ask("Hello")
    agent.access.create("ann")
    shows_the_form_alone(chat)


def test_signing_in_leads_to_the_page_that_was_asked_for(serve: Serve, chat: ChatPage, tokens: dict[str, str]) -> None:
    chat.page.goto(f"{serve().url}/library")
    shows_the_form_alone(chat)
    sign_in(chat, tokens["bob"])
    expect(chat.page.get_by_role("heading", name="Library")).to_be_visible(timeout=20_000)


def test_the_form_keeps_the_rules_of_accessibility_in_both_themes_and_on_a_phone(
    serve: Serve, chat: ChatPage, tokens: dict[str, str]
) -> None:
    for scheme in ("light", "dark"):
        chat.page.emulate_media(color_scheme=scheme)
        chat.page.set_viewport_size({"width": 390, "height": 844})
        chat.page.goto(serve().url)
        sign_in(chat, "windowseat_nonsense")
        expect(chat.page.get_by_text(UNKNOWN)).to_be_visible()
        found = Axe().run(chat.page)
        assert not found.response["violations"], found.generate_report()
