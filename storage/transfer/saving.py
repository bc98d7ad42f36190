"""Writing what is given away: a file that is there whole, or not at all."""

import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from storage.errors import TransferRefused
from storage.transfer.forms import Form, ending_of

ZIP = ".zip"


def save(pieces: Iterable[bytes], path: Path) -> None:
    """What is no file, such as a pipe, is written to as it is.

    Raises TransferRefused where the file can't be written, and what `pieces` raises.
    """
    target = path.resolve()
    try:
        if target.exists() and not target.is_file():
            _write(pieces, target)
        else:
            _replace(pieces, target)
    except OSError as error:
        raise TransferRefused(f"“{path}” can't be written: {error.strerror or error}.") from error


def _write(pieces: Iterable[bytes], target: Path) -> None:
    with target.open("wb") as file:
        file.writelines(pieces)


def _replace(pieces: Iterable[bytes], target: Path) -> None:
    unfinished: Path | None = None
    try:
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
            unfinished = Path(file.name)
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
    finally:
        if unfinished is not None:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)


def form_of(form: Form | str) -> Form:
    """Raises TransferRefused."""
    try:
        return Form(form)
    except ValueError as error:
        raise TransferRefused(f"There is no form “{form}”: there are {_forms()}.") from error


def form_in(path: Path) -> Form:
    """The form that the end of a file's name says. Raises TransferRefused."""
    ending = path.suffix.lower()
    if ending == ZIP:
        raise TransferRefused(f"Say which form is in “{path.name}”: {_forms()}.")
    found = next((form for form in Form if ending == f".{ending_of(form, many=False)}"), None)
    if found is None:
        raise TransferRefused(f"The name “{path.name}” says no form: say which, of {_forms()}.")
    return found


def check_name(path: Path, proper: str) -> None:
    """Raises TransferRefused for a name that says something else than the proper one does."""
    ending, right = path.suffix.lower(), Path(proper).suffix
    known = {ZIP, *(f".{ending_of(form, many=False)}" for form in Form)}
    if ending in known and ending != right:
        zipped = " and say its form" if right == ZIP else ""
        raise TransferRefused(f"“{path.name}” would be no such file: call it “{path.stem}{right}”{zipped}.")


def _forms() -> str:
    return ", ".join(form.value for form in Form)
