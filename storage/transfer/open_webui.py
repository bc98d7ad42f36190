"""Open WebUI's chats: messages by their ids in `history.messages`, each with its parent; and a plain list."""

from typing import Any

from storage.records import Status
from storage.transfer.dates import moment
from storage.transfer.nodes import Node, keyed
from storage.transfer.open_webui_content import error_of, prompt_of, reply_of
from storage.transfer.outline import Outline, to_talk
from storage.transfer.talk import Talk
from storage.transfer.texts import Unreadable, clean, count_of, row, table, text_of

_INPUT = ("prompt_tokens", "input_tokens", "prompt_eval_count")
_RATINGS = {"1": 1, "-1": -1}
_OUTPUT = ("completion_tokens", "output_tokens", "eval_count")


def read(conversation: dict[str, Any]) -> Talk:
    """One chat: what an export wraps, or the bare one inside. Raises Unreadable."""
    chat = table(conversation.get("chat")) or conversation
    messages = _messages(chat)
    usual_model = next((name for name in map(clean, row(chat.get("models"))) if name), "")
    nodes: list[Node] = []
    told: list[tuple[str | None, str]] = [(None, text_of(table(chat.get("params")).get("system")))]
    for key, message in messages:
        system = message.get("role") == "system"
        if system:
            told.append((key, text_of(message.get("content"))))
        nodes.append(Node(key, _parent(message)) if system else _node(key, message, usual_model))
    current = table(chat.get("history")).get("currentId") or conversation.get("current_message_id")
    return to_talk(
        Outline(
            kind="open-webui",
            identity=clean(conversation.get("id")) or clean(chat.get("id")),
            title=clean(conversation.get("title")) or clean(chat.get("title")),
            created=moment(conversation.get("created_at")) or moment(chat.get("timestamp")),
            updated=moment(conversation.get("updated_at")),
            nodes=tuple(nodes),
            current=current if isinstance(current, str) else None,
            told=tuple(told),
            pinned=conversation.get("pinned") is True,
            archived=conversation.get("archived") is True,
            tags=_tags(conversation, chat),
        )
    )


def _messages(chat: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """By their ids, from the tree, or where there is none from the plain list."""
    tree = table(chat.get("history")).get("messages")
    if isinstance(tree, dict) and (tree or not chat.get("messages")):
        found = list(tree.items())
    elif isinstance(chat.get("messages"), list):
        return _linked(chat["messages"])
    else:
        raise Unreadable("Its messages are missing: “history.messages” is no object.")
    if not all(isinstance(message, dict) for _, message in found):
        raise Unreadable("One of its messages is none.")
    return found


def _linked(messages: list[Any]) -> list[tuple[str, dict[str, Any]]]:
    """Those of a list, where each without a parent follows the one before it."""
    if not all(isinstance(message, dict) for message in messages):
        raise Unreadable("One of its messages is none.")
    found: list[tuple[str, dict[str, Any]]] = []
    for key, message in keyed(messages, "id"):
        found.append((key, {"parentId": found[-1][0] if found else None, **message}))
    return found


def _parent(message: dict[str, Any]) -> str | None:
    parent = message.get("parentId")
    return parent if isinstance(parent, str) else None


def _node(key: str, message: dict[str, Any], usual_model: str) -> Node:
    at = moment(message.get("timestamp"))
    if message.get("role") == "user":
        return Node(key, _parent(message), said=(prompt_of(message),), at=at)
    usage = table(message.get("usage")) or table(table(message.get("info")).get("usage"))
    error = error_of(message)
    unfinished = Status.INTERRUPTED if message.get("done") is False else Status.COMPLETE
    return Node(
        key,
        _parent(message),
        said=reply_of(message),
        at=at,
        model=clean(message.get("model")) or usual_model,
        status=unfinished if error is None else Status.FAILED,
        error=error,
        rating=_RATINGS.get(text_of(table(message.get("annotation")).get("rating"))),
        input_tokens=_tokens(usage, _INPUT),
        output_tokens=_tokens(usage, _OUTPUT),
    )


def _tokens(usage: dict[str, Any], names: tuple[str, ...]) -> int | None:
    return next((count for name in names if (count := count_of(usage.get(name))) is not None), None)


def _tags(conversation: dict[str, Any], chat: dict[str, Any]) -> tuple[str, ...]:
    tags = row(table(conversation.get("meta")).get("tags")) or row(chat.get("tags"))
    return tuple(clean(tag) or clean(table(tag).get("name")) for tag in tags)
