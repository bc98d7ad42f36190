"""The images of a prompt: small ones beside each other, and each large when one asks for it."""

from collections.abc import Callable, Sequence
from functools import partial
from io import BytesIO
from typing import Any

import streamlit as st
from PIL import Image, ImageOps

from agent import Conversation, Turn
from ui.dialogs import close_dialog, open_dialog
from ui.notices import told
from ui.words import as_plain, shortened

SHOWN, SMALL, LARGE = 240, 480, 1460
"""In pixels: how wide a small one is drawn, and the longer side of what is sent to the browser for either.

Twice as many as are drawn, for screens with small pixels; Streamlit would work over anything wider than the largest.
"""

_SHORT = 24

_BY_SESSION: dict[str | type[Any], Callable[[Any], Any]] = {Conversation: lambda chat: (chat.owner, chat.session_id)}
"""What one has is not there for another, of whoever, which may have no more than the digest."""


def draw_images(chat: Conversation, turn: Turn) -> None:
    if images := turn.messages[0].images:
        small = _small(chat, turn, tuple(image.digest for image in images))
        with st.container(horizontal=True):
            for place, image in enumerate(images):
                with st.container(width=SHOWN, gap="xxsmall"):
                    _draw_small(chat, turn, place, small.get(image.digest))


def _draw_small(chat: Conversation, turn: Turn, place: int, content: bytes | None) -> None:
    image = turn.messages[0].images[place]
    if content is None:
        _draw_unshown(image.name)
        return
    st.image(content, alt=image.name)
    st.button(
        as_plain(shortened(image.name, _SHORT)),
        icon=":material/zoom_in:",
        type="tertiary",
        key=f"image {place} of {turn.id}",
        help="Show it large",
        on_click=open_dialog,
        args=(partial(_draw_large, chat, turn, place),),
    )


@st.dialog("Image", width="large", icon=":material/image:", on_dismiss=close_dialog)
@told
def _draw_large(chat: Conversation, turn: Turn, place: int) -> None:
    image = turn.messages[0].images[place]
    content = _large(chat, turn, image.digest)
    if content is None:
        _draw_unshown(image.name)
    else:
        st.image(content, caption=as_plain(image.name), alt=image.name)


def _draw_unshown(name: str) -> None:
    st.caption(f"*{as_plain(name)}* can't be shown")


@st.cache_data(show_spinner=False, max_entries=50, hash_funcs=_BY_SESSION)
def _small(chat: Conversation, _turn: Turn, digests: tuple[str, ...]) -> dict[str, bytes | None]:
    """By digest; None for what can't be shown, and nothing for what isn't there."""
    return _scaled(chat, _turn, digests, SMALL)


@st.cache_data(show_spinner="Looking for the image…", max_entries=10, hash_funcs=_BY_SESSION)
def _large(chat: Conversation, _turn: Turn, digest: str) -> bytes | None:
    return _scaled(chat, _turn, (digest,), LARGE).get(digest)


def _scaled(chat: Conversation, turn: Turn, digests: Sequence[str], longest: int) -> dict[str, bytes | None]:
    contents = {image.digest: image.content for image in chat.images(turn)}
    return {digest: scaled(contents[digest], longest) for digest in digests if digest in contents}


def scaled(content: bytes, longest: int) -> bytes | None:
    """The first picture of an image, upright, as a JPEG or, where one can see through it, a PNG; None for no image."""
    try:
        with Image.open(BytesIO(content)) as image:
            image.thumbnail((longest, longest))
            upright = ImageOps.exif_transpose(image)
            seen_through = upright.has_transparency_data
            file = BytesIO()
            upright.convert("RGBA" if seen_through else "RGB").save(file, "PNG" if seen_through else "JPEG", quality=85)
            return file.getvalue()
    except Exception:  # noqa: BLE001 - a broken file brings its decoder to whatever comes: OSError, ValueError...
        return None
