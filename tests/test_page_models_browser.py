"""The pages of models and templates in a real Chromium, as a person uses them."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from agent import Agent, Settings
from tests.browser import ChatPage, PageServer
from tests.ollama_server import Model, OllamaServer, Script

pytestmark = pytest.mark.browser

Serve = Callable[..., PageServer]


def go(chat: ChatPage, url: str, title: str) -> Page:
    chat.open(url)
    chat.page.get_by_role("link", name=title).click()
    expect(chat.page.get_by_role("heading", name=title, exact=True)).to_be_visible(timeout=10_000)
    return chat.page


def button(page: Page, name: str) -> Locator:
    return page.get_by_test_id("stMain").get_by_role("button", name=name, exact=True)


def shown(text: str) -> re.Pattern[str]:
    """A model's name may have a joiner in it, so that no part of it is taken for a picture's."""
    return re.compile(re.escape(text).replace("ollama:", "ollama:\u2060?"))


def choose(page: Page, name: str) -> None:
    page.get_by_test_id("stMain").get_by_role("radiogroup").locator("label").filter(has_text=shown(name)).click()
    expect(page.get_by_role("radio", name=shown(name))).to_be_checked()


def test_without_a_server_it_says_what_to_do_links_nowhere_and_looks_again(
    serve: Serve, chat: ChatPage, script: Script
) -> None:
    with OllamaServer() as gone:
        host = gone.url
    page = go(chat, serve(OLLAMA_HOST=host).url, "Models")
    main = page.get_by_test_id("stMain")
    expect(main.get_by_text("No Ollama server answers at")).to_be_visible()
    expect(main.get_by_text("ollama serve", exact=True)).to_be_visible()
    expect(main.get_by_role("link")).to_have_count(0)

    with OllamaServer(script, int(host.rpartition(":")[2])):
        button(page, "Look again").click()
        expect(page.get_by_role("radio", name=shown("ollama:llama3.2:3b"))).to_be_visible()
        expect(main.get_by_text("Ollama 0.13.0")).to_be_visible()
        expect(main.get_by_role("link")).to_have_count(0)


def test_a_model_is_got_cancelled_and_got_again_from_where_it_ended(
    serve: Serve, chat: ChatPage, ollama: OllamaServer, script: Script
) -> None:
    script.pullable, script.pull_pause, script.pull_step = {"mistral:7b": 4_000_000_000}, 0.1, 20_000_000
    page = go(chat, serve(OLLAMA_HOST=ollama.url).url, "Models")
    name = page.get_by_role("textbox", name="Name of the model")
    name.fill("mistral:7b")
    name.press("Enter")
    expect(page.get_by_role("progressbar")).to_be_visible()
    expect(page.get_by_text(re.compile(r"Getting mistral:7b: [\d.]+ [MG]B of \d\.\d GB"))).to_be_visible()

    button(page, "Cancel").click()
    expect(page.get_by_text("Getting mistral:7b was cancelled; what came is kept")).to_be_visible()
    expect(page.get_by_role("progressbar")).to_have_count(0)
    begun = script.downloaded["mistral:7b"]
    assert 0 < begun < 4_000_000_000

    script.pull_pause = 0.005
    button(page, "Get it").click()
    expect(page.get_by_role("radio", name=shown("ollama:mistral:7b"))).to_be_visible(timeout=15_000)
    expect(page.get_by_text("mistral:7b is here now.")).to_be_visible()


def test_a_model_is_loaded_unloaded_and_a_session_begins_with_it(
    serve: Serve, chat: ChatPage, ollama: OllamaServer, script: Script
) -> None:
    script.models["qwen3:8b"] = Model()
    script.loading = 1.5
    page = go(chat, serve(OLLAMA_HOST=ollama.url).url, "Models")
    choose(page, "ollama:qwen3:8b")
    button(page, "Load into memory").click()
    expect(page.get_by_text(shown("Loading ollama:qwen3:8b into memory"))).to_be_visible()
    choose(page, "echo")  # the page answers meanwhile
    expect(page.get_by_text(shown("ollama:qwen3:8b is in memory."))).to_be_visible(timeout=10_000)
    choose(page, "ollama:qwen3:8b")
    button(page, "Unload").click()
    expect(page.get_by_text(shown("ollama:qwen3:8b is out of memory."))).to_be_visible()
    expect(button(page, "Load into memory")).to_be_visible()

    script.loading = 0
    button(page, "Begin a session with it").click()
    expect(chat.box).to_be_visible()
    chat.ask("Hello")
    assert script.chats[-1]["model"] == "qwen3:8b"
    expect(page.get_by_role("combobox", name="Model")).to_have_value("ollama:qwen3:8b")


def test_a_template_is_made_edited_used_and_deleted(serve: Serve, chat: ChatPage, url: str) -> None:
    page = go(chat, serve().url, "Templates")
    button(page, "New template").click()
    page.get_by_role("textbox", name="Name").fill("Editor")
    page.get_by_role("textbox", name="Openings").fill("Where to?\nHow far?")
    page.get_by_role("spinbutton", name="Temperature").fill("0.5")
    button(page, "Save").click()
    expect(page.get_by_text("There is a template “Editor” already")).to_be_visible()
    expect(page.get_by_role("textbox", name="Openings")).to_have_value("Where to?\nHow far?")
    page.get_by_role("textbox", name="Name").fill("Travel")
    button(page, "Save").click()
    expect(page.get_by_text("temperature 0.5, 2 openings")).to_be_visible()

    button(page, "Edit").click()
    page.get_by_role("textbox", name="System prompt").fill("You know every train.")
    page.get_by_role("spinbutton", name="Temperature").fill("")
    button(page, "Save").click()
    expect(page.get_by_text("a system prompt, 2 openings").last).to_be_visible()
    expect(page.get_by_role("radio", name="Travel")).to_be_checked()

    button(page, "Begin a session").click()
    chat.ask("Hello")
    with Agent(Settings.read(_env_file=None, database_url=url)) as agent:
        begun = agent.current()
        assert begun is not None
        assert begun.settings["template"] == "Travel"
        assert begun.settings["system_prompt"].text == "You know every train."

    page.get_by_role("link", name="Templates").click()
    choose(page, "Travel")
    button(page, "Delete").click()
    expect(chat.dialog).to_contain_text("Travel will be deleted for good")
    chat.dialog.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("radio", name="Travel")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_pages_fit_a_phone(
    serve: Serve, browser: Browser, ollama: OllamaServer, script: Script, scheme: str
) -> None:
    script.models["hf.co/somebody/a-model-with-a-very-long-name-indeed-GGUF:Q4_K_M"] = Model()
    server = serve(OLLAMA_HOST=ollama.url)
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    for title, click in (("models", "echo"), ("templates", "")):
        page.goto(f"{server.url}/{title}")
        expect(page.get_by_role("heading", name=title.capitalize(), exact=True)).to_be_visible(timeout=20_000)
        if click:
            choose(page, click)
        else:
            button(page, "New template").click()
            expect(button(page, "Save")).to_be_visible()
        widths = page.evaluate(
            "() => { const main = document.querySelector('[data-testid=stMain]');"
            " return [main.scrollWidth, document.documentElement.scrollWidth] }"
        )
        assert max(widths) <= 390
    context.close()
