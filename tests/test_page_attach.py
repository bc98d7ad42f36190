"""Files that go with a prompt, as the page takes them in."""

from dataclasses import dataclass

import pytest

from agent import ImageFile, PromptRefused
from ui.chat.attach import with_files


@dataclass
class File:
    name: str
    content: bytes

    def getvalue(self) -> bytes:
        return self.content


def test_a_text_becomes_part_of_the_prompt_in_a_fence_longer_than_any_within() -> None:
    prompt, images = with_files("Review this:", [File("a.md", b"```py\r\nx\r\n```\n")])
    assert prompt == "Review this:\n\na.md:\n\n````md\n```py\nx\n```\n````"
    assert images == []


def test_images_alone_are_asked_about_by_their_names() -> None:
    assert with_files("  ", [File("a.PNG", b"1"), File("b.jpg", b"2")]) == (
        "a.PNG, b.jpg",
        [ImageFile("a.PNG", b"1"), ImageFile("b.jpg", b"2")],
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_texts_of_other_programs_are_read_too(encoding: str) -> None:
    prompt, _ = with_files("", [File("x.txt", "Größe".encode(encoding))])
    assert prompt == "x.txt:\n\n```txt\nGröße\n```"


@pytest.mark.parametrize("content", [b"\xff\x00\x80", b"a\0b", b"\xf6\x07\x01", b"\xff\xfe\x00", b"\xf6\x81"])
def test_what_is_no_text_is_refused_by_its_name(content: bytes) -> None:
    with pytest.raises(PromptRefused, match=r"^x.bin is neither a text .*: save it as UTF-8 text, and attach it again"):
        with_files("Read", [File("x.bin", content)])


def test_a_pdf_is_named_as_one() -> None:
    with pytest.raises(PromptRefused, match=r"^a\.PDF is a PDF, neither"):
        with_files("Read", [File("a.PDF", b"%PDF-1.7\n\xe2\xe3\xcf\xd3\x00")])
