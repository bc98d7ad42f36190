"""Export and import in a real Chromium: files that come down, files that go up, and tabs that are left meanwhile."""

import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from agent import Agent
from tests.browser import ChatPage, PageServer
from tests.foreign_exports import chatgpt, chatgpt_trip, zipped
from tests.test_page_library_browser import Library
from tests.test_page_transfer import Make, locked, talk

pytestmark = pytest.mark.browser

Serve = Callable[..., PageServer]


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A file of ChatGPT's with conversations for several transactions."""
    path = tmp_path / "many.json"
    path.write_text(json.dumps([talk(number) for number in range(600)]))
    return path


@pytest.fixture
def elsewhere(make_agent: Make, tmp_path: Path) -> Agent:
    """An agent on another database, with two sessions."""
    agent = make_agent(database_url=f"sqlite:///{tmp_path / 'elsewhere.db'}")
    for name in ("lisbon", "porto"):
        agent.conversation(name).send(f"To {name}")
    return agent


def download(chat: ChatPage, form: str) -> Path:
    """What one click brings, once the form is chosen."""
    chat.dialog.get_by_text(form, exact=True).click()
    with chat.page.expect_download() as coming:
        chat.dialog.get_by_role("button", name="Download").click()
    expect(chat.dialog).to_have_count(0)
    path: Path = coming.value.path()
    return path.rename(path.with_name(coming.value.suggested_filename))


def upload(chat: ChatPage, path: Path) -> Locator:
    """In the dialog that is open."""
    chat.dialog.locator('input[type="file"]').set_input_files(path)
    return chat.dialog


def test_a_session_is_downloaded_from_its_menu_with_all_that_was_said(
    serve: Serve, chat: ChatPage, make_agent: Make, tmp_path: Path
) -> None:
    chat.open(serve().url)
    chat.ask("To *Lisbon*")
    chat.choose_from_menu("Export")
    expect(chat.dialog).to_contain_text("To *Lisbon*")
    file = download(chat, "JSON")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d-To-Lisbon\.json", file.name)
    taken = make_agent(database_url=f"sqlite:///{tmp_path / 'again.db'}")
    taken.import_(file)
    (session,) = taken.sessions().sessions
    (turn,) = taken.find(session.session_id).turns(5)
    assert (turn.prompt, turn.reply) == ("To *Lisbon*", "You said: To *Lisbon*. I remember 1 messages.")
    assert len(chat.page.context.pages) == 1
    expect(chat.messages).to_have_count(2)


def test_what_is_selected_comes_as_a_zip_with_a_page_for_each(serve: Serve, chat: ChatPage, agent: Agent) -> None:
    for name in ("faro", "porto", "lisbon"):
        agent.conversation(name).send(f"To {name}")
    library = Library(chat.page, serve().url)
    library.tick(0, 2)
    library.expect_said("2 sessions selected")
    library.press("Export…")
    expect(chat.dialog).to_contain_text("2 sessions")
    with zipfile.ZipFile(download(chat, "HTML")) as archive:
        pages = {name.partition("To-")[2]: archive.read(name).decode() for name in archive.namelist()}
    assert pages.keys() == {"lisbon.html", "faro.html"}
    assert "You said: To lisbon" in pages["lisbon.html"]
    library.press("Export all…")
    expect(chat.dialog).to_contain_text("All 3 sessions")
    assert len(json.loads(download(chat, "JSON").read_bytes())["sessions"]) == 3


def test_a_file_is_looked_through_taken_in_and_known_the_next_time(
    serve: Serve, chat: ChatPage, agent: Agent, elsewhere: Agent, tmp_path: Path
) -> None:
    file = elsewhere.export(tmp_path / "mine.json")
    library = Library(chat.page, serve().url)
    library.expect_said("No session is in the list.")
    library.press("Import…")
    expect(upload(chat, file)).to_contain_text("2 new sessions would come in. 4 messages in all.")
    assert agent.stats().totals.sessions == 0
    chat.dialog.get_by_role("button", name="Import 2 sessions").click()
    expect(chat.dialog).to_contain_text("2 new sessions came in. 4 messages in all.")
    chat.dialog.get_by_role("button", name="Import another file").click()
    expect(upload(chat, file)).to_contain_text("Nothing new would come in. 2 sessions were here already.")
    chat.dialog.get_by_role("button", name="Done").click()
    expect(chat.dialog).to_have_count(0)
    library.expect_titles("To porto", "To lisbon")
    assert agent.stats().totals.sessions == 2


def test_a_file_that_can_not_be_read_is_refused_and_what_is_broken_in_one_is_named(
    serve: Serve, chat: ChatPage, tmp_path: Path
) -> None:
    picture, chats = tmp_path / "picture.png", tmp_path / "chats.zip"
    picture.write_bytes(b"\x89PNG and so on")
    broken = chatgpt(title="Half a trip") | {"mapping": "nothing"}
    chats.write_bytes(zipped({"conversations.json": [chatgpt_trip(), broken]}))
    library = Library(chat.page, serve().url)
    library.press("Import…")
    expect(upload(chat, picture).get_by_role("alert")).to_contain_text("“picture.png” holds no conversation")
    expect(upload(chat, chats)).to_contain_text("1 new session would come in.")
    expect(chat.dialog.get_by_role("alert")).to_have_count(0)
    chat.dialog.get_by_text("1 conversation could not be read", exact=True).click()
    expect(chat.dialog.get_by_role("listitem")).to_contain_text("Half a trip")


def test_an_import_goes_on_when_its_dialog_is_closed_and_its_tab_reloaded_and_its_end_stays(
    serve: Serve, chat: ChatPage, agent: Agent, url: str, many: Path
) -> None:
    library = Library(chat.page, serve().url)
    library.press("Import…")
    upload(chat, many)
    with locked(url):
        chat.dialog.get_by_role("button", name="Import 600 sessions").click()
        expect(chat.dialog).to_contain_text("Importing many.json: 0 conversations so far")
        chat.dialog.get_by_role("button", name="Close").click()
        expect(chat.dialog).to_have_count(0)
        library.expect_said("Importing many.json: 0 conversations so far")
        chat.page.reload()
        library.expect_said("Importing many.json: 0 conversations so far")
    library.expect_said("Import of many.json: 600 new sessions came in. 1,200 messages in all.")
    chat.page.reload()
    library.expect_said("Import of many.json: 600 new sessions came in. 1,200 messages in all.")
    library.press("Dismiss")
    expect(chat.page.get_by_text("Import of many.json")).to_have_count(0)
    library.expect_said("Rows 1–50")
    assert agent.stats().totals.sessions == 600


def test_a_cancelled_import_keeps_whole_sessions_and_says_how_many(
    serve: Serve, chat: ChatPage, agent: Agent, url: str, many: Path
) -> None:
    library = Library(chat.page, serve().url)
    library.press("Import…")
    upload(chat, many)
    with locked(url):
        chat.dialog.get_by_role("button", name="Import 600 sessions").click()
        chat.dialog.get_by_role("button", name="Cancel").click()
        expect(chat.page.locator("[data-testid=stApp][data-test-script-state=notRunning]")).to_be_visible()
    expect(chat.dialog).to_contain_text("It was cancelled before the end.")
    sessions, messages = agent.stats().totals.sessions, agent.stats().totals.messages
    assert sessions < 600
    assert messages == 2 * sessions
    came = f"{sessions:,} new session{'s' * (sessions > 1)} came in. {messages:,} messages in all."
    expect(chat.dialog).to_contain_text(came if sessions else "Nothing new came in.")
