"""Made-up exports of other chat programs, in the shapes that theirs have."""

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

BEGUN = 1_760_000_000.5
"""When the conversations began, in seconds since 1970."""

Json = dict[str, Any]


def zipped(files: Mapping[str, Any], **how: Any) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, **how) as archive:
        for name, content in files.items():
            archive.writestr(name, content if isinstance(content, bytes | str) else json.dumps(content))
    return packed.getvalue()


def written(folder: Path, content: Any, name: str = "export") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def chatgpt_node(
    key: str, parent: str | None, role: str, content: Any, after: float | None = None, **more: Any
) -> Json:
    """A node; `content` is a text or a whole content, `after` in seconds, `name` the author's."""
    name, about = more.pop("name", None), more.pop("metadata", {})
    message = {
        "id": key,
        "author": {"role": role, "name": name, "metadata": {}},
        "create_time": None if after is None else BEGUN + after,
        "update_time": None,
        "content": {"content_type": "text", "parts": [content]} if isinstance(content, str) else content,
        "status": "finished_successfully",
        "weight": 1.0,
        "recipient": "all",
        "metadata": about,
    }
    return {"id": key, "parent": parent, "children": [], "message": message | more}


def chatgpt(*nodes: Json, current: str | None = None, **more: Any) -> Json:
    """A conversation of these nodes below an empty root, called “top”."""
    root: Json = {"id": "top", "parent": None, "children": [], "message": None}
    return {
        "id": "c-1",
        "conversation_id": "c-1",
        "title": "Lisbon",
        "create_time": BEGUN,
        "update_time": BEGUN + 1000,
        "current_node": current,
        "default_model_slug": "gpt-5",
        "is_archived": False,
        "is_starred": None,
        "mapping": {node["id"]: node for node in (root, *nodes)},
    } | more


def chatgpt_trip() -> Json:
    """With the profile hidden, a tool, a picture, thoughts, an edited prompt and an answer made again."""
    profile = {"content_type": "user_editable_context", "user_profile": "I am Ada", "user_instructions": "Be short"}
    picture = {"content_type": "image_asset_pointer", "asset_pointer": "sediment://file_1"}
    drawn = {"content_type": "multimodal_text", "parts": [picture, "What is this?"]}
    called = {"content_type": "code", "language": "unknown", "text": '{"query": "tower"}'}
    thought = {"content_type": "thoughts", "thoughts": [{"summary": "Looking", "content": "A tower."}]}
    quoted = {"content_type": "tether_quote", "title": "Belém", "url": "https://example.org", "text": "A tower"}
    named = {"attachments": [{"id": "file_1", "name": "tower.png"}, {"id": "file_2", "name": "plan.pdf"}]}
    hidden = {"is_visually_hidden_from_conversation": True}
    return chatgpt(
        chatgpt_node("system", "top", "system", "", metadata=hidden),
        chatgpt_node("profile", "system", "user", profile, metadata={"is_user_system_message": True} | hidden),
        chatgpt_node("p1", "profile", "user", drawn, 1, metadata=named),
        chatgpt_node("think", "p1", "assistant", thought, 2, metadata={"model_slug": "o3"}),
        chatgpt_node("call", "think", "assistant", called, 3, recipient="web.search"),
        chatgpt_node("found", "call", "tool", quoted, 4, name="web.search"),
        chatgpt_node(
            "a1", "found", "assistant", "Belém.\ue200cite\ue202turn0search1\ue201", 5, metadata={"model_slug": "o3"}
        ),
        chatgpt_node("p2", "a1", "user", "How high?", 6),
        chatgpt_node("a2", "p2", "assistant", "30 m", 7),
        chatgpt_node("a2again", "p2", "assistant", "35 m", 8, metadata={"model_slug": "gpt-5-mini"}),
        chatgpt_node("p2edited", "a1", "user", "How old?", 9),
        chatgpt_node("a3", "p2edited", "assistant", "500 years", 10),
        current="a2",
    )


def claude_message(key: str, sender: str, content: Any, after: int, **more: Any) -> Json:
    """A message; `content` is a text or blocks."""
    blocks = [{"type": "text", "text": content, "citations": []}] if isinstance(content, str) else content
    return {
        "uuid": key,
        "text": content if isinstance(content, str) else "",
        "content": blocks,
        "sender": sender,
        "created_at": f"2025-10-09T09:{after:02}:00.5Z",
        "updated_at": f"2025-10-09T09:{after:02}:30.5Z",
        "attachments": [],
        "files": [],
    } | more


def claude(*messages: Json, **more: Any) -> Json:
    return {
        "uuid": "d-1",
        "name": "Lisbon",
        "summary": "",
        "created_at": "2025-10-09T09:00:00.000000Z",
        "updated_at": "2025-10-09T10:00:00.000000Z",
        "account": {"uuid": "me"},
        "chat_messages": list(messages),
    } | more


CLAUDE_ROOT = "00000000-0000-4000-8000-000000000000"


def open_webui_message(key: str, parent: str | None, role: str, content: Any, after: float, **more: Any) -> Json:
    return {
        "id": key,
        "parentId": parent,
        "childrenIds": [],
        "role": role,
        "content": content,
        "timestamp": int(BEGUN + after),
    } | more


def open_webui(*messages: Json, current: str | None = None, **more: Any) -> Json:
    """What an export holds of a chat; its list of messages is the path to the last one."""
    chat = {
        "title": "Lisbon",
        "models": ["llama3:8b"],
        "params": {},
        "tags": [],
        "timestamp": int(BEGUN * 1000),
        "history": {"currentId": current, "messages": {message["id"]: message for message in messages}},
        "messages": list(messages),
    }
    return {
        "id": "e-1",
        "user_id": "me",
        "title": "Lisbon",
        "chat": chat,
        "created_at": int(BEGUN),
        "updated_at": int(BEGUN + 1000),
        "archived": False,
        "pinned": False,
        "meta": {"tags": []},
        "folder_id": None,
    } | more
