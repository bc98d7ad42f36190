"""Real images for the tests."""

from io import BytesIO

from PIL import Image


def picture(kind: str = "PNG", width: int = 2, height: int = 2, *, mode: str = "RGB") -> bytes:
    """The content of a file of that kind, all of one colour."""
    file = BytesIO()
    Image.new(mode, (width, height), 160).save(file, kind)
    return file.getvalue()
