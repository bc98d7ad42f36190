"""Sessions on their way out, in one of the forms in which they are taken along."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path

from agent.prompt import findable_name
from storage import Store, TransferRefused
from storage.transfer import Form, Talk, as_file, ending_of, file_name, media_type_of, save

EXPORT_TYPES = frozenset(media_type_of(form, many=many) for form in Form for many in (False, True))
"""The media types that an export can have."""

Told = Callable[[int, int], object]
"""Is told how many sessions are done, and of how many."""


class Export:
    """One session, several, or all of an owner's; read from the store while it is written, one after the other.

    Every round through it is a new file. Markdown, HTML and PDF of several sessions are a zip archive with one each.
    """

    def __init__(self, store: Store, owner: str, sessions: str | Sequence[str] | None, form: Form) -> None:
        """One name, several, or None for all. Raises SessionNotFound, and TransferRefused for none at all."""
        self.owner, self.form = owner, form
        self._store = store
        self._ids = _chosen(sessions)
        found = [store.sessions.get(owner, name) for name in self._ids or ()]
        self._only = found[0] if len(found) == 1 else None
        self.total = store.usage.totals(owner).sessions if self._ids is None else len(found)
        self.done = 0

    @property
    def file_name(self) -> str:
        """One that says what is in it, and that every system takes."""
        if self._only is not None:
            return file_name(self._only, self.form)
        form = "" if self.form is Form.JSON else f"-{self.form}"
        return f"windowseat-{date.today():%Y-%m-%d}{form}.{ending_of(self.form, many=True)}"  # noqa: DTZ011 - a person's day

    @property
    def media_type(self) -> str:
        return media_type_of(self.form, many=self._only is None)

    def __iter__(self) -> Iterator[bytes]:
        """The file, in pieces of a session each. Raises StoreError, SessionNotFound."""
        return as_file(self._talks(), self.form, many=self._only is None)

    def save(self, path: Path, told: Told | None = None) -> None:
        """Write the file: it is there whole, or not at all. Raises TransferRefused where it can't be written."""

        def counted() -> Iterator[bytes]:
            for piece in self:
                yield piece
                if told is not None:
                    told(self.done, self.total)

        save(counted(), path)

    def _talks(self) -> Iterator[Talk]:
        self.done = 0
        for talk in self._store.transfer.give(self.owner, self._ids):
            self.done += 1
            yield talk

    def __repr__(self) -> str:
        return f"<Export of {self.file_name}>"


def _chosen(sessions: str | Sequence[str] | None) -> tuple[str, ...] | None:
    if sessions is None:
        return None
    names = (sessions,) if isinstance(sessions, str) else sessions
    if not names:
        raise TransferRefused("Say at least one session: None would be all of them.")
    return tuple(dict.fromkeys(map(findable_name, names)))
