"""Images that go with a prompt."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL.Image import DecompressionBombError, DecompressionBombWarning
from PIL.Image import open as open_image

from agent.errors import PromptRefused
from agent.prompt import storable
from storage import Image, media_type_of_image

MOST_IMAGES = 8
NAME_LIMIT = 100
LARGEST = 20_000_000
"""Bytes of one image."""

MOST_PIXELS = 60_000_000
"""Of one image. A small file can unfold into far more than the memory holds."""


@dataclass(frozen=True, slots=True)
class ImageFile:
    """An image, and what it is called. PNG, JPEG, GIF and WebP are taken."""

    name: str
    content: bytes

    @property
    def digest(self) -> str:
        """By which its content is kept."""
        return hashlib.sha256(self.content).hexdigest()


Given = ImageFile | Path | bytes


def checked_images(given: Sequence[Given]) -> tuple[tuple[Image, ...], dict[str, bytes]]:
    """What is kept with the prompt, and the contents by digest. Raises PromptRefused."""
    if len(given) > MOST_IMAGES:
        raise PromptRefused(f"A prompt takes up to {MOST_IMAGES} images; this one has {len(given)}.")
    files = [_opened(image, number) for number, image in enumerate(given, start=1)]
    images = tuple(_checked(file) for file in files)
    return images, {image.digest: file.content for image, file in zip(images, files, strict=True)}


def _opened(given: Given, number: int) -> ImageFile:
    match given:
        case ImageFile():
            return given
        case bytes():
            return ImageFile(f"image {number}", given)
        case _:
            try:
                with given.open("rb") as file:
                    return ImageFile(given.name, file.read(LARGEST + 1))
            except OSError as error:
                raise PromptRefused(f"The image {given} can't be read ({error.strerror}).") from error


def _checked(file: ImageFile) -> Image:
    if len(file.content) > LARGEST:
        raise PromptRefused(
            f"The image {_name(file)} has more than {LARGEST:,} bytes, and no more are taken: make it smaller."
        )
    media_type = media_type_of_image(file.content)
    if media_type is None:
        raise PromptRefused(f"{_name(file)} is no image that models take: send PNG, JPEG, GIF or WebP.")
    _check_pixels(file)
    return Image(_name(file), media_type, file.digest, len(file.content))


def _check_pixels(file: ImageFile) -> None:
    """By its header alone: nothing is unfolded."""
    try:
        with open_image(BytesIO(file.content)) as image:
            width, height = image.size
    except (DecompressionBombError, DecompressionBombWarning) as error:
        raise _too_many_pixels(file) from error
    except Exception as error:
        # A broken file brings its decoder to whatever comes: OSError, ValueError, struct.error...
        raise PromptRefused(f"The image {_name(file)} can't be read: it is broken, or no image at all.") from error
    if width * height > MOST_PIXELS:
        raise _too_many_pixels(file)


def _too_many_pixels(file: ImageFile) -> PromptRefused:
    return PromptRefused(
        f"The image {_name(file)} has more than {MOST_PIXELS:,} pixels, and no more are taken: make it smaller."
    )


def _name(file: ImageFile) -> str:
    """On one line: models that don't see the image are told its name."""
    return " ".join(storable(file.name).split())[:NAME_LIMIT] or "image"
