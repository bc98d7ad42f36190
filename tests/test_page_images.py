"""Images of a prompt on the page, drawn without a browser."""

import hashlib
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image as Picture
from streamlit.testing.v1 import AppTest

from agent import Agent, Image
from storage import Attached, Message, Outcome, Sender, Status, Store
from tests.conftest import Ledger
from tests.pictures import picture
from tests.test_page_states import show
from ui.chat.images import LARGE, SMALL, scaled


def stored(url: str, *images: tuple[str, bytes]) -> None:
    """A turn with images of that name and content, kept as they are by whatever took them."""
    kept = tuple(Image(name, "image/png", digest_of(content), len(content)) for name, content in images)
    with Store(url) as store:
        ledger = Ledger(store)
        opened = store.turns.open(
            "local",
            "lisbon",
            Message.prompt("What is it?", kept),
            model="echo",
            window=10,
            process_id=ledger.process,
            attached=Attached({digest_of(content): content for _, content in images}),
        )
        store.turns.close(opened, Outcome(Status.COMPLETE, (Message(Sender.AI, "A cat"),)))


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def pictures(shown: AppTest) -> int:
    assert not shown.exception
    return len(shown.get("image"))


def test_a_broken_image_is_named_and_the_others_are_shown(agent: Agent, url: str) -> None:
    agent.conversation("lisbon")
    stored(url, ("*broken*", b"\x89PNG\r\n\x1a\n garbage"), ("cat", picture()), ("cat again", picture()))
    shown = show(agent, "lisbon")
    assert pictures(shown) == 2
    assert r"*\*broken\** can't be shown" in [caption.value for caption in shown.caption]


def test_an_image_is_shown_large_when_one_asks_for_it(agent: Agent, url: str) -> None:
    agent.conversation("lisbon")
    stored(url, ("cat.png", picture(width=3000, height=10)))
    shown = show(agent, "lisbon")
    (button,) = [button for button in shown.button if button.label == "cat.png"]
    assert pictures(shown) == 1
    assert pictures(button.click().run()) == 2


@pytest.mark.parametrize("longest", [SMALL, LARGE])
def test_an_image_is_made_small_once_and_stays_as_it_looks(longest: int) -> None:
    for content, kind in ((picture("JPEG", 4000, 2000), "JPEG"), (picture("PNG", 4000, 2000, mode="LA"), "PNG")):
        small = scaled(content, longest)
        assert small is not None
        with Picture.open(BytesIO(small)) as image:
            assert (image.size, image.format) == ((longest, longest // 2), kind)


def test_an_image_that_lies_on_its_side_is_shown_upright(tmp_path: Path) -> None:
    exif = Picture.Exif()
    exif[0x0112] = 6
    Picture.new("RGB", (2000, 1000)).save(tmp_path / "a.jpg", exif=exif)
    small = scaled((tmp_path / "a.jpg").read_bytes(), SMALL)
    assert small is not None
    with Picture.open(BytesIO(small)) as image:
        assert image.size == (SMALL // 2, SMALL)
