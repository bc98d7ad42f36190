"""The page in a real Chromium, as a person uses it."""

import re
import sqlite3
import time
from collections.abc import Callable
from itertools import pairwise

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import ChatPage, PageServer
from tests.ollama_server import Fault, Model, OllamaServer, Script

pytestmark = pytest.mark.browser

Serve = Callable[..., PageServer]
LONG = "word " * 300


def test_a_person_talks_stops_and_comes_back_after_a_restart(serve: Serve, chat: ChatPage) -> None:
    server = serve(WINDOWSEAT_ECHO_WORDS_PER_SECOND=40)
    chat.open(server.url)
    expect(chat.page.get_by_text("Write something below.")).to_be_visible()

    chat.ask("I go to Lisbon in May.")
    expect(chat.reply.first).to_have_text("You said: I go to Lisbon in May.. I remember 1 messages.")
    expect(chat.page).to_have_url(re.compile(r"session="))

    chat.send(LONG)
    expect(chat.reply.first).to_contain_text("word word", timeout=5000)
    began = time.monotonic()
    chat.stop.click()
    expect(chat.page.get_by_text("You stopped this reply.")).to_be_visible(timeout=3000)
    assert time.monotonic() - began < 2
    expect(chat.reply.first).to_contain_text("You said: word word")

    server.kill()
    server.start()
    chat.open(chat.page.url)
    expect(chat.messages).to_have_count(4)
    expect(chat.messages.first).to_contain_text("I go to Lisbon in May.")


def test_a_reply_goes_on_while_the_page_is_reloaded(serve: Serve, chat: ChatPage) -> None:
    chat.open(serve(WINDOWSEAT_ECHO_WORDS_PER_SECOND=20).url)
    chat.send("word " * 60)
    expect(chat.reply.first).to_contain_text("You said: word word", timeout=5000)
    chat.page.reload()
    expect(chat.reply.first).to_contain_text("You said: word word word", timeout=5000)
    expect(chat.reply.first).to_contain_text("I remember 1 messages.", timeout=10_000)


def test_a_reply_is_there_after_its_tab_was_closed(serve: Serve, new_page: Callable[[], ChatPage]) -> None:
    server = serve(WINDOWSEAT_ECHO_WORDS_PER_SECOND=40)
    first = new_page().open(server.url)
    first.send("word " * 40)
    expect(first.stop).to_be_visible()
    first.page.close()
    time.sleep(1.5)
    second = new_page().open(server.url)
    expect(second.reply.first).to_contain_text("I remember 1 messages.", timeout=5000)


def test_the_rest_of_the_page_answers_while_a_reply_streams(serve: Serve, chat: ChatPage) -> None:
    chat.open(serve(WINDOWSEAT_ECHO_WORDS_PER_SECOND=20).url)
    chat.ask("To Porto")
    chat.begin()
    chat.send(LONG)
    expect(chat.reply.first).to_contain_text("You said: word", timeout=5000)

    chat.box.fill("A draft for later")
    chat.sessions.filter(has_text="To Porto").click()
    expect(chat.messages.first).to_contain_text("To Porto", timeout=2000)
    expect(chat.stop).to_have_count(0)

    chat.sessions.filter(has_text="word").click()
    expect(chat.reply.first).to_contain_text("You said: word word", timeout=2000)
    chat.stop.click()
    expect(chat.page.get_by_text("You stopped this reply.")).to_be_visible(timeout=3000)


def test_the_model_is_switched_in_mid_session(
    serve: Serve, chat: ChatPage, ollama: OllamaServer, script: Script
) -> None:
    chat.open(serve(OLLAMA_HOST=ollama.url).url)
    chat.ask("Hello")
    chat.choose_model("ollama:llama3.2:3b")
    chat.ask("Where to?")
    expect(chat.reply.first).to_have_text("Lisbon is lovely in May.")
    assert [message["content"] for message in script.chats[0]["messages"]][-1] == "Where to?"
    chat.choose_model("echo")
    chat.ask("Hello again")
    expect(chat.reply.first).to_contain_text("I remember 5 messages.")


def test_a_model_that_loads_says_so_and_a_missing_server_says_what_to_do(
    serve: Serve, chat: ChatPage, script: Script
) -> None:
    script.loading = 4
    with OllamaServer(script) as ollama:
        chat.open(serve(OLLAMA_HOST=ollama.url, WINDOWSEAT_MODEL="ollama:llama3.2:3b").url)
        chat.send("Hello")
        expect(chat.page.get_by_text("is being loaded into memory")).to_be_visible(timeout=4000)
        expect(chat.reply.first).to_have_text("Lisbon is lovely in May.", timeout=8000)
    chat.send("Are you still there?")
    expect(chat.page.get_by_text("Start it with: ollama serve")).to_be_visible(timeout=10_000)
    expect(chat.page.get_by_role("button", name="Try again")).to_be_visible()


def test_a_session_is_renamed_cleared_and_deleted_only_after_a_confirmation(
    serve: Serve, chat: ChatPage, url: str
) -> None:
    chat.open(serve().url)
    chat.ask("To Porto")
    chat.begin()
    chat.ask("To Lisbon")
    expect(chat.sessions).to_have_count(2)

    chat.choose_from_menu("Rename")
    title = chat.page.get_by_role("textbox", name="Title")
    expect(title).to_be_focused()
    title.fill("Spring *trip*")
    title.press("Enter")
    expect(chat.sessions.first).to_contain_text("Spring *trip*")

    chat.choose_from_menu("Clear")
    chat.dialog.get_by_role("button", name="Clear", exact=True).click()
    expect(chat.messages).to_have_count(0)
    expect(chat.page.get_by_text("0 messages")).to_be_visible()

    chat.choose_from_menu("Delete")
    chat.dialog.get_by_role("button", name="Cancel").click()
    expect(chat.dialog).to_have_count(0)
    expect(chat.sessions).to_have_count(2)
    chat.choose_from_menu("Delete")
    chat.dialog.get_by_role("button", name="Delete", exact=True).click()

    expect(chat.sessions).to_have_count(1)
    expect(chat.messages.first).to_contain_text("To Porto")
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    assert connection.execute("SELECT chat_name FROM chat_sessions").fetchall() == [("To Porto",)]
    assert connection.execute("SELECT COUNT(*) FROM messages").fetchone() == (2,)
    connection.close()


def test_sessions_of_the_same_title_are_not_taken_for_each_other(serve: Serve, chat: ChatPage) -> None:
    chat.open(serve().url)
    chat.ask("Hello")
    chat.ask("I am the first")
    chat.begin()
    chat.ask("Hello")
    expect(chat.messages).to_have_count(2)
    chat.ask("I am the second")
    expect(chat.messages).to_have_count(4)
    chat.sessions.nth(1).click()
    expect(chat.messages.nth(2)).to_contain_text("I am the first")
    chat.sessions.nth(0).click()
    expect(chat.messages.nth(2)).to_contain_text("I am the second")


def test_a_bookmark_and_a_second_tab_come_to_the_same_session(serve: Serve, new_page: Callable[[], ChatPage]) -> None:
    first = new_page().open(serve().url)
    first.ask("To Porto")
    address = first.page.url
    first.begin()
    first.ask("To Lisbon")

    second = new_page().open(address)
    expect(second.messages.first).to_contain_text("To Porto")
    first.page.go_back()
    expect(first.messages.first).to_contain_text("To Porto")


def test_the_statistics_know_the_session_one_came_from(serve: Serve, chat: ChatPage) -> None:
    chat.open(serve().url)
    chat.ask("To Porto")
    chat.page.get_by_role("link", name="Statistics").click()
    expect(chat.page.get_by_role("heading", name="Statistics")).to_be_visible()
    expect(chat.page.get_by_test_id("stMetric")).to_have_count(9)
    expect(chat.page.get_by_test_id("stVegaLiteChart")).to_have_count(2)
    chat.page.get_by_role("link", name="Chat").click()
    expect(chat.messages.first).to_contain_text("To Porto")


def test_what_a_model_writes_fetches_nothing_and_is_shown_as_written(
    serve: Serve, chat: ChatPage, script: Script, ollama: OllamaServer
) -> None:
    script.words = (
        "It costs $5 and $6, :red[not red], and ",
        "![a picture](http://127.0.0.1:9/spy.png) <img src='http://127.0.0.1:9/spy2.png'> <script>alert(1)</script>.",
    )
    asked: list[str] = []
    chat.page.on("request", lambda request: asked.append(request.url))
    chat.open(serve(OLLAMA_HOST=ollama.url, WINDOWSEAT_MODEL="ollama:llama3.2:3b").url)
    chat.ask("What is it?")
    expect(chat.reply.first).to_contain_text("It costs $5 and $6, :red[not red], and")
    expect(chat.reply.first.locator("img")).to_have_count(0)
    assert [address for address in asked if not address.startswith(("http://localhost:", "data:", "blob:"))] == []


def test_the_page_fits_a_phone(serve: Serve, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark")
    chat = ChatPage(context.new_page()).open(serve(WINDOWSEAT_ECHO_WORDS_PER_SECOND=10).url)
    chat.send(LONG)
    expect(chat.stop).to_be_in_viewport()
    width = chat.page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390
    chat.stop.click()
    expect(chat.page.get_by_text("You stopped this reply.")).to_be_visible(timeout=3000)
    context.close()


def test_each_reply_says_what_its_model_saw_and_a_turn_can_be_pinned_into_the_window(
    serve: Serve, chat: ChatPage, script: Script, ollama: OllamaServer
) -> None:
    script.models = {"qwen3:8b": Model(capabilities=("completion", "thinking"))}
    script.thoughts = ("They ask ", "about May.")
    settings = {"WINDOWSEAT_MODEL": "ollama:qwen3:8b", "WINDOWSEAT_WINDOW_TURNS": 1}
    chat.open(serve(OLLAMA_HOST=ollama.url, **settings).url)
    for prompt in ("My name is Ada.", "To Porto?", "To Lisbon?"):
        chat.ask(prompt)
    expect(chat.page.get_by_text("The model sees from here on: the last 1 turn")).to_be_visible()
    chat.page.get_by_text("Thinking").last.click()
    expect(chat.page.get_by_text("They ask about May.").last).to_be_visible()

    chat.choose_for_turn(0, "Pin into the window")
    expect(chat.page.get_by_text("the last 1 turn, and 1 pinned turn further up")).to_be_visible()
    chat.ask("What is my name?")
    chat.choose_for_turn(3, "What the model saw")
    expect(chat.dialog).to_contain_text("The model saw all of it.")
    expect(chat.dialog).to_contain_text("2 turns (turn 3; pinned 1) and the prompt: 5 messages.")
    expect(chat.dialog).to_contain_text("1 turn left out: before the window.")
    expect(chat.dialog).to_contain_text("A context of 8,192 tokens was asked for and given.")
    chat.dialog.get_by_text("The 5 messages as sent").click()
    sent = [message["content"] for message in script.chats[-1]["messages"]]
    assert sent[0] == "My name is Ada."
    expect(chat.dialog.get_by_test_id("stCode")).to_have_text(sent)


def test_a_model_that_is_not_there_is_got_from_the_page_and_answers_then(
    serve: Serve, chat: ChatPage, script: Script, ollama: OllamaServer
) -> None:
    script.pullable, script.pull_pause, script.pull_step = {"mistral:7b": 4_000_000_000}, 0.1, 200_000_000
    chat.open(serve(OLLAMA_HOST=ollama.url, WINDOWSEAT_MODEL="ollama:mistral:7b").url)
    chat.send("Hello")
    chat.page.get_by_role("button", name="Get mistral:7b").click()
    expect(chat.page.get_by_text(re.compile(r"Getting mistral:7b: [\d.]+ .B of"))).to_be_visible()
    chat.page.get_by_role("button", name="Cancel").click()
    expect(chat.page.get_by_text("Getting mistral:7b was cancelled")).to_be_visible()
    chat.page.get_by_role("button", name="Get mistral:7b").click()
    expect(chat.page.get_by_text("mistral:7b is here now.")).to_be_visible(timeout=15_000)
    chat.page.get_by_role("button", name="Try again").click()
    expect(chat.reply.first).to_have_text("Lisbon is lovely in May.", timeout=8000)


def test_a_stopped_reply_is_continued_where_it_ended(serve: Serve, chat: ChatPage) -> None:
    chat.open(serve(WINDOWSEAT_ECHO_WORDS_PER_SECOND=20).url)
    chat.send(LONG)
    expect(chat.reply.first).to_contain_text("You said")
    chat.stop.click()
    chat.page.get_by_role("button", name="Continue").click()
    expect(chat.page.get_by_text("You stopped this reply.")).to_have_count(0, timeout=3000)
    chat.stop.click()
    chat.page.get_by_role("button", name="Continue").wait_for(timeout=5000)
    expect(chat.reply.first).to_contain_text("You said")


_WATCH = """
() => {
    window.words = [];
    const look = () => {
        const messages = document.querySelectorAll("[data-testid=stChatMessage]");
        const text = messages[messages.length - 1].textContent;
        window.words.push((text.match(/ship|goes|Lisbon|May|sail|Porto|Faro|home/g) ?? []).length);
        requestAnimationFrame(look);
    };
    look();
}"""
BLOCKS = ("A ", "ship ", "goes ", "to ", "Lisbon ", "in ", "May.\n\n") * 60
CODE = ("```python\n", *["sail = 1\n"] * 40, "```\n\n", "- Porto\n", "- Faro\n\n", "And ", "home.")


def test_a_reply_of_many_blocks_only_grows_while_it_comes_and_when_it_ends(
    serve: Serve, chat: ChatPage, script: Script, ollama: OllamaServer
) -> None:
    script.words, script.pause = BLOCKS + CODE, 0.005
    chat.open(serve(OLLAMA_HOST=ollama.url, WINDOWSEAT_MODEL="ollama:llama3.2:3b").url)
    chat.send("Where to?")
    expect(chat.messages.last).to_contain_text("A ship goes", timeout=5000)
    chat.page.evaluate(_WATCH)
    expect(chat.messages.last).to_contain_text("saw", timeout=20_000)
    chat.page.wait_for_timeout(300)
    words = chat.page.evaluate("window.words")
    assert words[0] < 140
    assert words[-1] == 4 * 60 + 40 + 3
    drops = [(before, after) for before, after in pairwise(words) if before > after]
    assert drops == []


def test_one_who_scrolls_up_while_a_reply_comes_stays_there(
    serve: Serve, chat: ChatPage, script: Script, ollama: OllamaServer
) -> None:
    script.words, script.pause = BLOCKS * 10, 0.005
    chat.open(serve(OLLAMA_HOST=ollama.url, WINDOWSEAT_MODEL="ollama:llama3.2:3b").url)
    chat.send("Where to?")
    expect(chat.messages.last.get_by_text("A ship goes to Lisbon").nth(20)).to_be_in_viewport(timeout=10_000)
    first = chat.messages.last.get_by_text("A ship goes to Lisbon").first
    chat.page.mouse.move(640, 300)
    place = None
    for _ in range(3):  # Streamlit pulls the page down within 34 ms of leaving its end: a short gesture can fail.
        for _ in range(12):
            chat.page.mouse.wheel(0, -60)
            chat.page.wait_for_timeout(40)
        chat.page.wait_for_timeout(500)
        before, place = place, first.bounding_box()
        if before == place:
            break
    length = len(chat.messages.last.inner_text())
    chat.page.wait_for_timeout(1500)
    assert len(chat.messages.last.inner_text()) > length
    assert first.bounding_box() == place
    chat.stop.click()
    expect(chat.page.get_by_text("You stopped this reply.")).to_be_attached(timeout=3000)


def test_a_reply_that_falls_silent_says_for_how_long(
    serve: Serve, chat: ChatPage, script: Script, ollama: OllamaServer
) -> None:
    script.fault = Fault.SILENT_MIDWAY
    chat.open(serve(OLLAMA_HOST=ollama.url, WINDOWSEAT_MODEL="ollama:llama3.2:3b").url)
    chat.send("Where to?")
    expect(chat.messages.last).to_contain_text("Lisbon is")
    expect(chat.page.get_by_text("No word from")).to_have_count(0)
    expect(chat.page.get_by_text(re.compile(r"No word from llama3.2:3b for 1\d s\."))).to_be_visible(timeout=15_000)
    expect(chat.messages.last).to_contain_text("Lisbon is")
    chat.stop.click()
    expect(chat.page.get_by_text("You stopped this reply.")).to_be_visible(timeout=3000)
    expect(chat.page.get_by_text("No word from")).to_have_count(0)
