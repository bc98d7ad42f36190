"""What one message of Open WebUI's says: a text with thinking and tool steps in it, or its `output` beside."""

from collections.abc import Iterator
from typing import Any

from storage.transfer.details import call, parts_of
from storage.transfer.nodes import Said, Speech
from storage.transfer.texts import clean, table, tables, text_of, with_attached


def prompt_of(message: dict[str, Any]) -> Said:
    text, images = _content(message.get("content"))
    names = [*map(_file_name, tables(message.get("files"))), *images]
    return Said(Speech.PROMPT, with_attached(text, names))


def reply_of(message: dict[str, Any]) -> tuple[Said, ...]:
    """By its content; thinking and tool steps that are only in its output come before the text."""
    text, images = _content(message.get("content"))
    said = parts_of(text)
    if not any(part.kind is not Speech.TEXT for part in said):
        output = [part for item in tables(message.get("output")) if (part := _item(item)) is not None]
        said = [part for part in output if not said or part.kind is not Speech.TEXT] + said
    names = [*map(_file_name, tables(message.get("files"))), *images]
    return tuple([*said, Said(Speech.TEXT, with_attached("", names))] if names else said)


def error_of(message: dict[str, Any]) -> str | None:
    """The sentence of an error; None where there is none."""
    error = message.get("error")
    if not error:
        return None
    return (text_of(error) if not isinstance(error, bool) else "") or "The other program reported an error."


def _content(content: object) -> tuple[str, list[str]]:
    """The text, and the names of images in it."""
    if not isinstance(content, list):
        return text_of(content), []
    texts = [one for one in content if clean(table(one).get("type")) not in {"image_url", "image"}]
    return text_of(texts), ["image"] * (len(content) - len(texts))


def _file_name(file: dict[str, Any]) -> str:
    inside = table(file.get("file"))
    names = (file.get("name"), inside.get("filename"), table(inside.get("meta")).get("name"), file.get("type"))
    return next((name for name in map(clean, names) if name), "file")


def _item(item: dict[str, Any]) -> Said | None:
    kind, call_id, name = (clean(item.get(field)) for field in ("type", "call_id", "name"))
    if kind == "function_call":
        return call(name, call_id, item.get("arguments"))
    text = "\n".join(_texts(item))
    kinds = {"reasoning": Speech.THINKING, "message": Speech.TEXT, "function_call_output": Speech.RESULT}
    return Said(kinds.get(kind, Speech.RESULT), text, name=name, call_id=call_id) if text else None


def _texts(item: dict[str, Any]) -> Iterator[str]:
    for field in ("content", "summary", "output"):
        if text := text_of(item.get(field)):
            yield text
            return
