"""The images of a message, wherever in it they are kept. Nothing is fetched."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from storage.images import media_type_of_image
from storage.transfer.talk import TalkMessage

_SAID = ("text", "thinking", "reasoning", "redacted_thinking", "tool_use", "tool_call", "non_standard")
"""Kinds of blocks that are no attachment: what they say is shown as text. No set: a kind may be anything at all."""

_NAMES = ("name", "filename", "file_name", "url", "file_id", "type")


@dataclass(frozen=True, slots=True)
class Picture:
    """An image, or another attachment. `content` is None where it is none that can be shown, or not at hand."""

    name: str
    media_type: str = ""
    content: bytes | None = field(default=None, repr=False)


def data_of(said: TalkMessage) -> dict[str, Any]:
    """The fields of the whole message; none where its text says all."""
    data = (said.full or {}).get("data")
    return data if isinstance(data, dict) else {}


def blocks_of(said: TalkMessage) -> Iterator[dict[str, Any]]:
    """The parts of a message that is not only a text."""
    content = data_of(said).get("content")
    if isinstance(content, list):
        yield from (block for block in content if isinstance(block, dict))


def pictures_of(said: TalkMessage, images: Mapping[str, bytes]) -> tuple[Picture, ...]:
    """The attachments of a message; `images` are those of the session, by digest."""
    return tuple(_picture(block, images) for block in blocks_of(said) if block.get("type") not in _SAID)


def _picture(block: Mapping[str, Any], images: Mapping[str, bytes]) -> Picture:
    digest = block.get("digest")
    content = images.get(digest) if isinstance(digest, str) else _inside(block)
    kind = media_type_of_image(content or b"") or ""
    return Picture(_name(block), kind, content if kind else None)


def _name(block: Mapping[str, Any]) -> str:
    """On one line."""
    names = (" ".join(name.split()) for field_ in _NAMES if isinstance(name := block.get(field_), str))
    return next((name for name in names if name and not name.startswith("data:")), "image")


def _inside(block: Mapping[str, Any]) -> bytes | None:
    """What the block itself holds, in the ways in which LangChain's messages do."""
    for place in (block, block.get("image_url"), block.get("source")):
        for text in _texts(place):
            if content := _decoded(text):
                return content
    return None


def _texts(place: object) -> Iterator[str]:
    """Base64, or what may be an address with base64 in it."""
    if isinstance(place, str):
        yield place
    elif isinstance(place, dict):
        yield from (text for name in ("base64", "data", "url") if isinstance(text := place.get(name), str))


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text.rpartition(",")[2], validate=True)
    except (binascii.Error, ValueError):
        return None
