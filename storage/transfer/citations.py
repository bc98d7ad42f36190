"""The marks of citations that ChatGPT keeps in its texts, in characters for private use."""

import json
import re

from storage.transfer.texts import clean

_SPAN = re.compile("\ue200([^\ue200\ue201]*+)\ue201")
_MARKS = re.compile("[\ue200-\ue202]")


def without_marks(text: str) -> str:
    """The text as it was shown: citations are gone, and of what was a link or a name its words remain."""
    return _MARKS.sub("", _SPAN.sub(_words, text)) if _MARKS.search(text) else text


def _words(span: re.Match[str]) -> str:
    kind, *rest = span[1].split("\ue202")
    if kind == "url" and rest:
        return f"[{rest[0]}]({rest[1]})" if len(rest) > 1 else rest[0]
    return _of_entity(rest[0]) if kind == "entity" and rest else ""


def _of_entity(written: str) -> str:
    """The name in `["city","Lisbon"]`."""
    try:
        found = json.loads(written)
    except (ValueError, RecursionError):
        return ""
    return clean(found[1]) if isinstance(found, list) and len(found) > 1 else ""
