"""The context: the exact list of messages sent to the model, and the receipt that says what it was made from."""

from dataclasses import dataclass
from typing import Any, Self, cast

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, messages_from_dict

from storage import Message, Sender, Status, Turn

CUT_OFF = "\n\n[This reply was cut off here.]"
"""Follows the text of a reply that did not reach its end, so that the model does not take it for one."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a reply was made from.

    `window` is the size asked for, in turns. `first` and `last` are the depths of the oldest and newest turn in the
    context, None where there is none: a path never changes above a turn, so they name the same turns for ever, in a
    fork too. `turns` counts those in the context. Left out were the `beyond_window` turns before them, and those at
    the depths `empty`, which have no reply text. `messages` counts what the model got, with the prompt.
    """

    window: int
    first: int | None
    last: int | None
    turns: int
    beyond_window: int
    empty: tuple[int, ...]
    messages: int

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self | None:
        """None for a turn that has no receipt."""
        return cls(**stored | {"empty": tuple(stored["empty"])}) if stored else None


@dataclass(frozen=True, slots=True)
class Context:
    """The messages before the prompt, oldest first; the prompt; and the receipt for both."""

    before: tuple[AnyMessage, ...]
    prompt: HumanMessage
    receipt: Receipt


def make_receipt(window: tuple[Turn, ...], *, size: int, depth: int) -> Receipt:
    """Choose from the `size` turns before the turn at `depth`, oldest first, what the model will see."""
    told = [turn for turn in window if turn.reply]
    return Receipt(
        window=size,
        first=told[0].depth if told else None,
        last=told[-1].depth if told else None,
        turns=len(told),
        beyond_window=depth - 1 - len(window),
        empty=tuple(turn.depth for turn in window if not turn.reply),
        messages=sum(len(turn.messages) for turn in told) + 1,
    )


def make_context(window: tuple[Turn, ...], prompt: str, receipt: Receipt) -> Context:
    """The messages that the receipt stands for."""
    told = (turn for turn in window if turn.depth not in receipt.empty)
    before = tuple(message for turn in told for message in _as_sent(turn))
    return Context(before, HumanMessage(prompt), receipt)


def _as_sent(turn: Turn) -> list[AnyMessage]:
    sent = [_to_langchain(message) for message in turn.messages]
    last = sent[-1]
    if turn.status is not Status.COMPLETE and isinstance(last, AIMessage):
        sent[-1] = last.model_copy(update={"content": f"{last.text}{CUT_OFF}"})
    return sent


def _to_langchain(message: Message) -> AnyMessage:
    if message.full is not None:
        return cast("AnyMessage", messages_from_dict([message.full])[0])
    return HumanMessage(message.content) if message.sender is Sender.HUMAN else AIMessage(message.content)
