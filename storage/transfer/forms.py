"""The forms in which sessions are taken along, and how they are written: one after the other, never all at once."""

import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from typing import IO

from storage.records import Session
from storage.transfer.document import as_json
from storage.transfer.markdown import as_markdown
from storage.transfer.page import as_page
from storage.transfer.talk import Talk


class Form(StrEnum):
    """JSON has all of a session and can be taken in again; Markdown and HTML show its active path."""

    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"


_WRITERS: dict[Form, Callable[[Talk], str]] = {Form.MARKDOWN: as_markdown, Form.HTML: as_page}
_ENDINGS = {Form.JSON: "json", Form.MARKDOWN: "md", Form.HTML: "html"}
_MEDIA_TYPES = {Form.JSON: "application/json", Form.MARKDOWN: "text/markdown", Form.HTML: "text/html"}

_NO_NAME = re.compile(r"[^\w.-]+")
LONGEST = 60


def ending_of(form: Form, *, many: bool) -> str:
    """That of a file's name; Markdown and HTML of many sessions are a zip with a file for each."""
    return "zip" if many and form in _WRITERS else _ENDINGS[form]


def media_type_of(form: Form, *, many: bool) -> str:
    return "application/zip" if many and form in _WRITERS else _MEDIA_TYPES[form]


def file_name(talk: Talk | Session, form: Form) -> str:
    """One that every system takes, which says what is in it."""
    title = _NO_NAME.sub("-", talk.title or talk.session_id)[:LONGEST].strip("-.") or "session"
    return f"{talk.created_at:%Y-%m-%d}-{title}.{_ENDINGS[form]}"


def as_file(talks: Iterable[Talk], form: Form, *, many: bool) -> Iterator[bytes]:
    """The file, in pieces of one session each. Of many sessions as Markdown or HTML it is a zip."""
    if form is Form.JSON:
        yield from (piece.encode() for piece in as_json(talks))
    elif not many:
        yield from (_WRITERS[form](talk).encode() for talk in talks)
    else:
        yield from _zipped(talks, form)


class _Collected:
    """A file that somebody empties while it is written."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._length = 0

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        self._length += len(data)
        return len(data)

    def tell(self) -> int:
        return self._length

    def flush(self) -> None:
        pass

    def taken(self) -> bytes:
        found, self._parts = b"".join(self._parts), []
        return found


def _zipped(talks: Iterable[Talk], form: Form) -> Iterator[bytes]:
    collected = _Collected()
    names: set[str] = set()
    with zipfile.ZipFile(_as_file(collected), "w", zipfile.ZIP_DEFLATED) as archive:
        for talk in talks:
            archive.writestr(_unlike(file_name(talk, form), names), _WRITERS[form](talk))
            yield collected.taken()
    yield collected.taken()


def _as_file(collected: _Collected) -> IO[bytes]:
    return collected  # type: ignore[return-value] # zipfile writes and tells, and no more


def _unlike(name: str, names: set[str]) -> str:
    """The name, with a number where it was used before."""
    stem, _, ending = name.rpartition(".")
    number, found = 1, name
    while found in names:
        number += 1
        found = f"{stem}-{number}.{ending}"
    names.add(found)
    return found


def is_many(session_ids: Sequence[str] | None) -> bool:
    return session_ids is None or len(session_ids) != 1
