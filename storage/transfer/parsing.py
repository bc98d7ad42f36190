"""From the JSON of one piece to its conversations."""

import json
from collections.abc import Sequence
from typing import Any

from storage.transfer.cutting import FOREIGN, OWN, Limits
from storage.transfer.recognise import kind_of_conversation
from storage.transfer.texts import Unreadable

_LONGEST_NUMBER = 40
_WRAPPERS = ("sessions", "chats", "conversations")


def parsed(content: bytes) -> Any:
    """What the JSON says. What JSON can't say (NaN) is None. Raises Unreadable."""
    return _loaded(content, FOREIGN, strict=False, parse_constant=_nothing, parse_int=_whole, object_pairs_hook=_every)


def parsed_as_own(content: bytes) -> Any:
    """What JSON that we wrote says; a name that stands twice in an object is none of it. Raises Unreadable."""
    return _loaded(content, OWN, object_pairs_hook=_once)


def _loaded(content: bytes, most: Limits, **how: Any) -> Any:
    # Those in texts are counted too: they say how many values there may be at the most.
    if content.count(b",") > most.commas:
        raise Unreadable("It holds too many values.")
    try:
        return json.loads(content.decode(), **how)
    except UnicodeDecodeError as error:
        raise Unreadable("It is not in UTF-8: save the file in that encoding.") from error
    except json.JSONDecodeError as error:
        raise Unreadable(f"It is no valid JSON: {error.msg}, {error.pos:,} characters in.") from error
    except RecursionError as error:
        raise Unreadable("Its values are nested too deeply.") from error
    except ValueError as error:
        raise Unreadable("It holds a number of too many digits.") from error


def conversations_in(value: Any) -> list[Any]:
    """It alone, or those that it wraps beside other things."""
    if isinstance(value, dict) and kind_of_conversation(value) is None:
        return next((value[name] for name in _WRAPPERS if isinstance(value.get(name), list)), [value])
    return [value]


def _nothing(_: str) -> None:
    return None


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_NUMBER else float(digits)


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Unreadable("A name stands twice in one of its objects.")
    return found


def _every(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object; of a name that stands there twice the second is kept beside the first."""
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    found = {}
    for place, (name, value) in enumerate(pairs):
        found[f"{name} ({place})" if name in found else name] = value
    return found
