"""What foreign JSON says, whatever shape it is in: nothing here trusts that a field is what it should be."""

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

_UNKEPT = re.compile("[\0\ud800-\udfff]")
_UNKEPT_IN_JSON = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000|[\ud800-\udfff]")

_SAYING = ("title", "name", "url", "result", "summary", "text", "output_str", "content", "output")
"""The fields of an object that hold what it says, in the order in which they are shown."""

_LONGEST_SHOWN = 60

MOST_LEVELS = 20
"""How deep texts are looked for inside of each other; what lies deeper is shown as JSON."""


class Unreadable(Exception):
    """Why a conversation can't be read, in a sentence."""


def table(value: object) -> dict[str, Any]:
    """The object, or an empty one where it is none."""
    return value if isinstance(value, dict) else {}


def row(value: object) -> list[Any]:
    """The list, or an empty one where it is none."""
    return value if isinstance(value, list) else []


def tables(value: object) -> list[dict[str, Any]]:
    """The objects in a list."""
    return [one for one in row(value) if isinstance(one, dict)]


def clean(value: object) -> str:
    """A text without what no database keeps; "" for what is none."""
    return _UNKEPT.sub("", value) if isinstance(value, str) else ""


def shown(value: object) -> str:
    """The beginning of a text, on one line, to name something by."""
    return " ".join(clean(value).split())[:_LONGEST_SHOWN]


def clean_json(value: object) -> Any:
    """The same value, with all its texts clean. Raises Unreadable where it is nested without end."""
    written = _UNKEPT_IN_JSON.sub(lambda found: found[1] or "", as_json(value))
    return json.loads(written, parse_constant=lambda _: None)


def as_json(value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, default=str, skipkeys=True)
    except (RecursionError, ValueError) as error:
        raise Unreadable("Its values are nested too deeply.") from error


def text_of(value: object, levels: int = MOST_LEVELS) -> str:
    """What a text, a number, or a list or object of them says, each on a line of its own."""
    if value is None or isinstance(value, str):
        return clean(value)
    if isinstance(value, list) and levels:
        return joined((text_of(one, levels - 1) for one in value), "\n")
    if isinstance(value, dict) and levels:
        found = joined((text_of(value[name], levels - 1) for name in _SAYING if value.get(name)), "\n")
        return found or _rest_of(value)
    return clean(as_json(value))


def joined(texts: Iterable[str], between: str = "\n\n") -> str:
    return between.join(text for text in texts if text)


def with_attached(text: str, names: Sequence[str]) -> str:
    """The text, and in a last line the names of what came with it."""
    return joined([text, f"[Attached: {', '.join(names)}]" if names else ""])


def count_of(value: object) -> int | None:
    """A number of tokens; None for what can't be one."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 31 else None


def _rest_of(value: dict[str, Any]) -> str:
    rest = {name: one for name, one in value.items() if name not in {"type", "content_type"} and one}
    return clean(as_json(rest)) if rest else ""
