"""The context: which turns the model will see, and the exact list of messages sent to it."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from langchain_core.messages import AIMessage, AnyMessage, SystemMessage

from agent.errors import PromptRefused
from agent.receipt import Receipt
from agent.sending import count_sent, message_as_sent, raw_message, raw_sent, raw_turn, turn_as_sent
from agent.tokens import PER_MESSAGE, Room, raw_tokens
from storage import Mark, Message, Past, Session, SessionText, Status, Turn

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
    of a reply that is to be continued; a `blind` model sees no images; an `own_agent`, somebody's own, may tell the
    model more than we know.
    """

    prompt: Message
    model: str
    size: int
    told: Told = field(default_factory=Told)
    room: Room | None = None
    kept: str = ""
    blind: bool = False
    own_agent: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """The messages `before` the prompt, oldest first; `asked`, the prompt and what is kept of its reply; the receipt.

    `raw` is what they are estimated at before any correction, in tokens, None where no estimate is made;
    `model_settings` are the parameters as the model's LangChain class takes them. `pinned` is how many of the messages
    before the prompt are of turns that were pinned into the window.
    """

    before: tuple[AnyMessage, ...]
    asked: tuple[AnyMessage, ...]
    receipt: Receipt
    raw: float | None = None
    model_settings: dict[str, Any] = field(default_factory=dict)
    pinned: int = 0

    @property
    def sizes(self) -> dict[str, int]:
        """Tokens by part, in order: `told`, `pinned`, `window`, `prompt`, `begun`; those that have any.

        They are estimated and scaled, so that together they are what the server counted, or else what the receipt
        estimates, or else the estimate without any correction.
        """
        told = sum(isinstance(message, SystemMessage) for message in self.before[:1])
        window = told + self.pinned
        parts = {
            "told": self.before[:told],
            "pinned": self.before[told:window],
            "window": self.before[window:],
            "prompt": self.asked[:1],
            "begun": self.asked[1:],
        }
        raw = {name: sum(map(raw_sent, messages)) for name, messages in parts.items()}
        whole = self.receipt.counted or self.receipt.estimated or math.ceil(sum(raw.values()))
        return {name: share for name, share in _shares(raw, whole).items() if share}

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
    kept, row, raw = (far, usable, None) if ask.room is None else _fitting(usable, far, ask, ask.room)
    in_row = {turn.depth for turn in row}
    by_hand = [turn for turn in kept if turn.depth not in in_row]
    begins = past.depth - len(past.window)
    seen = (*by_hand, *row)
    receipt = Receipt(
        window=ask.size,
        first=row[0].depth if row else None,
        last=row[-1].depth if row else None,
        context_asked=ask.room.asked if ask.room else None,
        context_loaded=ask.room.loaded if ask.room else None,
        estimated=ask.room.estimate(raw) if ask.room and raw is not None else None,
        turns=len(seen),
        beyond_window=begins - 1 - sum(turn.depth < begins for turn in by_hand),
        messages=count_sent(seen) + (2 if ask.kept else 1),
        beyond_budget=len(usable) - len(row) - sum(turn.depth >= begins for turn in by_hand),
        empty=tuple(turn.depth for turn in past.window if not turn.reply and turn.mark is not Mark.EXCLUDED),
        excluded=tuple(turn.depth for turn in past.window if turn.mark is Mark.EXCLUDED),
        pinned=tuple(turn.depth for turn in by_hand),
        cut_at=tuple((turn.depth, len(turn.reply)) for turn in seen if turn.status is Status.INTERRUPTED),
        system_prompt=ask.told.system_prompt.version if ask.told.system_prompt.text else None,
        summary=ask.told.summary.version if ask.told.summary.text else None,
        parameters=ask.told.parameters,
        continued=len(ask.kept),
        unseen_images=sum(len(message.images) for message in _stored(seen, ask)) if ask.blind else 0,
        own_agent=ask.own_agent,
    )
    return Chosen(seen, receipt, raw)


def make_context(chosen: Chosen, ask: Ask, images: Mapping[str, bytes], settings: dict[str, Any]) -> Context:
    """The messages that the choice stands for. `images` has the contents of those in it, by digest."""
    shown = {} if ask.blind else images
    cut_at = dict(chosen.receipt.cut_at)
    told = (SystemMessage(ask.told.text),) if ask.told.text else ()
    sent = [(turn.depth, turn_as_sent(turn, shown, cut_at.get(turn.depth))) for turn in chosen.turns]
    before = (message for _, messages in sent for message in messages)
    pinned = sum(len(messages) for depth, messages in sent if depth in chosen.receipt.pinned)
    kept = (AIMessage(ask.kept),) if ask.kept else ()
    asked = (message_as_sent(ask.prompt, shown), *kept)
    return Context((*told, *before), asked, chosen.receipt, chosen.raw, settings, pinned)


def _shares(raw: Mapping[str, float], whole: int) -> dict[str, int]:
    """Whole numbers in the proportion of the raw ones, that add up to `whole`."""
    total, shares, done, given = sum(raw.values()), {}, 0.0, 0
    for name, size in raw.items():
        done += size
        shares[name] = round(whole * done / total) - given
        given += shares[name]
    return shares


def digests_in(chosen: Chosen, ask: Ask) -> list[str]:
    """Of the images that the model is to see."""
    return [] if ask.blind else [image.digest for message in _stored(chosen.turns, ask) for image in message.images]


def _stored(turns: Iterable[Turn], ask: Ask) -> list[Message]:
    """The messages as they are kept, the prompt last."""
    return [*(message for turn in turns for message in turn.messages), ask.prompt]


def _fitting(usable: list[Turn], far: list[Turn], ask: Ask, room: Room) -> tuple[list[Turn], list[Turn], float]:
    """The pinned turns there is room for, then the newest turns up to the first there is none for; and their cost."""
    asked = _raw_asked(ask)
    left = room.for_messages - asked
    if left < 0:
        raise _too_long(ask, room)
    costs = {turn.depth: raw_turn(turn, blind=ask.blind) for turn in (*far, *usable)}
    kept: list[Turn] = []
    for turn in reversed([*far, *(turn for turn in usable if turn.mark is Mark.PINNED)]):
        if costs[turn.depth] <= left:
            kept.insert(0, turn)
            left -= costs[turn.depth]
            costs[turn.depth] = 0
    row: list[Turn] = []
    for turn in reversed(usable):
        if costs[turn.depth] > left:
            break
        row.insert(0, turn)
        left -= costs[turn.depth]
    return kept, row, room.for_messages - left


def _too_long(ask: Ask, room: Room) -> PromptRefused:
    needed = room.estimate(_raw_asked(ask))
    parts = {
        "the prompt": ask.prompt.content or ask.prompt.images,
        "the reply that is to be continued": ask.kept,
        "what the model is told of the session": ask.told.text,
    }
    what = " and ".join(name for name, there in parts.items() if there)
    short = room.loaded is not None and room.loaded < room.asked
    given = f"was given only {room.context:,} of the {room.asked:,} that were asked for" if short else ""
    return PromptRefused(
        f"There is no room for {what}: about {needed:,} tokens, but {ask.model} "
        f"{given or f'has a context of {room.context:,}'}, of which {room.reserve:,} are kept for the reply. Shorten it"
        f"{', or free memory on the server' if short else ', or raise WINDOWSEAT_CONTEXT_TOKENS'}."
    )


def _raw_asked(ask: Ask) -> float:
    told = raw_tokens(ask.told.text) + PER_MESSAGE if ask.told.text else 0
    kept = raw_tokens(ask.kept) + PER_MESSAGE if ask.kept else 0
    return told + kept + raw_message(ask.prompt, blind=ask.blind)
