"""What is taken as an image of a prompt."""

import struct
import zlib

import pytest

from agent import ImageFile, PromptRefused
from agent.images import MOST_PIXELS, checked_images
from tests.pictures import picture


def png_of(width: int, height: int) -> bytes:
    """A file of some bytes that says of itself to be so large."""
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)), (b"IDAT", b""), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )


@pytest.mark.parametrize(
    ("kind", "media_type"),
    [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("GIF", "image/gif"), ("WEBP", "image/webp")],
)
def test_an_image_is_taken_by_what_it_is(kind: str, media_type: str) -> None:
    content = picture(kind)
    (image,), contents = checked_images([ImageFile("a picture", content)])
    assert (image.media_type, image.size) == (media_type, len(content))
    assert contents == {image.digest: content}


@pytest.mark.parametrize("content", [b"\xff\xd8\xff junk", b"\x89PNG\r\n\x1a\n garbage", b"GIF89a", b"RIFF1234WEBP"])
def test_what_only_begins_like_an_image_is_refused(content: bytes) -> None:
    with pytest.raises(PromptRefused, match=r"The image cat can't be read"):
        checked_images([ImageFile("cat", content)])


@pytest.mark.parametrize("side", [8000, 10_000, 20_000])
def test_a_small_file_that_would_unfold_into_too_much_is_refused(side: int) -> None:
    with pytest.raises(PromptRefused, match=f"more than {MOST_PIXELS:,} pixels"):
        checked_images([ImageFile("cat", png_of(side, side))])
    assert checked_images([png_of(7000, 7000)])
