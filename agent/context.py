"""The context: which turns the model will see, and the exact list of messages sent to it."""

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage

from agent.errors import PromptRefused
from agent.receipt import Receipt
from agent.tokens import PER_IMAGE, PER_MESSAGE, Room, raw_tokens
from storage import Image, Mark, Message, Past, Session, SessionText, Status, Turn
from storage.langchain import to_langchain

CUT_OFF = "\n\n[This reply was cut off here.]"
"""Follows the text of a reply that did not reach its end, so that the model does not take it for one."""

SUMMARY = "What was said before:\n"
"""Stands before the summary where the model is told it."""


NO_TEXT = SessionText(0, "")


@dataclass(frozen=True, slots=True)
class Told:
    """What the model is told of a session beside its turns, and with what parameters it is asked."""

    system_prompt: SessionText = NO_TEXT
    summary: SessionText = NO_TEXT
    parameters: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, session: Session) -> Self:
        return cls(**{name: session.settings[name] for name in cls.__slots__ if name in session.settings})

    @property
    def text(self) -> str:
        """One text, since some models take no second system message; "" where there is nothing to tell."""
        summary = f"{SUMMARY}{self.summary.text}" if self.summary.text else ""
        return "\n\n".join(part for part in (self.system_prompt.text, summary) if part)


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked, of whom and how.

    `size` is the window's, in turns; `room` is None for a model whose context length nobody knows; `kept` is the text
    of a reply that is to be continued; a `blind` model sees no images.
    """

    prompt: Message
    model: str
    size: int
    told: Told = field(default_factory=Told)
    room: Room | None = None
    kept: str = ""
    blind: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """The messages `before` the prompt, oldest first; `asked`, the prompt and what is kept of its reply; the receipt.

    `raw` is what they are estimated at before any correction, in tokens, None where no estimate is made;
    `model_settings` are the parameters as the model's LangChain class takes them.
    """

    before: tuple[AnyMessage, ...]
    asked: tuple[AnyMessage, ...]
    receipt: Receipt
    raw: float | None = None
    model_settings: dict[str, Any] = field(default_factory=dict)

    @property
    def messages(self) -> tuple[AnyMessage, ...]:
        """All that is sent, in order."""
        return (*self.before, *self.asked)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The turns that the model will see, oldest first, with the receipt for them; `raw` as in the context."""

    turns: tuple[Turn, ...]
    receipt: Receipt
    raw: float | None


def choose_turns(past: Past, ask: Ask) -> Chosen:
    """Choose what the model will see. Raises PromptRefused where it has no room even for the prompt."""
    usable = [turn for turn in past.window if turn.reply and turn.mark is not Mark.EXCLUDED]
    far = [turn for turn in past.pinned if turn.reply]
    kept, row = _fitting(usable, far, ask) if ask.room else (far, usable)
    by_hand = [turn for turn in kept if turn not in row]
    seen = (*by_hand, *row)
    raw = _raw_asked(ask) + sum(_raw_turn(turn, ask) for turn in seen) if ask.room else None
    receipt = Receipt(
        window=ask.size,
        first=row[0].depth if row else None,
        last=row[-1].depth if row else None,
        context_asked=ask.room.asked if ask.room else None,
        context_loaded=ask.room.loaded if ask.room else None,
        estimated=ask.room.estimate(raw) if ask.room and raw is not None else None,
        turns=len(seen),
        beyond_window=past.depth - 1 - len(past.window) - sum(turn in far for turn in by_hand),
        messages=sum(len(turn.messages) for turn in seen) + (2 if ask.kept else 1),
        beyond_budget=len(usable) - len(row) - sum(turn in usable for turn in by_hand),
        empty=tuple(turn.depth for turn in past.window if not turn.reply and turn.mark is not Mark.EXCLUDED),
        excluded=tuple(turn.depth for turn in past.window if turn.mark is Mark.EXCLUDED),
        pinned=tuple(turn.depth for turn in by_hand),
        cut_at=tuple((turn.depth, len(turn.reply)) for turn in seen if turn.status is Status.INTERRUPTED),
        system_prompt=ask.told.system_prompt.version if ask.told.system_prompt.text else None,
        summary=ask.told.summary.version if ask.told.summary.text else None,
        parameters=ask.told.parameters,
        continued=len(ask.kept),
        unseen_images=sum(len(message.images) for message in _stored(seen, ask)) if ask.blind else 0,
    )
    return Chosen(seen, receipt, raw)


def make_context(chosen: Chosen, ask: Ask, images: Mapping[str, bytes], settings: dict[str, Any]) -> Context:
    """The messages that the choice stands for. `images` has the contents of those in it, by digest."""
    shown = {} if ask.blind else images
    cut_at = dict(chosen.receipt.cut_at)
    told = (SystemMessage(ask.told.text),) if ask.told.text else ()
    before = (message for turn in chosen.turns for message in _as_sent(turn, cut_at, shown))
    kept = (AIMessage(ask.kept),) if ask.kept else ()
    asked = (_to_langchain(ask.prompt, shown), *kept)
    return Context((*told, *before), asked, chosen.receipt, chosen.raw, settings)


def digests_in(chosen: Chosen, ask: Ask) -> list[str]:
    """Of the images that the model is to see."""
    return [] if ask.blind else [image.digest for message in _stored(chosen.turns, ask) for image in message.images]


def _stored(turns: Iterable[Turn], ask: Ask) -> list[Message]:
    """The messages as they are kept, the prompt last."""
    return [*(message for turn in turns for message in turn.messages), ask.prompt]


def _fitting(usable: list[Turn], far: list[Turn], ask: Ask) -> tuple[list[Turn], list[Turn]]:
    """The pinned turns there is room for, and then the newest turns up to the first there is none for."""
    assert ask.room is not None  # noqa: S101 - only who knows it asks
    left = ask.room.for_messages - _raw_asked(ask)
    if left < 0:
        raise _too_long(ask, ask.room)
    kept: list[Turn] = []
    for turn in reversed([*far, *(turn for turn in usable if turn.mark is Mark.PINNED)]):
        if (cost := _raw_turn(turn, ask)) <= left:
            kept.insert(0, turn)
            left -= cost
    row: list[Turn] = []
    for turn in reversed(usable):
        cost = 0 if turn in kept else _raw_turn(turn, ask)
        if cost > left:
            break
        row.insert(0, turn)
        left -= cost
    return kept, row


def _too_long(ask: Ask, room: Room) -> PromptRefused:
    needed = room.estimate(_raw_asked(ask))
    what = "The prompt and the reply that is to be continued have" if ask.kept else "The prompt has"
    with_told = " with what the model is told of the session" if ask.told.text else ""
    return PromptRefused(
        f"{what} about {needed:,} tokens{with_told}, but {ask.model} has a context of {room.context:,}, of which "
        f"{room.reserve:,} are kept for the reply: shorten it, or raise WINDOWSEAT_CONTEXT_TOKENS."
    )


def _raw_asked(ask: Ask) -> float:
    told = raw_tokens(ask.told.text) + PER_MESSAGE if ask.told.text else 0
    kept = raw_tokens(ask.kept) + PER_MESSAGE if ask.kept else 0
    return told + kept + _raw_message(ask.prompt, ask)


def _raw_turn(turn: Turn, ask: Ask) -> float:
    cut_off = 0 if turn.status is Status.COMPLETE else raw_tokens(CUT_OFF)
    return cut_off + sum(_raw_message(message, ask) for message in turn.messages)


def _raw_message(message: Message, ask: Ask) -> float:
    images = 0 if ask.blind else PER_IMAGE * len(message.images)
    calls = (message.full or {}).get("data", {}).get("tool_calls")
    return raw_tokens(message.content) + PER_MESSAGE + images + (raw_tokens(json.dumps(calls)) if calls else 0)


def _as_sent(turn: Turn, cut_at: Mapping[int, int], images: Mapping[str, bytes]) -> list[AnyMessage]:
    sent = [_to_langchain(message, images) for message in turn.messages]
    last = sent[-1]
    if turn.status is not Status.COMPLETE and isinstance(last, AIMessage):
        # Text may have been added to an interrupted reply after it was sent.
        text = turn.reply[: cut_at[turn.depth]] if turn.depth in cut_at else last.text
        sent[-1] = last.model_copy(update={"content": f"{text}{CUT_OFF}"})
    return sent


def _to_langchain(message: Message, images: Mapping[str, bytes]) -> AnyMessage:
    """As it is sent: with its images, or their names where those are not shown, and without thinking."""
    if message.images:
        return HumanMessage([{"type": "text", "text": message.content}, *_blocks(message.images, images)])
    whole = to_langchain(message)
    whole.additional_kwargs.pop("reasoning_content", None)
    return whole


def _blocks(names: Iterable[Image], contents: Mapping[str, bytes]) -> list[dict[str, Any]]:
    return [_block(image, contents.get(image.digest)) for image in names]


def _block(image: Image, content: bytes | None) -> dict[str, Any]:
    if content is None:
        return {"type": "text", "text": f"[An image that you can't see: {image.name}]"}
    return {"type": "image", "base64": base64.b64encode(content).decode(), "mime_type": image.media_type}
