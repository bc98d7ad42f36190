"""What one message of ChatGPT's says: its content is of one of many types."""

import json
from typing import Any

from storage.transfer.citations import without_marks
from storage.transfer.nodes import Said, Speech
from storage.transfer.texts import clean, clean_json, joined, row, table, tables, text_of, with_attached

_THOUGHT = {"thoughts", "reasoning_recap"}


def said_in(message: dict[str, Any], role: str) -> tuple[Said, ...]:
    """Nothing where an answer or a tool's step is empty; a prompt is one even then."""
    text = shown_text(message)
    if role == "user":
        return (Said(Speech.PROMPT, text),)
    if not text:
        return ()
    if role == "assistant":
        return (_of_assistant(message, text),)
    content = table(message.get("content"))
    name = clean(table(message.get("author")).get("name")) or (role if role != "tool" else "")
    return (Said(Speech.RESULT, text, name=name, failed=content.get("content_type") == "system_error"),)


def shown_text(message: dict[str, Any]) -> str:
    """Its text, with the names of images and attachments in a last line."""
    content = message.get("content")
    text, unnamed = _text(content)
    return with_attached(without_marks(text), _attached(message, unnamed))


def _of_assistant(message: dict[str, Any], text: str) -> Said:
    kind = clean(table(message.get("content")).get("content_type"))
    recipient = clean(message.get("recipient")) or "all"
    if kind in _THOUGHT or (message.get("channel") == "analysis" and recipient == "all"):
        return Said(Speech.THINKING, text)
    if recipient == "all":
        return Said(Speech.TEXT, text)
    return Said(Speech.CALL, text, name=recipient, arguments=_arguments(text))


def _arguments(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return clean_json(found) if isinstance(found, dict) else None


def _text(content: object) -> tuple[str, list[str]]:
    """The text, and what it has images or sounds of, by their addresses or kinds."""
    fields = table(content)
    if not fields:
        return text_of(content), []
    if fields.get("content_type") == "thoughts" or "thoughts" in fields:
        return joined(map(_thought, row(fields.get("thoughts")))), []
    if "parts" not in fields:
        return text_of({name: value for name, value in fields.items() if name not in {"content_type", "language"}}), []
    parts = [_part(part) for part in (fields["parts"] if isinstance(fields["parts"], list) else [fields["parts"]])]
    return joined((text for text, _ in parts), "\n"), [name for _, name in parts if name]


def _thought(thought: object) -> str:
    fields = table(thought)
    if not fields:
        return text_of(thought)
    return joined([text_of(fields.get("summary")), text_of(fields.get("content"))], "\n") or text_of(thought)


def _part(part: object) -> tuple[str, str]:
    fields = table(part)
    kind = clean(fields.get("content_type"))
    if "asset_pointer" in kind:
        return "", clean(fields.get("asset_pointer")) or kind
    return text_of(part), ""


def _attached(message: dict[str, Any], unnamed: list[str]) -> list[str]:
    """The names of attachments, then of what else there is a picture or sound of."""
    attachments = tables(table(message.get("metadata")).get("attachments"))
    names = [clean(one.get("name")) or clean(one.get("id")) or "file" for one in attachments]
    ids = {clean(one.get("id")) for one in attachments}
    rest = [address for address in unnamed if address.rpartition("/")[2] not in ids]
    return names + ["audio" if "audio" in address or "video" in address else "image" for address in rest]
