"""LangChain's messages as the store keeps them, and back."""

from collections.abc import Callable
from typing import Any

from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    message_to_dict,
    messages_from_dict,
)

from storage.records import Message, Sender


def to_stored(message: BaseMessage) -> Message:
    """Text and sender where they say all of the message, else the whole of it too."""
    sender = _SENDERS.get(message.type, Sender.TOOL)
    plain = _KINDS[sender](message.text) if sender in _KINDS else None
    whole: dict[str, Any] = message_to_dict(message)
    return Message(sender, message.text, None if plain is not None and whole == message_to_dict(plain) else whole)


def to_langchain(message: Message) -> AnyMessage:
    if message.full is not None:
        return messages_from_dict([message.full])[0]  # type: ignore[return-value]
    return _KINDS[message.sender](message.content)


_SENDERS = {"human": Sender.HUMAN, "ai": Sender.AI, "system": Sender.SYSTEM}
_KINDS: dict[Sender, Callable[[str], AnyMessage]] = {
    Sender.HUMAN: HumanMessage,
    Sender.AI: AIMessage,
    Sender.SYSTEM: SystemMessage,
}
