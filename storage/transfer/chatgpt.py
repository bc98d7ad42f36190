"""ChatGPT's conversations, from `conversations.json` or its shards: a `mapping` of nodes, each with its parent."""

from typing import Any

from storage.records import Status
from storage.transfer.chatgpt_content import said_in, shown_text
from storage.transfer.dates import moment
from storage.transfer.nodes import Node
from storage.transfer.outline import Outline, to_talk
from storage.transfer.talk import Talk
from storage.transfer.texts import Unreadable, clean, row, table

_NEVER_SHOWN = {"user_editable_context", "model_editable_context"}
_ENDED = {"in_progress": Status.INTERRUPTED, "finished_partial_completion": Status.STOPPED}


def read(conversation: dict[str, Any]) -> Talk:
    """One conversation. Raises Unreadable."""
    mapping = conversation.get("mapping")
    if not isinstance(mapping, dict):
        raise Unreadable("Its messages are missing: “mapping” is no object.")
    parents = _listed_parents(mapping)
    nodes, told, hidden = [], [], 0
    for key, node in mapping.items():
        message = _message(node, key)
        parent = node["parent"] if "parent" in node else parents.get(key)
        bare = Node(key, parent if isinstance(parent, str) else None, at=moment(message.get("create_time")))
        if _is_hidden(message):
            hidden += bool(shown_text(message))
        elif _role(message) == "system":
            told.append((key, shown_text(message)))
        elif message:
            nodes.append(_full(bare, message, clean(conversation.get("default_model_slug"))))
            continue
        nodes.append(bare)
    current = conversation.get("current_node")
    return to_talk(
        Outline(
            kind="chatgpt",
            identity=clean(conversation.get("conversation_id")) or clean(conversation.get("id")),
            title=clean(conversation.get("title")),
            created=moment(conversation.get("create_time")),
            updated=moment(conversation.get("update_time")),
            nodes=tuple(nodes),
            current=current if isinstance(current, str) else None,
            told=tuple(told),
            pinned=conversation.get("is_starred") is True or moment(conversation.get("pinned_time")) is not None,
            archived=conversation.get("is_archived") is True,
            hidden=hidden,
        )
    )


def _message(node: object, key: str) -> dict[str, Any]:
    """The message of a node, which may have none."""
    message = node.get("message") if isinstance(node, dict) else node
    if not isinstance(node, dict) or not (message is None or isinstance(message, dict)):
        raise Unreadable(f"Its message “{clean(key)[:60]}” is none.")
    return message or {}


def _listed_parents(mapping: dict[str, Any]) -> dict[str, str]:
    """By the lists of children, for nodes that don't name their parents."""
    children = ((key, child) for key, node in mapping.items() for child in row(table(node).get("children")))
    return {child: key for key, child in children if isinstance(child, str)}


def _role(message: dict[str, Any]) -> str:
    return clean(table(message.get("author")).get("role"))


def _is_hidden(message: dict[str, Any]) -> bool:
    about = table(message.get("metadata"))
    return (
        about.get("is_visually_hidden_from_conversation") is True
        or about.get("is_user_system_message") is True
        or clean(table(message.get("content")).get("content_type")) in _NEVER_SHOWN
    )


def _full(bare: Node, message: dict[str, Any], usual_model: str) -> Node:
    role, about = _role(message), table(message.get("metadata"))
    prompts = role == "user"
    stopped = table(about.get("finish_details")).get("type") == "interrupted"
    status = Status.STOPPED if stopped else _ENDED.get(clean(message.get("status")), Status.COMPLETE)
    return Node(
        bare.key,
        bare.parent,
        said=said_in(message, role),
        at=bare.at,
        model="" if prompts else clean(about.get("model_slug")) or usual_model,
        status=Status.COMPLETE if prompts else status,
    )
