"""The forms in which sessions are taken along, and how they are written: one after the other, never all at once."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum

from storage.records import Session
from storage.transfer.archive import File, zipped
from storage.transfer.document import as_json
from storage.transfer.markdown import as_markdown
from storage.transfer.names import Names, as_name
from storage.transfer.page import as_page
from storage.transfer.talk import Talk


class Form(StrEnum):
    """JSON has all of a session and can be taken in again; the others show its active path."""

    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"
    PDF = "pdf"


_ENDINGS = {Form.JSON: "json", Form.MARKDOWN: "md", Form.HTML: "html", Form.PDF: "pdf"}
_MEDIA_TYPES = {
    Form.JSON: "application/json",
    Form.MARKDOWN: "text/markdown",
    Form.HTML: "text/html",
    Form.PDF: "application/pdf",
}


def ending_of(form: Form, *, many: bool) -> str:
    """That of a file's name; of many sessions all but JSON is a zip with a file for each."""
    return "zip" if many and form in _WRITERS else _ENDINGS[form]


def media_type_of(form: Form, *, many: bool) -> str:
    return "application/zip" if many and form in _WRITERS else _MEDIA_TYPES[form]


def file_name(talk: Talk | Session, form: Form) -> str:
    """One that every system takes, which says what is in it."""
    name = as_name(talk.title) or as_name(talk.session_id) or "session"
    return f"{talk.created_at.date().isoformat()}-{name}.{_ENDINGS[form]}"


def as_file(talks: Iterable[Talk], form: Form, *, many: bool) -> Iterator[bytes]:
    """The file, in pieces of at most one session each. Of many sessions all but JSON is a zip."""
    if form is Form.JSON:
        yield from (piece.encode() for piece in as_json(talks))
    elif many:
        yield from zipped(_files(talks, form))
    else:
        for talk in talks:
            yield from _WRITERS[form](talk)


def _files(talks: Iterable[Talk], form: Form) -> Iterator[File]:
    names = Names()
    for talk in talks:
        size = sum(map(len, talk.images.values()))
        name = names.unlike_others(file_name(talk, form))
        yield File(name, talk.last_activity, _WRITERS[form](talk), size=size, packed=form is Form.PDF)


def _encoded(writer: Callable[[Talk], Iterator[str]]) -> Callable[[Talk], Iterator[bytes]]:
    return lambda talk: (piece.encode(errors="replace") for piece in writer(talk))


def _as_pdf(talk: Talk) -> Iterator[bytes]:
    from storage.transfer.pdf import as_pdf  # noqa: PLC0415 - half a second that only those who want a PDF spend

    yield as_pdf(talk)


_WRITERS: Mapping[Form, Callable[[Talk], Iterator[bytes]]] = {
    Form.MARKDOWN: _encoded(as_markdown),
    Form.HTML: _encoded(as_page),
    Form.PDF: _as_pdf,
}
