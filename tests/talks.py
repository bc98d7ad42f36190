"""Talks for Hypothesis: any session that a store can give out, in every field."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

from hypothesis import strategies as st

from storage.records import TEXTS, Image, Mark, Message, Sender, Status, as_tag, to_microseconds, to_moment
from storage.transfer.dates import END
from storage.transfer.talk import Talk, TalkMessage, TalkText, TalkTurn

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
"""What databases keep: no NUL, and no half of a character."""

NAMES = TEXT.filter(bool)
MOMENTS = st.integers(0, to_microseconds(END) - 1).map(to_moment)
COUNTS = st.integers(0, 2**31 - 1)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**80), 2**80) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(TEXT.filter(lambda name: name not in TEXTS), JSON, max_size=3)
PICTURES = st.binary(max_size=20).map(lambda end: b"\x89PNG\r\n\x1a\n" + end)


def _image(name: str, content: bytes) -> Image:
    return Image(name, "image/png", sha256(content).hexdigest(), len(content))


@st.composite
def messages(draw: st.DrawFn, sender: Sender, pictures: Sequence[bytes] = ()) -> TalkMessage:
    """Of a sender: a prompt may name pictures, a reply have thinking, a tool's step is one of LangChain's."""
    said, at = draw(TEXT), draw(st.none() | MOMENTS)
    if sender is Sender.HUMAN and pictures:
        named = [_image(draw(TEXT), content) for content in draw(st.lists(st.sampled_from(pictures), max_size=2))]
        return TalkMessage(sender, said, at, Message.prompt(said, named).full)
    if sender is Sender.AI:
        return TalkMessage(sender, said, at, Message.reply(said, draw(TEXT)).full)
    if sender is Sender.TOOL:
        step = {"content": said, "tool_call_id": draw(TEXT), "additional_kwargs": draw(OBJECTS)}
        return TalkMessage(sender, said, at, {"type": "tool", "data": step})
    return TalkMessage(sender, said, at)


@st.composite
def turns(draw: st.DrawFn, place: int, pictures: Sequence[bytes]) -> TalkTurn:
    """One that follows any of those before it."""
    first = draw(st.sampled_from([Sender.HUMAN, Sender.HUMAN, Sender.AI, Sender.TOOL]))
    others = draw(st.lists(st.sampled_from(Sender), max_size=3))
    status = draw(st.sampled_from([status for status in Status if status is not Status.RUNNING]))
    return TalkTurn(
        parent=draw(st.none() | st.integers(0, place - 1)) if place else None,
        messages=tuple(draw(messages(sender, pictures)) for sender in (first, *others)),
        opened_at=draw(MOMENTS),
        status=status,
        model=draw(TEXT),
        first_text_at=draw(st.none() | MOMENTS),
        closed_at=draw(MOMENTS if status is not Status.INTERRUPTED else st.none() | MOMENTS),
        input_tokens=draw(st.none() | COUNTS),
        output_tokens=draw(st.none() | COUNTS),
        error=draw(st.none() | TEXT),
        receipt=draw(st.none() | OBJECTS | st.lists(JSON, max_size=6)),
        idempotency_key=draw(st.none() | TEXT.map(lambda text: f"{place} {text}")),
        mark=draw(st.none() | st.sampled_from(Mark)),
        rating=draw(st.sampled_from([None, 1, -1])),
        data=draw(st.none() | OBJECTS),
    )


@st.composite
def trees(draw: st.DrawFn, pictures: Sequence[bytes] = (), most: int = 6) -> tuple[TalkTurn, ...]:
    """Turns of any shape, some of them with the turn below them where their branch was left."""
    found = [draw(turns(place, pictures)) for place in range(draw(st.integers(0, most)))]
    below = [{place} for place in range(len(found))]
    for place in range(len(found) - 1, -1, -1):
        if (parent := found[place].parent) is not None:
            below[parent] |= below[place]
    return tuple(
        replace(turn, tip=draw(st.none() | st.sampled_from(sorted(under))))
        for turn, under in zip(found, below, strict=True)
    )


@st.composite
def texts_and_settings(draw: st.DrawFn) -> tuple[tuple[TalkText, ...], dict[str, Any]]:
    """Versions of texts in order, and settings with the newest of them."""
    settings = draw(OBJECTS)
    found: list[TalkText] = []
    for kind in sorted(TEXTS):
        for version in range(1, draw(st.integers(0, 3)) + 1):
            found.append(TalkText(kind, version, draw(TEXT), draw(MOMENTS)))
            settings[kind] = {"version": version, "text": found[-1].text}
    return tuple(found), settings


@st.composite
def talks(draw: st.DrawFn) -> Talk:
    """Any session that `give` can give."""
    name, created, pictures = draw(NAMES), draw(MOMENTS), draw(st.lists(PICTURES, max_size=3))
    found = draw(trees(pictures))
    texts, settings = draw(texts_and_settings())
    befores = sorted(draw(st.lists(st.integers(0, len(found)), max_size=3)))
    return Talk(
        source=f"windowseat:{name}:{created.isoformat()}",
        session_id=name,
        title=draw(TEXT),
        created_at=created,
        last_activity=draw(MOMENTS),
        turns=found,
        head=draw(st.integers(0, len(found) - 1)) if found else None,
        pinned=draw(st.booleans()),
        archived=draw(st.booleans()),
        ended_at=draw(st.none() | MOMENTS),
        tags=tuple(sorted({tag for tag in draw(st.lists(TEXT.map(as_tag), max_size=3)) if tag})),
        settings=settings,
        texts=texts,
        told=tuple((before, draw(messages(Sender.SYSTEM))) for before in befores),
        images={sha256(content).hexdigest(): content for content in pictures},
        forked_from=draw(st.none() | st.tuples(NAMES, COUNTS)),
    )
