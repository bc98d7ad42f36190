"""A session's page in a real Chromium: nothing in it runs or fetches, and it is read on any screen and on paper."""

from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from pypdf import PdfReader

from storage import Sender, Status
from storage.transfer import Form, Talk
from tests.sample_talks import picture, rich, said, talk, turn, written

pytestmark = pytest.mark.browser

HOSTILE = (
    "<script>alert(1)</script><img src=http://127.0.0.1:9/x onerror=alert(2)>\"'><svg onload=alert(3)>"
    "</title></style></textarea></summary></details></pre></main><iframe src=//127.0.0.1:9></iframe>"
)
MARKED = (
    "![x](http://127.0.0.1:9/a.png) [x](javascript:alert(4)) <javascript:alert(5)> [x](data:text/html,<script>alert(6)"
    "</script>)\n\n[x]: javascript:alert(7)\n\n[x]\n\n`<b>`\n\n<img src=http://127.0.0.1:9/b>\n\n"
    '```"><script>alert(8)</script>\n</code></pre><script>alert(9)</script>\n```\n\n'
    "| <img src=//127.0.0.1:9> |\n|---|\n\n$<script>alert(10)</script>$\n\n$$\n</pre><script>alert(11)</script>\n$$\n"
)
SIZES = {"desktop": (1280, 900), "phone": (360, 740)}


def hostile() -> Talk:
    """Every field tries to get out of its place."""
    text = f"{HOSTILE}\n\n{MARKED}"
    attached = {"type": "image", "name": HOSTILE, "media_type": f"image/png{HOSTILE}", "digest": "d", "size": 1}
    call = {"name": HOSTILE, "args": {HOSTILE: HOSTILE}, "id": HOSTILE}
    messages = (
        said(Sender.HUMAN, text, content=[attached, {**attached, "digest": "gone"}]),
        said(Sender.AI, text, tool_calls=[call], additional_kwargs={"reasoning_content": text}),
        said(Sender.TOOL, text, name=HOSTILE, status="error"),
        said(Sender.SYSTEM, text),
    )
    bad = turn(*messages, model=HOSTILE, status=Status.FAILED, error=HOSTILE)
    told = {"system_prompt": {"text": text, "version": 1}}
    return talk(bad, title=HOSTILE, tags=(HOSTILE,), settings=told, images={"d": picture()})


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """Opens the page of a session."""
    contexts = []

    def open_page(shown: Talk, size: str = "desktop", look: str = "light") -> Page:
        file = tmp_path / "session.html"
        file.write_bytes(written(Form.HTML, shown))
        width, height = SIZES[size]
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=look)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.goto(file.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()


def test_nothing_in_a_session_runs_or_fetches(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "session.html"
    file.write_bytes(written(Form.HTML, hostile()))
    asked: list[str] = []
    with browser.new_context() as context:
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("dialog", lambda dialog: asked.append(f"a dialog: {dialog.message}"))
        page.on("console", lambda said: asked.append(f"the console: {said.text}"))
        page.goto(file.as_uri())
        for folded in page.locator("summary").all():
            folded.click()
        for link in page.locator("a").all():
            assert str(link.get_attribute("href")).startswith(("http://", "https://", "mailto:"))
        page.wait_for_timeout(300)
        assert [address for address in asked if not address.startswith("data:image/png;base64,")] == [file.as_uri()]
        assert page.locator("script, iframe, svg, object, link, base, form").count() == 0
        assert page.locator("img").count() == 1
        assert page.title().startswith("<script>alert(1)</script>")


def test_all_that_hostile_text_says_is_readable(show: Callable[..., Page]) -> None:
    page = show(hostile())
    for folded in page.locator("summary").all():
        folded.click()
    shown = page.locator("main").inner_text()
    assert shown.count("<script>alert(1)</script>") >= 8
    assert shown.count("</code></pre><script>alert(9)</script>") >= 3
    assert "$<script>alert(10)</script>$" in shown


@pytest.mark.parametrize("size", list(SIZES))
def test_it_fits_any_screen(show: Callable[..., Page], size: str) -> None:
    page = show(rich(), size)
    for folded in page.locator("summary").all():
        folded.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0]


def test_thinking_and_steps_of_tools_are_folded_until_one_asks_for_them(show: Callable[..., Page]) -> None:
    page = show(rich())
    thought = page.get_by_text("What do they like?")
    expect(thought).to_be_hidden()
    page.get_by_text("Thinking", exact=True).click()
    expect(thought).to_be_visible()
    expect(page.get_by_text('"sky": "clear"')).to_be_hidden()


@pytest.mark.parametrize("look", ["light", "dark"])
def test_on_paper_nothing_is_folded_or_cut_off(show: Callable[..., Page], look: str) -> None:
    page = show(rich(), look=look)
    reader = PdfReader(BytesIO(page.pdf(format="A4")))
    found = " ".join(" ".join(sheet.extract_text() for sheet in reader.pages).split())
    assert "What do they like?" in found
    assert '"sky": "clear"' in found
    assert "neither the first nor the last left out." in found
    assert "the forecast (https://example.org/weather)" in found
    assert float(reader.pages[0].mediabox.width) == pytest.approx(595, abs=2)


def test_what_is_read_from_right_to_left_runs_so(show: Callable[..., Page]) -> None:
    page = show(talk(turn("مرحبا", "سلام\n\nHello\n\n- שלום\n\n```\nx = 1\n```\n\n# أولاً")))
    ways = {
        name: page.locator(name).first.evaluate("element => getComputedStyle(element).direction")
        for name in (".typed", "section.ai p", "section.ai ul", "pre", "h3")
    }
    assert ways == {".typed": "rtl", "section.ai p": "rtl", "section.ai ul": "rtl", "pre": "ltr", "h3": "rtl"}
    assert page.get_by_text("Hello").evaluate("element => getComputedStyle(element).direction") == "ltr"


def test_code_is_shown_to_the_letter(show: Callable[..., Page]) -> None:
    code = "\n\n  if a < b && c:\n\tprint('&amp;')\n\n"
    page = show(talk(turn("x", f"```py\n{code}```")))
    assert page.locator("pre code").evaluate("element => element.textContent") == code.removesuffix("\n")


@pytest.mark.parametrize("look", ["light", "dark"])
def test_it_is_accessible(show: Callable[..., Page], look: str) -> None:
    page = show(rich(), look=look)
    for folded in page.locator("summary").all():
        folded.click()
    found = Axe().run(page).response["violations"]
    assert [(rule["id"], rule["nodes"][0]["html"]) for rule in found] == []
