"""How what is kept of a turn is sent to a model, and how many tokens that is."""

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage

from agent.tokens import PER_IMAGE, PER_MESSAGE, raw_tokens
from storage import Image, Message, Status, Turn
from storage.langchain import to_langchain

CUT_OFF = "\n\n[This reply was cut off here.]"
"""Follows the text of a reply that did not reach its end, so that the model does not take it for one."""


def turn_as_sent(turn: Turn, images: Mapping[str, bytes], cut_at: int | None = None) -> list[AnyMessage]:
    """The messages of a turn that has a reply. `cut_at` is the length of an interrupted one's text, if not all of it.

    Text may be added to an interrupted reply after it was sent, and tool steps with it: it is its text alone, always.
    """
    prompt, *rest = turn.messages
    if turn.status is Status.INTERRUPTED:
        return [message_as_sent(prompt, images), AIMessage(f"{turn.reply[:cut_at]}{CUT_OFF}")]
    sent = [message_as_sent(prompt, images), *(message_as_sent(message, images) for message in rest)]
    if turn.status is Status.COMPLETE:
        return sent
    answered = [step for message in sent if (step := _without_open_calls(message, sent)) is not None]
    if isinstance(last := answered[-1], AIMessage):
        answered[-1] = last.model_copy(update={"content": f"{last.text}{CUT_OFF}"})
    return answered


def message_as_sent(message: Message, images: Mapping[str, bytes]) -> AnyMessage:
    """With its images, or their names where those are not given, and without what a model thought."""
    if message.images:
        blocks = [_block(image, images.get(image.digest)) for image in message.images]
        return HumanMessage([{"type": "text", "text": message.content}, *blocks])
    whole = to_langchain(message)
    if message.full is not None and isinstance(whole, AIMessage):
        # What else a provider puts into its content is for nobody but itself.
        return AIMessage(whole.text, tool_calls=whole.tool_calls, id=whole.id)
    return whole


def raw_turn(turn: Turn, *, blind: bool) -> float:
    """What a turn is estimated at, in tokens before any correction, for a model that may see no images."""
    if turn.status is Status.COMPLETE:
        return sum(raw_message(message, blind=blind) for message in turn.messages)
    rest = turn_as_sent(turn, {})[1:]
    return raw_message(turn.messages[0], blind=blind) + sum(map(raw_sent, rest))


def raw_message(message: Message, *, blind: bool) -> float:
    if message.full is None:
        return raw_tokens(message.content) + PER_MESSAGE
    if message.images and not blind:
        return raw_tokens(message.content) + PER_MESSAGE + PER_IMAGE * len(message.images)
    return raw_sent(message_as_sent(message, {}))


def count_sent(turns: Iterable[Turn]) -> int:
    """How many messages the turns are sent as."""
    return sum(len(turn.messages if turn.status is Status.COMPLETE else turn_as_sent(turn, {})) for turn in turns)


def raw_sent(message: AnyMessage) -> float:
    """What a message is estimated at as it is sent, in tokens before any correction."""
    blocks: list[Any] = [message.content] if isinstance(message.content, str) else list(message.content)
    calls = message.tool_calls if isinstance(message, AIMessage) else []
    return PER_MESSAGE + sum(map(_raw_block, blocks)) + (raw_tokens(json.dumps(calls)) if calls else 0)


def _raw_block(block: Any) -> float:
    text = block if isinstance(block, str) else block.get("text")
    return raw_tokens(text) if isinstance(text, str) else PER_IMAGE


def _without_open_calls(message: AnyMessage, sent: list[AnyMessage]) -> AnyMessage | None:
    """Without calls of tools that never answered, which most providers refuse; None where nothing is left."""
    if not isinstance(message, AIMessage) or not message.tool_calls:
        return message
    answered = {step.tool_call_id for step in sent if isinstance(step, ToolMessage)}
    calls = [call for call in message.tool_calls if call["id"] in answered]
    return message.model_copy(update={"tool_calls": calls}) if calls or message.text else None


def _block(image: Image, content: bytes | None) -> dict[str, Any]:
    if content is None:
        return {"type": "text", "text": f"[An image that you can't see: {image.name}]"}
    return {"type": "image", "base64": base64.b64encode(content).decode(), "mime_type": image.media_type}
