"""Claude's conversations: `chat_messages` in a list, that of newer exports with the parent of each.

An official export names no models; those of tools that read the page do, and leave `text` empty.
"""

from typing import Any

from storage.records import Status
from storage.transfer.dates import moment
from storage.transfer.nodes import Node, Said, Speech, keyed
from storage.transfer.outline import Outline, to_talk
from storage.transfer.talk import Talk
from storage.transfer.texts import (
    Unreadable,
    as_json,
    clean,
    clean_json,
    joined,
    row,
    table,
    tables,
    text_of,
    with_attached,
)

_CUT = {"user_canceled": Status.STOPPED, "user_cancelled": Status.STOPPED, "max_tokens": Status.INTERRUPTED}
_SILENT = {"token_budget", "flag"}
_NO_TEXT = "This block is not supported on your current device yet."


def read(conversation: dict[str, Any]) -> Talk:
    """One conversation. Raises Unreadable."""
    messages = conversation.get("chat_messages")
    if not isinstance(messages, list):
        raise Unreadable("Its messages are missing: “chat_messages” is no list.")
    if not all(isinstance(message, dict) for message in messages):
        raise Unreadable("One of its messages is none.")
    nodes: list[Node] = []
    model = clean(conversation.get("model"))
    for key, message in keyed(messages, "uuid"):
        nodes.append(_node(key, nodes[-1].key if nodes else None, message, model))
    current = conversation.get("current_leaf_message_uuid")
    return to_talk(
        Outline(
            kind="claude",
            identity=clean(conversation.get("uuid")),
            title=clean(conversation.get("name")),
            created=moment(conversation.get("created_at")),
            updated=moment(conversation.get("updated_at")),
            nodes=tuple(nodes),
            current=current if isinstance(current, str) else None,
            pinned=conversation.get("is_starred") is True,
        )
    )


def _node(key: str, previous: str | None, message: dict[str, Any], usual_model: str) -> Node:
    parent = message.get("parent_message_uuid", previous)
    prompts = message.get("sender") == "human"
    return Node(
        key,
        parent if isinstance(parent, str) else None,
        said=(_prompt(message),) if prompts else _reply(message),
        at=moment(message.get("created_at")),
        model="" if prompts else clean(message.get("model")) or usual_model,
        status=_CUT.get(clean(message.get("stop_reason")), Status.COMPLETE),
    )


def _prompt(message: dict[str, Any]) -> Said:
    blocks = row(message.get("content"))
    text = joined(map(_shown, blocks)) or text_of(message.get("text"))
    read_out, names = [], []
    for file in tables(message.get("attachments")):
        name, content = clean(file.get("file_name")) or "pasted text", clean(file.get("extracted_content"))
        if content:
            read_out.append(f"[Attached: {name}]\n{content}")
        else:
            names.append(name)
    names += [clean(file.get("file_name")) or "file" for file in tables(message.get("files"))]
    return Said(Speech.PROMPT, with_attached(joined([text, *read_out]), list(dict.fromkeys(names))))


def _reply(message: dict[str, Any]) -> tuple[Said, ...]:
    """What the blocks say; the text where they say none."""
    said = [part for block in row(message.get("content")) if (part := _block(block)) is not None]
    text = text_of(message.get("text"))
    names = [clean(file.get("file_name")) or "file" for file in tables(message.get("files"))]
    if text and not any(part.kind is Speech.TEXT for part in said) and not _tells(said, text):
        said.append(Said(Speech.TEXT, text))
    if names:
        said.append(Said(Speech.TEXT, with_attached("", names)))
    return tuple(said)


def _tells(said: list[Said], text: str) -> bool:
    """Whether the text only repeats a block, or only says that blocks can't be shown."""
    return bool(said) and (_NO_TEXT in text or any(part.text == text for part in said))


def _block(block: object) -> Said | None:
    fields = table(block)
    kind = clean(fields.get("type"))
    if kind == "thinking":
        thought = text_of(fields.get("thinking")) or text_of(fields.get("summaries"))
        return Said(Speech.THINKING, thought) if thought else None
    if kind == "tool_use":
        asked = clean_json(fields.get("input"))
        arguments = asked if isinstance(asked, dict) else None
        return Said(
            Speech.CALL,
            asked if isinstance(asked, str) else as_json(asked),
            *_of_call(fields, "id"),
            arguments=arguments,
        )
    if kind == "tool_result":
        failed = fields.get("is_error") is True
        text = text_of(fields.get("content"))
        return Said(Speech.RESULT, text, *_of_call(fields, "tool_use_id"), failed=failed) if text else None
    text = _shown(block)
    return Said(Speech.TEXT, text) if text else None


def _of_call(fields: dict[str, Any], called: str) -> tuple[str, str]:
    return clean(fields.get("name")), clean(fields.get(called))


def _shown(block: object) -> str:
    fields = table(block)
    if clean(fields.get("type")) in _SILENT:
        return ""
    return clean(fields["text"]) if isinstance(fields.get("text"), str) else text_of(block)
