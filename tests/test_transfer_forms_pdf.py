"""Sessions as PDFs."""

import os
import subprocess
import sys
import zipfile
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader
from pypdf.generic import Destination

from storage import Sender, Status
from storage.transfer import Form, Talk, file_name
from tests.fonts import ASCII, break_letters, make_font
from tests.sample_talks import USED, picture, rich, said, talk, thinking, turn, written

SYSTEM_FONTS = [Path("/System/Library/Fonts"), Path("/Library/Fonts")]


def pdf(*turns: Any, **more: Any) -> PdfReader:
    """What a session of these turns becomes."""
    return read(talk(*turns, **more))


def read(shown: Talk) -> PdfReader:
    return PdfReader(BytesIO(written(Form.PDF, shown)), strict=True)


def text(reader: PdfReader) -> str:
    return "\n".join(page.extract_text() for page in reader.pages)


def letters(reader: PdfReader) -> str:
    """The text without spaces: where a long word is cut nobody knows."""
    return "".join(text(reader).split())


def names_of_fonts(reader: PdfReader) -> set[str]:
    """The last part of each, since what comes before it only numbers those of the file."""
    found: list[Any] = [page["/Resources"].get_object() for page in reader.pages]
    fonts_ = (font.get_object() for resources in found for font in resources["/Font"].get_object().values())
    return {str(font["/BaseFont"]).lstrip("/").rpartition("+")[2] for font in fonts_}


@pytest.fixture
def fonts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the only fonts that there are, which is empty."""
    if any(folder.exists() for folder in SYSTEM_FONTS):
        pytest.skip("This system always has fonts.")
    for name in ("HOME", "XDG_DATA_HOME", "XDG_DATA_DIRS", "WINDIR", "LOCALAPPDATA", "PATH"):
        monkeypatch.setenv(name, str(tmp_path / name))
    return tmp_path / "XDG_DATA_HOME" / "fonts"


# What is in it


def test_all_that_was_said_is_there_with_who_and_when() -> None:
    found = text(read(rich()))
    for part in (
        "A week in Lisbon",
        "Tags: travel, may.",
        "Be brief and friendly.",
        "What should I pack?",
        "notes.txt:",
    ):
        assert part in found
    for part in (
        "Reply by llama3.2:3b",
        "2026-05-04 12:00 UTC",
        "Thinking",
        "What do they like?",
        "Packing for Lisbon",
    ):
        assert part in found
    for part in ("a light jacket", "2. of cotton", "polished stone", "Belém tower", "from datetime import date"):
        assert part in found
    for part in ("Call of weather", "Tool map (failed)", "view from the castle.png", "This reply was stopped."):
        assert part in found


def test_a_session_without_a_turn_says_so() -> None:
    assert "Nothing was said in it." in text(pdf())


def test_it_says_what_it_is_and_when_it_was_made() -> None:
    about = pdf(turn("Hello", "Hi"), title="Lisbon, 里斯本").metadata
    assert about is not None
    assert (about.title, about.creator) == ("Lisbon, 里斯本", "Windowseat")
    assert about.creation_date == USED


def test_every_page_has_its_number() -> None:
    reader = pdf(turn("Hello", "word " * 3000))
    assert len(reader.pages) > 3
    for number, page in enumerate(reader.pages, start=1):
        assert f"\n{number}" in f"\n{page.extract_text()}"


def test_one_finds_a_prompt_in_its_table_of_contents() -> None:
    marks = pdf(turn("First\nof all", "Hi"), turn("Then (the other)", "word " * 1000), turn("x" * 100, "Bye")).outline
    assert [mark.title for mark in marks if isinstance(mark, Destination)] == [
        "First of all",
        "Then (the other)",
        "x" * 60,
    ]


def test_images_are_in_it() -> None:
    assert [len(page.images) for page in read(rich()).pages if page.images] == [1]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_an_image_of_each_kind_is_in_it(kind: str) -> None:
    block = {"type": "image", "name": "a", "media_type": "image/png", "digest": "d"}
    reader = pdf(turn(said(Sender.HUMAN, "See", content=[block])), images={"d": picture(kind)})
    assert len(reader.pages[0].images) == 1


def test_a_broken_image_is_named() -> None:
    block = {"type": "image", "name": "broken.png", "media_type": "image/png", "digest": "d"}
    reader = pdf(turn(said(Sender.HUMAN, "See", content=[block]), "ok"), images={"d": picture()[:60]})
    assert "broken.png can't be shown" in text(reader)


def test_only_addresses_of_pages_and_people_are_links() -> None:
    reply = "[a](https://a.example/x) [b](mailto:b@b.example) [c](file:///etc/passwd) [d](/d) <https://e.example>"
    found = [note.get_object()["/A"]["/URI"] for note in pdf(turn("x", reply)).pages[0].annotations or ()]
    assert found == ["https://a.example/x", "mailto:b@b.example", "https://e.example"]


def test_an_image_elsewhere_is_a_link_that_is_seen() -> None:
    assert "https://example.org/a.png" in text(pdf(turn("x", "![](https://example.org/a.png)")))


def test_a_line_of_code_is_broken_and_not_cut_off() -> None:
    line = "".join(f"name_{number}=" for number in range(100))
    assert line in letters(pdf(turn("x", f"```python\n{line}\n```")))


def test_the_rows_of_a_table_go_on_below_its_head_on_the_next_page() -> None:
    rows = "".join(f"| row {number} | value |\n" for number in range(100))
    pages = [page.extract_text() for page in pdf(turn("x", f"| Name | Value |\n|---|---|\n{rows}")).pages]
    assert len(pages) > 2
    assert all(page.count("Name") == 1 for page in pages)
    assert all(f"row {number}" in "".join(pages) for number in range(100))


def test_a_table_with_too_many_columns_is_shown_row_by_row() -> None:
    row = "|".join(f"value {number}" for number in range(40))
    head = "|".join(f"column {number}" for number in range(40))
    found = text(pdf(turn("x", f"|{head}|\n{'|-' * 40}|\n|{row}|\n")))
    assert all(f"column {number}: value {number}" in found for number in range(40))


def test_a_cell_higher_than_a_page_is_all_there() -> None:
    words = " ".join(f"word{number}" for number in range(4000))
    assert letters(pdf(turn("x", f"| a | b |\n|---|---|\n| {words} | c |\n"))).count("word") == 4000


def test_however_deep_it_is_nested_nothing_is_lost() -> None:
    nested = "".join(f"{'> ' * depth}level{depth}.\n\n" for depth in range(1, 150))
    found = letters(pdf(turn("x", nested)))
    assert all(f"level{depth}." in found for depth in range(1, 150))


def test_a_line_without_a_space_is_all_there() -> None:
    assert letters(pdf(turn("n", "x" * 100_000))).count("x") == 100_000


def test_what_looks_like_a_placeholder_of_the_library_is_text() -> None:
    found = text(pdf(turn("{nb} **a** __b__", "Shaped: {nb} a\u0301")))
    assert "{nb} **a** __b__" in found
    assert "Shaped: {nb} " in found


def test_a_control_is_shown_by_its_sign_and_ends_nothing() -> None:
    assert "a)b\\c Tj ET endstream" in text(pdf(turn("a)b\\c Tj ET endstream\x00\x1b[31m", "ok")))


# How it is written


def test_the_same_session_gives_the_same_bytes_in_another_process() -> None:
    code = (
        "from hashlib import sha256; from storage.transfer import Form; from tests.sample_talks import rich, written; "
        "print(sha256(written(Form.PDF, rich())).hexdigest())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "1", "TZ": "Asia/Tokyo"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == sha256(written(Form.PDF, rich())).hexdigest()


def test_many_sessions_are_a_zip_with_a_pdf_for_each() -> None:
    archive = zipfile.ZipFile(BytesIO(written(Form.PDF, talk(turn("a", "b")), talk(turn("c", "d")), many=True)))
    assert archive.namelist() == ["2026-05-04-A-week-in-Lisbon.pdf", "2026-05-04-A-week-in-Lisbon-2.pdf"]
    assert all(archive.read(name).startswith(b"%PDF") for name in archive.namelist())
    assert file_name(talk(), Form.PDF) == archive.namelist()[0]


# Fonts


def test_letters_without_a_font_are_named_at_its_beginning(fonts: Path) -> None:
    strange = talk(turn("नमस्ते", "สวัสดี 🚀 → ﷽ Olá, \u201cso\u201d \u20ac5"))
    found = " ".join(text(read(strange)).split())
    said_so = found.index("has no font for Arabic, Devanagari, Thai, emoji and U+2192 rightwards arrow")
    assert said_so < found.index("Prompt")
    assert "The HTML page of this session shows them." in found
    assert "Olá, \u201cso\u201d \u20ac5" in found
    assert "??????" in found


def test_where_no_letter_is_missing_nothing_is_said(fonts: Path) -> None:
    assert "has no font for" not in text(pdf(turn("Hello", "Olá\u200d\ufe0f")))


def test_a_font_that_somebody_adds_is_used_at_once(fonts: Path) -> None:
    session = talk(turn("Hello नम", "**नम** `नम` ok"))
    assert "has no font for Devanagari" in text(read(session))
    make_font(fonts / "deep" / "Test-Regular.ttf", "Test", f"{ASCII}नम")
    found = text(read(session))
    assert "has no font for" not in found
    assert found.count("नम") == 3


def test_a_font_without_latin_letters_serves_for_its_own(fonts: Path) -> None:
    make_font(fonts / "NotoSansNko.ttf", "Noto Sans NKo", "\u07ca\u07cb")
    found = pdf(turn("Hello \u07ca\u07cb", "Hi"))
    assert "Hello" in text(found)
    assert {"Helvetica", "NotoSansNKo"} <= names_of_fonts(found)


def test_a_broken_font_file_is_left_out(fonts: Path) -> None:
    fonts.mkdir(parents=True)
    (fonts / "DejaVuSans.ttf").write_bytes(b"\0\1\0\0 no font")
    (fonts / "NotoSans-Regular.otf").write_bytes(b"")
    assert "Hello" in text(pdf(turn("Hello", "Hi")))


def test_a_font_whose_letters_are_broken_is_done_without(fonts: Path) -> None:
    make_font(fonts / "Arial.ttf", "Arial", ASCII)
    break_letters(fonts / "Arial.ttf")
    found = pdf(turn("Hello", "Hi"))
    assert "Hello" in text(found)
    assert "Arial" not in names_of_fonts(found)


def test_an_empty_box_stands_for_a_letter_where_there_is_one(fonts: Path) -> None:
    make_font(fonts / "Arial.ttf", "Arial", f"{ASCII}\u25a1")
    found = text(pdf(turn("a नम b", "Hi")))
    assert "a \u25a1\u25a1 b" in found
    assert "empty boxes stand for them" in found


def test_arabic_is_joined_and_runs_to_the_left() -> None:
    session = talk(turn("x", "سلام (abc) 12"))
    if "has no font for" in text(read(session)):
        pytest.skip("This machine has no font for Arabic.")
    places: dict[str, float] = {}

    def visit(part: str, _: Any, at: list[float], *__: Any) -> None:
        if part.strip():
            places[part.strip()] = at[4]

    read(session).pages[0].extract_text(visitor_text=visit)
    latin = next(place for part, place in places.items() if "abc" in part)
    arabic = next(place for part, place in places.items() if any("\u0600" <= letter <= "\ufeff" for letter in part))
    assert latin < arabic


# Whatever is in it


@settings(max_examples=30, deadline=None)
@given(st.text(), st.text(), st.text(alphabet="#*_`>|-+[]()!$~\\ \n\t1.ab\u0627\u05d0\u0301\u200d\ufe0f"))
def test_whatever_is_said_it_is_written(title: str, prompt: str, reply: str) -> None:
    strange = talk(turn(prompt, thinking(reply, prompt), status=Status.FAILED, error=title), title=title)
    assert len(PdfReader(BytesIO(written(Form.PDF, strange))).pages) >= 1


@pytest.mark.parametrize(
    "strange",
    [
        "\ud800 half \udfff",
        "a" + "\u0301" * 5_000,
        "\u202e\u2066abc\u2069\u202c אב" * 500,
        "".join(map(chr, range(0x20))) + "\x7f\x85\x9f\u2028\ufeff\ufffe\U0010ffff\ue000",
        "\u200d\ufe0f\u200c",
        "👨\u200d👩\u200d👧 👍🏽 🇵🇹 1\ufe0f\u20e3",
        "س" * 20_000,
        "ส" * 20_000,
        "你" * 20_000,
        "".join(f"{'  ' * depth}- x\n" for depth in range(200)),
        "| a |\n|---|\n" + "| b |\n" * 2_000,
        f"{'|a' * 300}|\n{'|-' * 300}|\n",
        f"| {'word ' * 3_000} |\n|---|\n| a |\n| b |",
        "```\n" + "x\n" * 10_000,
        "---\n" * 1_000,
        "$$\n" * 1_000,
        "\t" * 1_000,
        "-",
    ],
    ids=lambda strange: ascii(strange[:12]),
)
def test_the_strangest_texts_are_written(strange: str) -> None:
    session = talk(turn(strange, strange), title=strange[:200], tags=(strange[:20],))
    assert len(PdfReader(BytesIO(written(Form.PDF, session))).pages) >= 1
