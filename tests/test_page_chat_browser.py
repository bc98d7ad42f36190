"""What one does with prompts, replies and the window, in a real Chromium."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect

from agent import Agent
from tests.browser import ChatPage, PageServer
from tests.ollama_server import Model, OllamaServer, Script
from tests.pictures import picture

pytestmark = pytest.mark.browser

Serve = Callable[..., PageServer]
LONG = "word " * 300


def button(chat: ChatPage, name: str) -> Locator:
    return chat.page.get_by_role("button", name=name, exact=True)


def test_a_prompt_submitted_meanwhile_waits_visibly_and_is_sent_at_the_end(serve: Serve, chat: ChatPage) -> None:
    chat.open(serve(WINDOWSEAT_ECHO_WORDS_PER_SECOND=20).url)
    chat.send("word " * 80)
    expect(chat.stop).to_be_visible()
    chat.send("And another thing")
    expect(chat.page.get_by_text("Sent when the reply has ended")).to_be_visible()
    expect(chat.page.get_by_text("And another thing")).to_be_visible()
    expect(chat.reply.first).to_contain_text("You said: And another thing", timeout=10_000)
    expect(chat.messages).to_have_count(4)
    expect(chat.page.get_by_text("Sent when the reply has ended")).to_have_count(0)


def test_a_waiting_prompt_is_taken_back_into_the_box(serve: Serve, chat: ChatPage) -> None:
    chat.open(serve(WINDOWSEAT_ECHO_WORDS_PER_SECOND=10).url)
    chat.send(LONG)
    expect(chat.stop).to_be_visible()
    chat.send("And another thing")
    button(chat, "Take back").click()
    button(chat, "Put it into the box").click()
    expect(chat.box).to_have_value("And another thing")
    expect(chat.page.get_by_text("Sent when the reply has ended")).to_have_count(0)
    chat.stop.click()
    expect(chat.page.get_by_text("You stopped this reply.")).to_be_visible(timeout=3000)
    expect(chat.messages).to_have_count(2)


def test_a_waiting_prompt_outlives_its_tab_and_its_server(serve: Serve, chat: ChatPage) -> None:
    server = serve(WINDOWSEAT_ECHO_WORDS_PER_SECOND=10)
    chat.open(server.url)
    chat.send(LONG)
    expect(chat.stop).to_be_visible()
    chat.send("And another thing")
    expect(button(chat, "Take back")).to_be_visible()
    server.kill()
    server.start()
    chat.open(chat.page.url)
    expect(chat.page.get_by_text("Not sent, since the reply before did not reach its end")).to_be_visible(
        timeout=15_000
    )
    button(chat, "Send now").click()
    expect(chat.reply.first).to_contain_text("You said: And another thing", timeout=5000)


def test_an_edited_prompt_becomes_a_branch_that_the_arrows_lead_to(serve: Serve, chat: ChatPage) -> None:
    chat.open(serve().url)
    chat.ask("To Porto?")
    chat.choose_for_turn(0, "Edit the prompt")
    editor = chat.messages.first.get_by_role("textbox")
    expect(editor).to_have_value("To Porto?")
    editor.fill("To Lisbon?")
    chat.messages.first.get_by_role("button", name="Send").click()
    expect(chat.messages.first).to_contain_text("To Lisbon?")
    expect(chat.page.get_by_text("2 of 2")).to_be_visible()
    button(chat, "Previous").last.click()
    expect(chat.messages.first).to_contain_text("To Porto?")
    expect(chat.page.get_by_text("1 of 2")).to_be_visible()


def test_a_reply_is_answered_again_by_another_model_copied_rated_and_forked(
    serve: Serve, chat: ChatPage, script: Script, ollama: OllamaServer
) -> None:
    chat.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    chat.open(serve(OLLAMA_HOST=ollama.url).url)
    chat.ask("Where to?")
    chat.choose_for_turn(0, "Answer again with")
    chat.dialog.get_by_role("button", name="Answer", exact=True).click()
    expect(chat.reply.first).to_have_text("Lisbon is lovely in May.")
    expect(chat.page.get_by_text("2 of 2")).to_be_visible()

    button(chat, "Copy").click()
    expect(chat.page.get_by_text("Copied.")).to_be_visible()
    assert chat.page.evaluate("navigator.clipboard.readText()") == "Lisbon is lovely in May."

    chat.page.get_by_role("radio", name="Thumbs up").click()
    expect(chat.page.get_by_text("good", exact=False).last).to_be_visible()
    chat.page.reload()
    expect(chat.messages.last).to_contain_text("good")

    chat.choose_for_turn(0, "Fork from here")
    expect(chat.page.get_by_text("This is a copy")).to_be_visible()
    chat.ask("And then?")
    expect(chat.sessions).to_have_count(2)
    chat.sessions.last.click()
    expect(chat.messages).to_have_count(2)


def test_an_image_is_shown_and_sent_and_a_text_goes_into_the_prompt(
    serve: Serve, chat: ChatPage, script: Script, ollama: OllamaServer
) -> None:
    script.models = {"llava:7b": Model(capabilities=("completion", "vision"))}
    chat.open(serve(OLLAMA_HOST=ollama.url, WINDOWSEAT_MODEL="ollama:llava:7b").url)
    chat.attach(("dot.png", "image/png", picture()), ("notes.py", "text/x-python", b"print('a')\r\n# ``` fence\n"))
    chat.ask("What is it?")
    expect(chat.messages.first.locator("img")).to_have_count(1)
    expect(chat.messages.first.get_by_test_id("stCode")).to_contain_text("print('a')")
    (prompt,) = script.chats[0]["messages"]
    assert len(prompt["images"]) == 1
    assert prompt["content"] == "What is it?\n\nnotes.py:\n\n````py\nprint('a')\n# ``` fence\n````"
    chat.page.reload()
    expect(chat.messages.first.locator("img")).to_have_count(1)


def test_a_file_that_is_neither_text_nor_image_is_refused_and_the_prompt_goes_back(
    serve: Serve, chat: ChatPage
) -> None:
    chat.open(serve().url)
    chat.attach(("blob.bin", "application/octet-stream", b"\x00\xff\x00"))
    chat.send("Read this")
    expect(chat.page.get_by_text("blob.bin is neither a text nor an image")).to_be_visible()
    expect(chat.box).to_have_value("Read this")


def test_two_models_answer_side_by_side_and_one_goes_on_from_either(
    serve: Serve, chat: ChatPage, script: Script, ollama: OllamaServer
) -> None:
    chat.open(serve(OLLAMA_HOST=ollama.url).url)
    chat.choose_from_menu("Settings")
    chat.dialog.get_by_role("combobox", name="Ask a second model too").click()
    chat.page.get_by_role("option", name="ollama:llama3.2:3b", exact=True).click()
    chat.dialog.get_by_role("button", name="Save").click()
    expect(chat.dialog).to_have_count(0)

    chat.send("Where to?")
    expect(chat.messages).to_have_count(3, timeout=8000)
    expect(chat.messages.nth(1)).to_contain_text("You said: Where to?")
    expect(chat.messages.nth(2)).to_contain_text("Lisbon is lovely in May.")
    left, right = (chat.messages.nth(place).bounding_box() for place in (1, 2))
    assert left
    assert right
    assert left["x"] + left["width"] <= right["x"]

    goes_on = chat.page.get_by_text("The session goes on from this one.")
    expect(goes_on).to_have_count(1)
    before = goes_on.bounding_box()
    button(chat, "Go on from this one").click()
    expect(goes_on).not_to_have_count(0)
    chat.page.wait_for_timeout(1500)
    after = goes_on.bounding_box()
    assert before
    assert after
    assert after["x"] < before["x"]


def test_what_a_model_writes_is_drawn_diagram_formula_table_and_code(
    serve: Serve, chat: ChatPage, script: Script, ollama: OllamaServer
) -> None:
    chat.page.on("request", lambda request: asked.append(request.url))
    asked: list[str] = []
    script.words = (
        "```mermaid\nflowchart LR\n a --> b\n```\n\n",
        '```mermaid\nflowchart LR\n a@{ img: "http://127.0.0.1:9/spy.png" }\n```\n\n',
        "It is $x^2$, not $5 or $6.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```python\nprint(1)\n```\n",
    )
    chat.open(serve(OLLAMA_HOST=ollama.url, WINDOWSEAT_MODEL="ollama:llama3.2:3b").url)
    chat.ask("Draw")
    expect(chat.messages.last.locator("img")).to_be_visible(timeout=10_000)
    expect(chat.messages.last.locator(".katex").first).to_be_visible()
    expect(chat.messages.last).to_contain_text("not $5 or $6.")
    expect(chat.messages.last.locator("table")).to_be_visible()
    expect(chat.messages.last.get_by_test_id("stCode").filter(has_text="spy.png")).to_be_visible()
    assert [address for address in asked if not address.startswith(("http://localhost:", "data:", "blob:"))] == []


def test_the_window_is_shown_sized_and_previewed(
    serve: Serve, chat: ChatPage, script: Script, ollama: OllamaServer
) -> None:
    chat.open(serve(OLLAMA_HOST=ollama.url, WINDOWSEAT_MODEL="ollama:llama3.2:3b").url)
    for prompt in ("To Porto?", "To Lisbon?", "To Faro?"):
        chat.ask(prompt)
    expect(chat.page.get_by_text("The model sees the whole conversation so far: 3 turns")).to_be_visible()
    expect(chat.page.get_by_text(re.compile(r"Sees 3 turns, \d+% of 8,192 tokens"))).to_be_visible()
    chat.gauge.click()
    expect(chat.dialog).to_contain_text("3 turns (turns 1 to 3) and the prompt: 7 messages")
    chat.dialog.get_by_role("spinbutton", name="Window, in turns").fill("1")
    chat.page.keyboard.press("Enter")
    expect(chat.page.get_by_text("The model sees from here on: the last 1 turn")).to_be_visible()
    expect(chat.dialog).to_contain_text("1 turn (turn 3) and the prompt: 3 messages")
    chat.dialog.get_by_role("textbox", name="A prompt to try").fill("What is in Faro?")
    chat.page.keyboard.press("Enter")
    chat.dialog.get_by_text("The 3 messages as sent").click()
    expect(chat.dialog.get_by_test_id("stCode").last).to_have_text("What is in Faro?")
    chat.page.keyboard.press("Escape")
    expect(chat.dialog).to_have_count(0)

    chat.choose_for_turn(2, "What the model saw")
    expect(chat.dialog.get_by_test_id("stVegaLiteChart")).to_be_visible()
    expect(chat.dialog).to_contain_text("The model saw all of it.")


def test_an_empty_session_offers_openings_recent_questions_and_templates(serve: Serve, chat: ChatPage) -> None:
    chat.open(serve().url)
    button(chat, "Explain how a bicycle stays upright.").click()
    expect(chat.reply.first).to_contain_text("You said: Explain how a bicycle stays upright.", timeout=5000)
    chat.begin()
    chat.page.get_by_role("radio", name="Code review").or_(button(chat, "Code review")).first.click()
    expect(chat.page.get_by_text("Paste code, and say what it should do.")).to_be_visible()
    expect(button(chat, "How would you test this?")).to_be_visible()
    expect(chat.sessions).to_have_count(2)
    button(chat, "Explain how a bicycle stays upright.").click()
    expect(chat.messages).to_have_count(2)
    expect(chat.sessions).to_have_count(3)


def test_a_session_is_tagged_and_told_what_to_be(
    serve: Serve, chat: ChatPage, script: Script, ollama: OllamaServer
) -> None:
    chat.open(serve(OLLAMA_HOST=ollama.url, WINDOWSEAT_MODEL="ollama:llama3.2:3b").url)
    chat.ask("Hello")
    chat.choose_from_menu("Tags")
    chat.dialog.get_by_role("combobox").fill("Travel")
    expect(chat.page.get_by_role("option")).to_contain_text("Travel")
    chat.page.keyboard.press("Enter")
    expect(chat.dialog.get_by_text("travel", exact=True)).to_be_visible()  # As it was stored: in lower case.
    chat.dialog.get_by_label("Close", exact=True).click()  # A list that is still open hides it from its role.
    expect(chat.page.get_by_test_id("stSidebar")).to_contain_text("travel")
    chat.choose_from_menu("Settings")
    chat.dialog.get_by_role("textbox", name="System prompt").fill("Be brief.")
    chat.dialog.get_by_role("spinbutton", name="Temperature").fill("0.2")
    chat.dialog.get_by_role("button", name="Save").click()
    expect(chat.dialog).to_have_count(0)
    chat.ask("Hello again")
    asked = script.chats[-1]
    assert asked["messages"][0] == {"role": "system", "content": "Be brief."}
    assert asked["options"]["temperature"] == 0.2


def test_what_is_typed_into_the_settings_stays_when_another_program_renames_the_session(
    serve: Serve, chat: ChatPage, agent: Agent
) -> None:
    session = agent.conversation("lisbon")
    session.send("Hello")
    session.configure(parameters={"temperature": 0.5})
    chat.open(serve().url + "/?session=lisbon")
    chat.choose_from_menu("Settings")
    temperature = chat.dialog.get_by_role("spinbutton", name="Temperature")
    expect(temperature).to_have_value("0.50")
    temperature.fill("0.9")
    chat.dialog.get_by_role("textbox", name="System prompt").fill("Be brief.")
    chat.dialog.get_by_role("textbox", name="Summary").fill("They go to Porto.")
    for title in ("To Porto", "To Faro"):
        session.rename(title)
        expect(chat.page.get_by_role("heading", name=title)).to_be_visible(timeout=8000)
    expect(chat.dialog.get_by_role("textbox", name="Summary")).to_have_value("They go to Porto.")
    expect(chat.dialog.get_by_role("textbox", name="System prompt")).to_have_value("Be brief.")
    expect(temperature).to_have_value(re.compile("0.90?"))
    chat.dialog.get_by_role("button", name="Save").click()
    expect(chat.dialog).to_have_count(0)
    found = session.session.settings
    assert (found["system_prompt"].text, found["summary"].text) == ("Be brief.", "They go to Porto.")
    assert found["parameters"] == {"temperature": 0.9}
