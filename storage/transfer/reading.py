"""The front door for whatever comes in: it tells what it is, and reads it one conversation after another."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from storage.clock import system_clock
from storage.transfer.conversations import kind_of_file, read_file
from storage.transfer.databases import address_of
from storage.transfer.files import is_sqlite
from storage.transfer.meter import Meter
from storage.transfer.recognise import Kind
from storage.transfer.talk import Broken, Talk

Source = Path | str
"""A file, by its path; or a database, by its address as SQLAlchemy has them, such as sqlite:///history.db.

Whatever it names is opened: it is for the person at this machine to say, and never for somebody from outside.
"""


def kind_of(source: Source, *, table: str | None = None) -> Kind:
    """Where it comes from, by what is in it. Raises TransferRefused for what can't be read, with the reason."""
    if (address := _address(source)) is None:
        return kind_of_file(Path(source))
    from storage.transfer.langchain_table import check_table  # noqa: PLC0415 - it loads LangChain

    check_table(address, table)
    return Kind.LANGCHAIN


def read(
    source: Source, *, at: datetime | None = None, table: str | None = None, meter: Meter | None = None
) -> Iterator[Talk | Broken]:
    """The conversations in it, in its order, and those that are broken, each with the reason.

    An SQLite file is read as the database that it is, which has to have LangChain's table of messages; `table` is its
    name where it is not “message_store”, and `at` the moment of messages without a date, which is now if none is given.
    Whoever looks at the `meter` sees how far it has come. Raises TransferRefused, at once where nothing can be read,
    else where it ends.
    """
    meter = meter or Meter()
    kind_of(source, table=table)
    if (address := _address(source)) is None:
        return read_file(Path(source), meter)
    from storage.transfer.langchain_table import read_table  # noqa: PLC0415 - it loads LangChain

    return read_table(address, at or system_clock(), called=table, meter=meter)


def _address(source: Source) -> str | None:
    """That of a database; None for any other file."""
    if isinstance(source, str) and "://" in source:
        return source
    return address_of(Path(source)) if is_sqlite(Path(source)) else None
