"""Markdown of a model: shown as it was written, fetching nothing, cut into blocks that don't change any more."""

import pytest

from ui.markdown import JOINER, Block, as_written, blocks


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("It costs $5 and $6.", r"It costs \$5 and \$6."),
        ("Let $x^2$ and $$y$$ be.", "Let $x^2$ and $$y$$ be."),
        (":red[not red] and :blue-badge[x]", r"\:red[not red] and \:blue-badge[x]"),
        (":smile: at 10:30:45", f":{JOINER}smile: at 10:30:45"),
        (":material/home:", f":{JOINER}material/home:"),
        ("a -> b -- c <= d", f"a -{JOINER}> b -{JOINER}- c <{JOINER}= d"),
        ("http://a.b/x--y->z", "http://a.b/x--y->z"),
        ("`$5 -> :smile:`", "`$5 -> :smile:`"),
        ("![alt](http://x/y.png)", "[Image: alt](http://x/y.png)"),
        ("`![alt](u)`", f"`!{JOINER}[alt](u)`"),
        ("| a |\n|:--|\n| $5 |\n", "| a |\n|:--|\n| \\$5 |\n"),
    ],
)
def test_what_streamlit_would_swallow_is_shown(written: str, shown: str) -> None:
    assert as_written(written) == shown


@pytest.mark.parametrize(
    "text",
    [
        "` lone\n\n![x](U) `",
        "\\`![x](U)\\`",
        "a $$ b\n\n![x](U)\n\nc $$ d",
        "a\u2028b\u2028![x](U)\n```\ncode\n```",
        "a\x0cb\x0c![x](U)\n```\ncode\n```",
        ":::note\n```\n:::\n![x](U)",
        "- a\n\n  ` x\n- ![x](U) `",
        "- x\n  ```\n  ![x](U)\n  ```",
        "![x][ref]\n\n[ref]: U",
        "\r![x](U)\r```\r![y](U)",
    ],
)
def test_nothing_that_could_be_an_image_reaches_the_browser_as_markdown(text: str) -> None:
    assert not [block for block in blocks(text) if "![" in block.text and not block.code]


def test_a_fence_is_shown_as_it_is_with_its_language() -> None:
    found = blocks("Look:\n\n```python\nprint('![a](b) $5 :smile:')\n```\nDone.")
    assert found[1] == Block("print('![a](b) $5 :smile:')", code=True, language="python")


@pytest.mark.parametrize("text", ["", "   \n", "[ref]: http://x"])
def test_text_without_blocks_is_shown_all_the_same(text: str) -> None:
    assert "".join(block.text for block in blocks(text)).strip() == text.strip()


def test_blocks_that_are_finished_do_not_change_while_the_text_grows() -> None:
    text = (
        "# Title\n\nOne paragraph\nof two lines.\n\n- a\n- b\n\n  c\n\n"
        "```\ncode\n\nmore\n```\n\n| a |\n|---|\n| 1 |\n\nEnd."
    )
    before: list[Block] = []
    for end in range(len(text) + 1):
        now = blocks(text[: text.rfind("\n", 0, end) + 1])
        assert now[: len(before) - 1] == before[:-1]
        before = now
    assert len(blocks(text)) == 6


@pytest.mark.parametrize(
    "source",
    [
        'flowchart LR\n a@{ img: "http://x/y.png" }',
        "flowchart LR\n a[<img src='//x/y.png'>]",
        "flowchart LR\n classDef x fill:URL(//x)",
        "flowchart LR\n a[#47;#47;x]",
        "%%{init: {'themeCSS': '@import x'}}%%\nflowchart LR",
        "---\nconfig: x\n---\nflowchart LR",
        'flowchart LR\n click a "javascript:x" href',
    ],
)
def test_a_diagram_that_could_fetch_something_is_shown_as_text(source: str) -> None:
    (block,) = blocks(f"```mermaid\n{source}\n```")
    assert block.code
    assert not block.is_diagram


def test_a_diagram_is_drawn_unless_it_stands_inside_of_something_else() -> None:
    (block,) = blocks("```mermaid\nflowchart LR\n a[Start] -->|yes| b{Is it?}\n```")
    assert block.is_diagram


@pytest.mark.parametrize("name", ["Mermaid", " mermaid x", "&#109;ermaid", "mermai&#100;", "mer\\maid"])
@pytest.mark.parametrize("before", ["- x\n\n  ", "> ", "1. ", "[^1]: ", "> - "])
def test_what_stands_inside_of_something_else_is_not_drawn(before: str, name: str) -> None:
    found = blocks(f"{before}```{name}\n{before if before == '> ' else '  '}flowchart LR\n")
    shown = "".join(block.text for block in found if not block.code).lower()
    assert "```text" in shown
    assert "maid" not in shown
