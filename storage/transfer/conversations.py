"""The conversations of a file, one after another: memory holds one at a time."""

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from storage.errors import TransferRefused
from storage.transfer import chatgpt, claude, open_webui
from storage.transfer.cutting import Budget, Piece
from storage.transfer.document import FORMAT, VERSION
from storage.transfer.encodings import as_utf8
from storage.transfer.files import CutShortError, Part, opened
from storage.transfer.heading import heading_of, may_be_ours
from storage.transfer.meter import Meter
from storage.transfer.parsing import conversations_in, parsed, parsed_as_own
from storage.transfer.pieces import beginning, pieces
from storage.transfer.recognise import Kind, kind_of_conversation
from storage.transfer.talk import Broken, Talk
from storage.transfer.texts import Unreadable, shown, table
from storage.transfer.understanding import understood

_READERS: dict[Kind, Callable[[dict[str, Any]], Talk]] = {
    Kind.WINDOWSEAT: understood,
    Kind.CHATGPT: chatgpt.read,
    Kind.CLAUDE: claude.read,
    Kind.OPEN_WEBUI: open_webui.read,
}
_KNOWN = "Windowseat's own, ChatGPT's, Claude's and Open WebUI's exports are read."


class _Found(NamedTuple):
    """A conversation, or why there is none; `where` says where it stands."""

    where: str
    conversation: Any
    fault: str = ""
    kind: Kind | None = None


def kind_of_file(path: Path) -> Kind:
    """Which program the file comes from: that of the first conversation that can be told. Raises TransferRefused."""
    if _is_ours(path):
        return Kind.WINDOWSEAT
    fault, budget = "", Budget()
    with opened(path) as parts:
        for found in (found for part in parts for found in _conversations(part, budget)):
            if (kind := kind_of_conversation(found.conversation)) is not None:
                return kind
            fault = fault or found.fault
    raise TransferRefused(f"“{path.name}” holds no conversation that can be read: {fault or _KNOWN}")


def read_file(path: Path, meter: Meter) -> Iterator[Talk | Broken]:
    """Raises TransferRefused where the file as a whole can't be read."""
    budget = Budget()
    with opened(path, meter) as parts:
        for part in parts:
            for found in _conversations(part, budget):
                yield _talk(found)
    meter.done = meter.total


def _conversations(part: Part, budget: Budget) -> Iterator[_Found]:
    number = 0
    for piece in pieces(part.chunks, budget):
        for found in _of_piece(piece):
            number += 1
            yield found._replace(where=f"conversation {number:,}" + (f" of {part.name}" if part.name else ""))


def _of_piece(piece: Piece) -> list[_Found]:
    if piece.fault:
        return [_Found("", None, piece.fault)]
    try:
        if piece.own:
            return [_Found("", parsed_as_own(piece.content), kind=Kind.WINDOWSEAT)]
        found = [_Found("", one, kind=kind_of_conversation(one)) for one in conversations_in(parsed(piece.content))]
        if any(one.kind is Kind.WINDOWSEAT for one in found):
            again = conversations_in(parsed_as_own(piece.content))
            found = [one._replace(conversation=exact) for one, exact in zip(found, again, strict=True)]
    except Unreadable as error:
        return [_Found("", None, str(error))]
    return found


def _talk(found: _Found) -> Talk | Broken:
    if found.fault:
        return Broken(found.where, found.fault)
    if found.kind is None:
        return Broken(_named(found), "It is no conversation of a program whose exports are read.")
    try:
        return _READERS[found.kind](found.conversation)
    except Unreadable as error:
        return Broken(_named(found), str(error))
    except RecursionError:
        return Broken(_named(found), "Its values are nested too deeply.")


def _named(found: _Found) -> str:
    called = table(found.conversation)
    title = next((title for name in ("title", "name", "session_id") if (title := shown(called.get(name)))), "")
    return f"“{title}”, {found.where}" if title else found.where


def _is_ours(path: Path) -> bool:
    """By what stands beside the sessions of any of its files. Raises TransferRefused for a version to come."""
    with opened(path) as parts:
        headings = [_heading(part) for part in parts]
    ours = [heading for heading in headings if heading.get("format", FORMAT) == FORMAT and "sessions" in heading]
    for heading in ours:
        _check_version(heading.get("version", VERSION), path.name)
    return bool(ours)


def _heading(part: Part) -> dict[str, Any]:
    try:
        begins, rest = beginning(as_utf8(part.chunks))
        return heading_of(chain([begins], rest)) if may_be_ours(begins) else {}
    except CutShortError:
        return {}


def _check_version(version: object, name: str) -> None:
    if type(version) is not int or version < 1:
        raise TransferRefused(f"“{name}” is of no version of Windowseat's files that there is: it was changed by hand.")
    if version > VERSION:
        raise TransferRefused(f"“{name}” was made by a newer Windowseat: update this one to read it.")
