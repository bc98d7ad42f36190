"""Files that go with a prompt: images for models that see, and texts, which become part of it."""

import codecs
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import PurePath
from typing import Protocol

from agent import ImageFile, PromptRefused

LARGEST_MB = 20
IMAGES = {".png", ".jpg", ".jpeg", ".gif", ".webp"}
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UNMARKED = ("utf-8", "cp1252")
"""Tried one after the other. Windows writes the latter, and nearly any bytes are a text in it."""

_NO_TEXT = re.compile(r"[\0-\x08\x0e-\x1a\x1c-\x1f]")
"""Control characters that are in no text; an escape is in what a terminal wrote."""


class File(Protocol):
    """A file as Streamlit hands it over."""

    name: str

    def getvalue(self) -> bytes: ...


def with_files(prompt: str, files: Iterable[File]) -> tuple[str, list[ImageFile]]:
    """The prompt with all texts in it, and the images. Of images alone the names are the prompt.

    Raises PromptRefused for a file that is neither.
    """
    images: list[ImageFile] = []
    parts = [prompt.strip()] if prompt.strip() else []
    for file in files:
        if PurePath(file.name).suffix.lower() in IMAGES:
            images.append(ImageFile(file.name, file.getvalue()))
        else:
            parts.append(_quoted(file.name, _text_of(file)))
    return "\n\n".join(parts) or ", ".join(image.name for image in images), images


def _text_of(file: File) -> str:
    content = file.getvalue()
    marked = next((name for mark, name in _MARKS if content.startswith(mark)), None)
    for encoding in (marked,) if marked else _UNMARKED:
        with suppress(UnicodeDecodeError):
            text = content.decode(encoding)
            if not _NO_TEXT.search(text):
                return text.replace("\r\n", "\n").rstrip("\n")
    raise _neither(file.name)


def _neither(name: str) -> PromptRefused:
    what = "a PDF, " if PurePath(name).suffix.lower() == ".pdf" else ""
    return PromptRefused(
        f"{name} is {what}neither a text nor an image (PNG, JPEG, GIF, WebP): "
        "save it as UTF-8 text, and attach it again."
    )


def _quoted(name: str, text: str) -> str:
    """In a fence longer than any within."""
    fence = "`" * max(3, 1 + max(map(len, re.findall(r"`+", text)), default=0))
    language = re.sub(r"\W", "", PurePath(name).suffix)
    return f"{name.replace('`', '')}:\n\n{fence}{language}\n{text}\n{fence}"
