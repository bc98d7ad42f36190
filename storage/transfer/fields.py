"""Field after field of our own document: what is not as we write it is refused, with the reason, and never guessed.

All of these raise Unreadable.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from storage.errors import TextRefused
from storage.rows import checked
from storage.transfer.dates import from_text
from storage.transfer.texts import Unreadable, shown

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)

MOST = 2**31
"""Above all numbers: PostgreSQL's have 32 bits with their sign."""

LONGEST_NAME = 1_000
"""Bytes of what databases look for: an entry of PostgreSQL's indexes has some 2,700."""

DEEPEST = 100
"""Objects and lists inside of each other, of what only the agent looks into."""


def object_of(value: object, known: frozenset[str]) -> dict[str, Any]:
    """An object that has no other fields than these: a field that nobody reads would be lost without a word."""
    if not isinstance(value, dict):
        raise Unreadable("It is no object.")
    if not value.keys() <= known:
        name = shown(min(value.keys() - known))
        raise Unreadable(f"It has a field “{name}” that this Windowseat does not know: a newer one may read it.")
    return value


def each(values: Sequence[Any], what: str, understand: Callable[[Any], T]) -> tuple[T, ...]:
    """All of them understood; a reason says which could not be, by its place, from 0."""
    found: list[T] = []
    for value in values:
        try:
            found.append(understand(value))
        except Unreadable as error:
            raise Unreadable(f"{what} {len(found)}: {error}") from error
    return tuple(found)


def text(of: Mapping[str, Any], name: str, usual: str | None = None) -> str:
    """`usual` is for a field that is not there; without it there must be one."""
    value = of.get(name, usual)
    if type(value) is not str:
        raise _wrong(of, name, "is no text")
    return storable(value, name)


def storable(value: str, name: str) -> str:
    try:
        return checked(value)
    except TextRefused as error:
        raise Unreadable(f"“{name}” holds a NUL character or half of a character, which no database keeps.") from error


def name_in(of: Mapping[str, Any], name: str, usual: str | None = None) -> str:
    """A text that databases look for."""
    return short(text(of, name, usual), name)


def short(value: str, name: str) -> str:
    if len(value) > LONGEST_NAME or len(value.encode()) > LONGEST_NAME:
        raise Unreadable(f"“{name}” is longer than {LONGEST_NAME:,} bytes.")
    return value


def text_or_none(of: Mapping[str, Any], name: str) -> str | None:
    return text(of, name) if name in of else None


def number(of: Mapping[str, Any], name: str) -> int:
    value = of.get(name)
    if type(value) is not int or not 0 <= value < MOST:
        raise _wrong(of, name, "is no whole number that is kept")
    return value


def number_or_none(of: Mapping[str, Any], name: str) -> int | None:
    return number(of, name) if name in of else None


def flag(of: Mapping[str, Any], name: str) -> bool:
    value = of.get(name, False)
    if type(value) is not bool:
        raise _wrong(of, name, "is neither true nor false")
    return value


def moment(of: Mapping[str, Any], name: str) -> datetime:
    value = of.get(name)
    found = from_text(value) if type(value) is str else None
    if found is None:
        raise _wrong(of, name, "is no moment such as 2026-05-04T12:00:00.000000Z, from 1970 until 2999")
    return found


def moment_or_none(of: Mapping[str, Any], name: str) -> datetime | None:
    return moment(of, name) if name in of else None


def one_of(kind: type[E], of: Mapping[str, Any], name: str) -> E:
    value = of.get(name)
    try:
        return kind(value) if type(value) is str else kind("")
    except ValueError as error:
        raise _wrong(of, name, f"is none of {', '.join(kind)}") from error


def rows(of: Mapping[str, Any], name: str) -> list[Any]:
    value = of.get(name, [])
    if type(value) is not list:
        raise _wrong(of, name, "is no list")
    return value


def table(of: Mapping[str, Any], name: str) -> dict[str, Any]:
    """An object that only the agent looks into; {} where there is none."""
    value = of.get(name, {})
    if type(value) is not dict:
        raise _wrong(of, name, "is no object")
    kept(value, name)
    return value


def kept(value: Any, name: str, *, finite: bool = True, levels: int = DEEPEST) -> Any:
    """What is kept as JSON, unchanged. NUL may stand in it, since JSON has a way to write that."""
    if isinstance(value, str):
        _check_whole(value, name)
    elif isinstance(value, dict | list):
        if not levels:
            raise Unreadable(f"“{name}” is nested more than {DEEPEST} deep.")
        for part in value if isinstance(value, list) else (*value, *value.values()):
            kept(part, name, finite=finite, levels=levels - 1)
    elif finite and isinstance(value, float) and not math.isfinite(value):
        raise Unreadable(f"“{name}” holds NaN or Infinity, which is no number in JSON.")
    return value


def _check_whole(value: str, name: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise Unreadable(f"“{name}” holds half of a character, which no database keeps.") from error


def _wrong(of: Mapping[str, Any], name: str, matter: str) -> Unreadable:
    return Unreadable(f"“{name}” {matter if name in of else 'is missing'}.")
