"""The context: the exact list of messages sent to the model, and the receipt that says what it was made from."""

from dataclasses import dataclass, field, replace
from typing import Any, Self, cast

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage, messages_from_dict

from storage import Json, Message, Sender, Session, SessionText, Status, Turn

CUT_OFF = "\n\n[This reply was cut off here.]"
"""Follows the text of a reply that did not reach its end, so that the model does not take it for one."""


SUMMARY = "What was said before:\n"
"""Stands before the summary where the model is told it."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a reply was made from.

    `window` is the size asked for, in turns. `first` and `last` are the depths of the oldest and newest turn in the
    context, None where there is none: a path never changes above a turn, so they name the same turns for ever, in a
    fork too. `turns` counts those in the context. Left out were the `beyond_window` turns before them, and those at
    the depths `empty`, which have no reply text. `messages` counts what the model got, with the prompt, but without
    what it was told of the session: the versions of `system_prompt` and `summary`, None where there was none.
    `parameters` are those that the session set.
    """

    window: int
    first: int | None
    last: int | None
    turns: int
    beyond_window: int
    empty: tuple[int, ...]
    messages: int
    system_prompt: int | None = None
    summary: int | None = None
    parameters: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def plain(cls, window: int, first: int | None, last: int | None) -> Self:
        """That of a context with every turn up to the last, each of a prompt and one reply, and nothing else."""
        turns = 0 if first is None or last is None else last - first + 1
        return cls(window, first, last, turns, (first or 1) - 1, (), 2 * turns + 1)

    def to_json(self) -> Json:
        """Short, since one is kept with every turn: a plain one as its three numbers, else what differs from that."""
        plain = self.plain(self.window, self.first, self.last)
        if self == plain:
            return [self.window, self.first, self.last]
        shown = {name: (getattr(self, name), getattr(plain, name)) for name in self.__slots__}
        return {name: value for name, (value, usual) in shown.items() if name in _ALWAYS or value != usual}

    @classmethod
    def from_json(cls, stored: Json) -> Self | None:
        """None for a turn that has no receipt."""
        if not stored:
            return None
        if isinstance(stored, list):
            return cls.plain(*stored)
        plain = cls.plain(*(stored[name] for name in _ALWAYS))
        return replace(plain, **stored | {"empty": tuple(stored.get("empty", ()))})


_ALWAYS = ("window", "first", "last")
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


@dataclass(frozen=True, slots=True)
class Context:
    """The messages before the prompt, oldest first; the prompt; and the receipt for both.

    `model_settings` are the parameters as the model's LangChain class takes them.
    """

    before: tuple[AnyMessage, ...]
    prompt: HumanMessage
    receipt: Receipt
    model_settings: dict[str, Any] = field(default_factory=dict)


NOTHING = Told()


def make_receipt(window: tuple[Turn, ...], *, size: int, depth: int, told: Told = NOTHING) -> Receipt:
    """Choose from the `size` turns before the turn at `depth`, oldest first, what the model will see."""
    seen = [turn for turn in window if turn.reply]
    return Receipt(
        window=size,
        first=seen[0].depth if seen else None,
        last=seen[-1].depth if seen else None,
        turns=len(seen),
        beyond_window=depth - 1 - len(window),
        empty=tuple(turn.depth for turn in window if not turn.reply),
        messages=sum(len(turn.messages) for turn in seen) + 1,
        system_prompt=told.system_prompt.version if told.system_prompt.text else None,
        summary=told.summary.version if told.summary.text else None,
        parameters=told.parameters,
    )


def make_context(
    window: tuple[Turn, ...],
    prompt: str,
    receipt: Receipt,
    *,
    told: Told = NOTHING,
    model_settings: dict[str, Any] | None = None,
) -> Context:
    """The messages that the receipt stands for."""
    seen = (turn for turn in window if turn.depth not in receipt.empty)
    before = tuple(message for turn in seen for message in _as_sent(turn))
    return Context((*_as_told(told), *before), HumanMessage(prompt), receipt, model_settings or {})


def _as_told(told: Told) -> tuple[AnyMessage, ...]:
    """One system message, since some models take no second one; none where there is nothing to tell."""
    summary = f"{SUMMARY}{told.summary.text}" if told.summary.text else ""
    text = "\n\n".join(part for part in (told.system_prompt.text, summary) if part)
    return (SystemMessage(text),) if text else ()


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
