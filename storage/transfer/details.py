"""The `<details>` in which Open WebUI keeps thinking and tool steps inside of the text of a reply."""

import html
import json
import re
from collections.abc import Iterator
from typing import Any

from storage.transfer.nodes import Said, Speech
from storage.transfer.texts import as_json, clean, clean_json

_OPENS = re.compile('<details type="(reasoning|tool_calls|code_interpreter)"')
# Possessive, as is the next: no text makes them go back.
_REST_OF_TAG = re.compile("((?:[^\"'>]++|\"[^\"]*+\"|'[^']*+')*+)>")
_ATTRIBUTE = re.compile("(?<![\\w-])([\\w-]++)=(?:\"([^\"]*+)\"|'([^']*+)')")
_CLOSES, _SUMMARY, _SUMMARY_ENDS = "</details>", "<summary>", "</summary>"


def parts_of(content: str) -> list[Said]:
    """The texts, thinking, and calls of tools with their results, in order. What is not closed is text."""
    return [part for part in _parts(content) if part.text or part.kind is Speech.CALL]


def _parts(content: str) -> Iterator[Said]:
    at = 0
    while opening := _OPENS.search(content, at):
        tag = _REST_OF_TAG.match(content, opening.end())
        end = content.find(_CLOSES, tag.end()) if tag else -1
        if tag is None or end < 0:
            break
        yield Said(Speech.TEXT, content[at : opening.start()].strip())
        yield from _of_details(opening[1], _attributes(tag[1]), _body(content[tag.end() : end]))
        at = end + len(_CLOSES)
    yield Said(Speech.TEXT, content[at:].strip() if at else content)


def _of_details(kind: str, attributes: dict[str, str], body: str) -> Iterator[Said]:
    if kind == "reasoning":
        yield Said(Speech.THINKING, _unquoted(html.unescape(body)))
        return
    tools = kind == "tool_calls"
    name = attributes.get("name", "") or ("tool" if tools else "code_interpreter")
    call_id = attributes.get("id", "")
    asked = attributes.get("arguments", "") if tools else body
    result = _plain(attributes.get("result") or (html.unescape(body) if tools else attributes.get("output", "")))
    yield call(name, call_id, asked)
    yield Said(Speech.RESULT, result, name=name, call_id=call_id)


def call(name: str, call_id: str, asked: object) -> Said:
    """A call of a tool whose arguments may be JSON, or JSON inside of JSON's text."""
    told = _decoded(asked)
    shown = told if isinstance(told, str) else as_json(told)
    return Said(
        Speech.CALL,
        clean(shown),
        name=name,
        call_id=call_id,
        arguments=clean_json(told) if isinstance(told, dict) else None,
    )


def _attributes(written: str) -> dict[str, str]:
    return {found[1]: html.unescape(found[2] or found[3] or "") for found in _ATTRIBUTE.finditer(written)}


def _body(inside: str) -> str:
    inside = inside.strip()
    end = inside.find(_SUMMARY_ENDS) if inside.startswith(_SUMMARY) else -1
    return inside if end < 0 else inside[end + len(_SUMMARY_ENDS) :].strip()


def _unquoted(text: str) -> str:
    """Without the `> ` before each line."""
    return "\n".join(line.removeprefix(">").removeprefix(" ") for line in text.splitlines()).strip()


def _plain(written: str) -> str:
    """A result without the quotes of JSON around it."""
    told = _decoded(written)
    return told if isinstance(told, str) else written


def _decoded(written: object) -> Any:
    for _ in range(2):
        try:
            written = json.loads(written) if isinstance(written, str) and written[:1] in {'"', "{"} else written
        except (ValueError, RecursionError):
            break
    return clean(written) if isinstance(written, str) else written
