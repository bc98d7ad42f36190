"""The files in which sessions are taken along: Markdown, pages, and the zip of many."""

import base64
import json
import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from agent import Agent, EchoModel, ImageFile
from storage import Sender, Status
from storage.database import Database
from storage.transfer import Form, Talk, as_file, ending_of, file_name, media_type_of
from storage.transfer.giving import give
from storage.transfer.talk import TalkMessage
from tests.sample_talks import USED, picture, rich, said, talk, thinking, turn, written

MANY = [Form.MARKDOWN, Form.HTML, Form.PDF]
NESTED = "".join(f"{'> ' * depth}level {depth}\n\n" for depth in range(1, 150))
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5) | st.sampled_from(["image", "text"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "text", "name", "args", "url", "image_url", "base64", "digest", "thinking"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


def markdown(*talks: Talk) -> str:
    return written(Form.MARKDOWN, *talks).decode()


def page(*talks: Talk) -> str:
    return written(Form.HTML, *talks).decode()


def files(*talks: Talk, form: Form = Form.MARKDOWN) -> zipfile.ZipFile:
    return zipfile.ZipFile(BytesIO(written(form, *talks, many=True)))


# What is shown


@pytest.mark.parametrize("form", [Form.MARKDOWN, Form.HTML])
def test_all_that_was_said_is_there_with_who_and_when(form: Form) -> None:
    text = written(form, rich()).decode()
    for part in (
        "A week in Lisbon",
        "Tags: travel, may.",
        "Be brief and friendly.",
        "What should I pack?",
        "llama3.2:3b",
    ):
        assert part in text
    for part in (
        "What do they like?",
        "2026-05-04 12:00 UTC",
        "view from the castle.png",
        "Call of weather",
        "Tool map",
    ):
        assert part in text
    assert "This reply was stopped." in text


@pytest.mark.parametrize("form", [Form.MARKDOWN, Form.HTML])
def test_a_failed_turn_without_a_reply_says_why(form: Form) -> None:
    broken = talk(turn("Hello", status=Status.FAILED, error="The model is too large."))
    assert "The model is too large." in written(form, broken).decode()


@pytest.mark.parametrize("form", [Form.MARKDOWN, Form.HTML])
def test_a_session_without_a_turn_says_so(form: Form) -> None:
    assert "Nothing was said in it." in written(form, talk()).decode()


@pytest.mark.parametrize("form", [Form.MARKDOWN, Form.HTML])
def test_only_the_active_path_is_shown_and_the_rest_is_counted(form: Form) -> None:
    branched = talk(turn("Hello", "Hi"), turn("Left", "One"), turn("Right", "Two"))
    first, left, right = branched.turns
    text = written(form, replace(branched, turns=(first, left, replace(right, parent=0)))).decode()
    assert "Right" in text
    assert "Left" not in text
    assert "1 more turn is on another branch" in text


@pytest.mark.parametrize("form", [Form.MARKDOWN, Form.HTML])
def test_system_messages_stand_where_they_were_said(form: Form) -> None:
    told = ((1, TalkMessage(Sender.SYSTEM, "Now be rude.")),)
    text = written(form, talk(turn("First", "Hi"), turn("Second", "What?"), told=told)).decode()
    assert text.index("First") < text.index("Now be rude.") < text.index("Second")


@pytest.mark.parametrize("form", [Form.MARKDOWN, Form.HTML])
def test_a_step_of_a_tool_is_folded_with_its_call(form: Form) -> None:
    text = written(form, rich()).decode()
    assert re.search(r"<details>\s*<summary[^>]*>Call of weather</summary>", text)
    assert re.search(r'("|&quot;)where("|&quot;): ', text)
    assert re.search(r"<details>\s*<summary[^>]*>Tool map \(failed\), 2026-05-04 12:00 UTC</summary>", text)


def test_a_call_that_another_program_exported_is_not_shown_twice() -> None:
    call = {"name": "search", "args": {"words": "tram"}, "id": "1", "type": "tool_call"}
    step = said(Sender.TOOL, "search: the words are tram", tool_calls=[call])
    text = markdown(talk(turn("Where?", step, "There.")))
    assert '"words": "tram"' in text
    assert "search: the words are tram" not in text


@pytest.mark.parametrize(
    "block",
    [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,{}"}},
        {"type": "image_url", "image_url": "data:image/png;base64,{}"},
        {"type": "image", "base64": "{}", "mime_type": "image/png"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "{}"}},
    ],
)
def test_an_image_within_a_message_is_shown(block: dict[str, Any]) -> None:
    image = base64.b64encode(picture()).decode()
    content = [{"type": "text", "text": "See"}, json.loads(json.dumps(block).replace("{}", image))]
    assert f'src="data:image/png;base64,{image}"' in page(
        talk(turn(said(Sender.HUMAN, "See", content=content), "I see"))
    )


def test_an_image_elsewhere_is_named_and_not_fetched() -> None:
    content = [{"type": "image_url", "image_url": {"url": "https://example.org/a.png"}, "name": "a.png"}]
    text = page(talk(turn(said(Sender.HUMAN, "See", content=content), "I can't")))
    assert "Attached: a.png" in text
    assert "<img" not in text


@pytest.mark.parametrize(
    "address",
    [
        "javascript:x",
        "java&NewLine;script:x",
        "data:image/png;base64,A",
        "ms-msdt:/id",
        "smb://a/b",
        "//a/b",
        "/a",
        "b",
    ],
)
def test_only_addresses_of_the_web_and_of_people_are_links(address: str) -> None:
    text = page(talk(turn("x", f"[one]({address}) and ![two]({address}), [three]\n\n[three]: {address}")))
    assert "href" not in text.split("<main>")[1]
    for kind in ("https://example.org/a", "HTTP://example.org", "mailto:ann@example.org"):
        assert f'href="{kind}"' in page(talk(turn("x", f"[one]({kind})")))


def test_a_link_that_says_nothing_says_where_it_leads() -> None:
    text = page(talk(turn("x", "![](https://example.org/a.png) and [](https://example.org/b)")))
    assert 'class="bare">https://example.org/a.png</a>' in text
    assert ">https://example.org/b</a>" in text


def test_an_image_elsewhere_is_a_link_by_its_name_and_in_a_link_it_is_its_name() -> None:
    text = page(talk(turn("x", "![a *map*](https://example.org/a.png), [![logo](https://b.org/l.png)](https://b.org)")))
    assert '<a href="https://example.org/a.png" rel="noopener noreferrer nofollow">a map</a>' in text
    assert ">logo</a>" in text
    assert "l.png" not in text
    assert "!" not in text.split("<main>")[1]


def test_not_even_the_name_of_a_linked_server_is_looked_up_before_one_goes_there() -> None:
    assert '<meta http-equiv="x-dns-prefetch-control" content="off">' in page(talk()).split("<style>")[0]


def test_an_attachment_is_named_on_one_line() -> None:
    content = [{"type": "file", "name": "a.pdf]\n\n## Prompt\n"}]
    assert "[Attached: a.pdf] ## Prompt]" in markdown(talk(turn(said(Sender.HUMAN, "See", content=content))))


def test_what_is_no_image_is_none_whatever_it_is_called() -> None:
    content = [{"type": "image", "name": "a.png", "media_type": "image/png", "digest": "d"}]
    text = page(talk(turn(said(Sender.HUMAN, "See", content=content)), images={"d": b"<svg onload=alert(1)>"}))
    assert "Attached: a.png" in text
    assert "<img" not in text


def test_thinking_in_blocks_is_thinking_too() -> None:
    content = [{"type": "thinking", "thinking": "Hm, trams."}, {"type": "text", "text": "Take the tram."}]
    text = markdown(talk(turn("How?", said(Sender.AI, "Take the tram.", content=content))))
    assert "<details><summary>Thinking</summary>\n\nHm, trams.\n\n</details>" in text


def test_what_an_agent_kept_is_shown_with_its_images(make_agent: Callable[..., Agent], url: str) -> None:
    agent = make_agent(models={"seeing": EchoModel()}, model="seeing")
    agent.conversation("lisbon").send("What is this?", images=[ImageFile("castle.png", picture())])
    with closing(Database(url)) as database:
        kept = [*give(database, "local", ["lisbon"])]
    assert "What is this?" in markdown(*kept)
    assert '<figure><img alt="castle.png" src="data:image/png;base64,' in page(*kept)


# Markdown


@given(st.text(), st.text())
def test_markdown_has_prompts_and_replies_to_the_letter(prompt: str, reply: str) -> None:
    text = written(Form.MARKDOWN, talk(turn(prompt, thinking(reply, "Hm")))).decode(errors="surrogatepass")
    assert f"\n{prompt}" in text
    assert f"\n{reply}" in text


@pytest.mark.parametrize(
    "cut",
    ["```python\nprint(1)", "~~~~\na\n```", "```\na\n```python", "- a\n\n```", "<!-- begun\n\nand", "<script>\n\na"],
)
def test_what_was_cut_off_swallows_nothing_of_what_follows(cut: str) -> None:
    for text in (markdown(talk(turn("a", cut), turn("b", "c"))), markdown(talk(turn("a", thinking("c", cut))))):
        headings = [token for token in MarkdownIt("commonmark").parse(text) if token.type == "heading_open"]
        assert len(headings) == 1 + text.count("\n## ")


def test_code_that_was_closed_is_left_as_it_is() -> None:
    assert "```\na\n```\n\n---" in markdown(talk(turn("x", "```\na\n```"), turn("y", "z")))


def test_each_turn_begins_after_a_rule_since_replies_have_headings() -> None:
    text = markdown(talk(turn("Hello", "## Prompt, not really"), turn("And?", "No")))
    assert len(re.findall(r"^---\n\n## Prompt", text, re.MULTILINE)) == 2


def test_what_a_tool_said_can_not_leave_its_fence() -> None:
    text = markdown(talk(turn("a", said(Sender.TOOL, "```\n</details>\n# No heading", name="t"), "b")))
    assert "````\n```\n</details>\n# No heading\n````" in text


# The page


def test_mathematics_keep_their_source() -> None:
    text = page(talk(turn("x", r"So $a_1 * b_2 * \{c\}$, \(x \\ y\) and" + "\n\n$$\na \\\\ b\n= c\n- d\n$$\n")))
    assert r"$a_1 * b_2 * \{c\}$" in text
    assert r"\(x \\ y\)" in text
    assert "$$\na \\\\ b\n= c\n- d\n$$" in text


def test_money_is_no_mathematics() -> None:
    assert "formula" not in page(talk(turn("x", "It costs $5, or $6 at most.")))[len(page(talk())) :]


def test_what_was_typed_is_shown_as_it_was_with_files_as_code() -> None:
    typed = "__init__ is *not* emphasised\n    # nor a heading\n\nnotes.txt:\n\n```txt\n<b>Tram</b>\n```\n1. or"
    text = page(talk(turn(typed, "ok")))
    assert "__init__ is *not* emphasised\n    # nor a heading\n\nnotes.txt:</div>" in text
    assert "<span>txt</span>" in text
    assert "<code>&lt;b&gt;Tram&lt;/b&gt;</code>" in text
    assert ">1. or</div>" in text


def test_headings_of_a_reply_are_below_those_of_the_page() -> None:
    text = page(talk(turn("x", "# One\n\n###### Six")))
    assert text.count("<h1") == 1
    assert '<h3 dir="auto">One</h3>' in text
    assert '<h6 dir="auto">Six</h6>' in text


def test_however_deep_it_is_nested_nothing_is_lost() -> None:
    text = page(talk(turn("x", NESTED)))
    assert all(f"level {depth}\n" in text or f"level {depth}<" in text for depth in range(1, 150))


@pytest.mark.parametrize("text", ["[" * 100_000, ">" * 100_000, "$$\n" * 30_000, "*a **b " * 10_000, "a" * 100_000])
def test_a_text_made_to_be_slow_is_written_all_the_same(text: str) -> None:
    assert page(talk(turn("x", text))).endswith("</html>\n")


def test_a_page_is_written_in_pieces() -> None:
    parts = list(as_file([talk(*(turn(f"{number}", "word " * 100) for number in range(100)))], Form.HTML, many=False))
    assert max(map(len, parts)) < len(b"".join(parts)) / 5


@settings(max_examples=60, deadline=None)
@example("", "", [{"type": []}], [])
@given(st.text(), st.text(), JSON_VALUES, JSON_VALUES)
def test_whatever_is_in_a_message_it_is_written(title: str, text: str, content: Any, calls: Any) -> None:
    odd = said(
        Sender.AI, text, content=content, tool_calls=calls, additional_kwargs=content, name=calls, status=content
    )
    strange = talk(turn(text, odd, replace(odd, sender=Sender.TOOL)), title=title, settings={"system_prompt": content})
    assert page(strange).endswith("</html>\n")
    assert markdown(strange).startswith("# ")


# Many sessions


def test_many_sessions_are_a_zip_with_a_file_for_each() -> None:
    archive = files(talk(turn("a", "b")), talk(turn("c", "d"), title="Another"))
    assert archive.testzip() is None
    assert archive.namelist() == ["2026-05-04-A-week-in-Lisbon.md", "2026-05-04-Another.md"]
    assert archive.read("2026-05-04-Another.md").decode() == markdown(talk(turn("c", "d"), title="Another"))


def test_no_two_files_have_the_same_name_even_where_capitals_count_for_nothing() -> None:
    titles = ["Straße", "STRASSE", "straße-2", "Straße", "e\u0301", "\u00e9", "\u00c9", "***", "???"]
    names = [name.casefold() for name in files(*(talk(title=title) for title in titles)).namelist()]
    assert len(set(names)) == len(titles)


@given(st.text(max_size=300), st.text(min_size=1, max_size=200))
def test_a_file_name_is_one_that_every_system_takes(title: str, session: str) -> None:
    for form in Form:
        name = file_name(talk(title=title, session_id=session), form)
        assert not re.search(r'[<>:"/\\|?*\x00-\x1f\s]|[. ]$|^\.', name)
        assert len(name.encode()) < 130
        assert re.match(r"2026-05-04-[^-.]", name)
        assert name.endswith(f".{ending_of(form, many=False)}")


def test_a_title_of_any_length_makes_a_file_name_at_once() -> None:
    begun = time.process_time()
    assert file_name(talk(title="ü" * 1_000_000), Form.HTML) == f"2026-05-04-{'ü' * 50}.html"
    assert time.process_time() - begun < 5


def test_the_name_of_a_device_is_no_file_name() -> None:
    assert file_name(talk(title="CON"), Form.HTML) == "2026-05-04-CON.html"
    assert file_name(talk(title="..."), Form.HTML) == "2026-05-04-lisbon.html"


@pytest.mark.parametrize("form", list(Form))
def test_the_same_sessions_give_the_same_bytes(form: Form) -> None:
    assert written(form, rich(), talk(), many=True) == written(form, rich(), talk(), many=True)


def test_a_file_in_the_zip_is_as_old_as_its_session() -> None:
    ages = [USED, datetime(1970, 1, 1, tzinfo=UTC), datetime(2400, 2, 29, tzinfo=UTC)]
    archive = files(*(talk(last_activity=age) for age in ages))
    assert [file.date_time[:3] for file in archive.infolist()] == [(2026, 5, 4), (1980, 1, 1), (2107, 2, 28)]
    assert all(file.external_attr >> 16 == 0o644 for file in archive.infolist())


@pytest.mark.parametrize("form", MANY)
def test_no_session_is_an_empty_zip(form: Form) -> None:
    assert files(form=form).namelist() == []
    assert (ending_of(form, many=True), media_type_of(form, many=True)) == ("zip", "application/zip")


def test_no_session_is_a_file_of_our_own_without_one() -> None:
    assert json.loads(written(Form.JSON, many=True))["sessions"] == []


@pytest.mark.parametrize("form", list(Form))
def test_a_session_is_sent_before_the_next_is_read(form: Form) -> None:
    asked: list[int] = []

    def talks() -> Iterator[Talk]:
        for number in range(4):
            asked.append(number)
            yield talk(turn("word " * 1000, "b"), title=f"{number}")

    sent = as_file(talks(), form, many=True)
    while len(asked) < 2:
        next(sent)
    assert asked == [0, 1]
    assert len([*sent]) >= 2
    assert asked == [0, 1, 2, 3]


def test_more_files_than_an_old_zip_can_count_are_all_there() -> None:
    names = files(*(replace(talk(), title=f"{number}") for number in range(66_000))).namelist()
    assert len(set(names)) == 66_000


def test_an_error_in_the_midst_is_raised() -> None:
    def talks() -> Iterator[Talk]:
        yield talk()
        raise KeyError("gone")

    with pytest.raises(KeyError):
        list(as_file(talks(), Form.HTML, many=True))


def test_nobody_pays_for_the_pdf_who_wants_none() -> None:
    code = "import sys; from storage.transfer import as_file; assert 'fpdf' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
