"""LangChain's messages as the store keeps them, and back."""

import json
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
    # What a tool keeps for the program beside its answer is no message, and may be anything.
    whole["data"].pop("artifact", None)
    whole = json.loads(json.dumps(whole, default=str))
    return Message(sender, message.text, None if plain is not None and whole == message_to_dict(plain) else whole)


def stored_from(whole: Any) -> Message:
    """From what `message_to_dict` gave, also long ago. Raises ValueError where it did not give that."""
    try:
        return to_stored(messages_from_dict([whole])[0])
    except ValueError:
        raise
    except Exception as error:
        raise ValueError("It is no message.") from error


def to_langchain(message: Message) -> AnyMessage:
    """Images that are kept apart are named only."""
    if message.images:
        return HumanMessage("\n".join([message.content, *(f"[image: {image.name}]" for image in message.images)]))
    if message.full is not None:
        return messages_from_dict([message.full])[0]  # type: ignore[return-value]
    return _KINDS[message.sender](message.content)


_SENDERS = {"human": Sender.HUMAN, "ai": Sender.AI, "system": Sender.SYSTEM}
_KINDS: dict[Sender, Callable[[str], AnyMessage]] = {
    Sender.HUMAN: HumanMessage,
    Sender.AI: AIMessage,
    Sender.SYSTEM: SystemMessage,
}
