"""Images as they go onto a page: upright, small enough, and in a kind of file that PDFs know."""

from io import BytesIO
from typing import NamedTuple

from PIL import Image, ImageOps

_LONGEST = 1600
"""Pixels of the longer side: more are not seen on paper."""

_MOST_PIXELS = 60_000_000
"""A small file can unfold into far more than the memory holds."""

_POINTS = 0.75
"""Of a pixel, as browsers draw them."""


class Picture(NamedTuple):
    """`width` and `height` are in points."""

    file: BytesIO
    width: float
    height: float


def picture(content: bytes) -> Picture | None:
    """The first picture of an image; None of what is none, or is too large."""
    try:
        with Image.open(BytesIO(content)) as image:
            width, height = image.size
            return _upright(image) if width * height <= _MOST_PIXELS else None
    except Exception:  # noqa: BLE001 - a broken file brings its decoder to whatever comes: OSError, ValueError...
        return None


def _upright(image: Image.Image) -> Picture:
    width, height = image.size
    kind = "JPEG" if image.format == "JPEG" else "PNG"
    image.thumbnail((_LONGEST, _LONGEST))
    upright = ImageOps.exif_transpose(image)
    turned = (upright.width > upright.height) != (width > height)
    file = BytesIO()
    modes = "RGBA" if upright.has_transparency_data else "RGB"
    upright.convert("RGB" if kind == "JPEG" else modes).save(file, kind, quality=88)
    wide, high = (height, width) if turned else (width, height)
    return Picture(file, wide * _POINTS, high * _POINTS)
