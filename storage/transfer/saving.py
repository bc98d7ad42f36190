"""Writing what is given away: a file that is there whole, or not at all."""

import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from storage.errors import TransferRefused
from storage.transfer.forms import Form, ending_of


def save(pieces: Iterable[bytes], path: Path) -> None:
    """Raises TransferRefused where the file can't be written, and what `pieces` raises."""
    unfinished: Path | None = None
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            unfinished = Path(file.name)
            for piece in pieces:
                file.write(piece)
        unfinished.replace(path)
    except OSError as error:
        raise TransferRefused(f"“{path}” can't be written: {error.strerror or error}.") from error
    finally:
        if unfinished is not None:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)


def form_of(path: Path, form: Form | str | None = None) -> Form:
    """The form that was asked for, else the one that a file's name ends with. Raises TransferRefused."""
    wanted = form or next((of for of in Form if path.suffix.lower() == f".{ending_of(of, many=False)}"), "")
    try:
        return Form(wanted)
    except ValueError as error:
        forms = ", ".join(of.value for of in Form)
        raise TransferRefused(f"There is no form “{wanted or path.name}”: there are {forms}.") from error
