"""Which program a file comes from: told by the shape of what stands in it, never by its name."""

import re
from enum import StrEnum

OURS = re.compile(rb'\{\s*+"format"\s*+:\s*+"windowseat"')
"""How a file of our own begins."""

_SESSION = {"session_id", "last_activity"}
"""Fields that each of its sessions has."""


class Kind(StrEnum):
    """Where a conversation comes from; `langchain` is a table of a database."""

    WINDOWSEAT = "windowseat"
    CHATGPT = "chatgpt"
    CLAUDE = "claude"
    OPEN_WEBUI = "open-webui"
    LANGCHAIN = "langchain"


_TELLING = {
    "mapping": Kind.CHATGPT,
    "chat_messages": Kind.CLAUDE,
    "chat": Kind.OPEN_WEBUI,
    "history": Kind.OPEN_WEBUI,
}


def kind_of_conversation(conversation: object) -> Kind | None:
    """None where it is none of those that are read."""
    if not isinstance(conversation, dict):
        return None
    if conversation.keys() >= _SESSION:
        return Kind.WINDOWSEAT
    return next((kind for name, kind in _TELLING.items() if name in conversation), None)
