"""Opening a database of somebody else's: only to read, and with no word of its password in what goes wrong."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import sqlalchemy as sa

from storage.errors import TransferRefused
from storage.postgres import CONNECT_PATIENCE
from storage.schema import VERSION_TABLE

_POSTGRES = {"postgresql", "postgres"}


def address_of(path: Path) -> str:
    """That of an SQLite file."""
    return sa.URL.create("sqlite", database=str(path)).render_as_string()


@contextmanager
def connected(address: str) -> Iterator[sa.Connection]:
    """A connection that can't write, on SQLite and PostgreSQL; on others it does not. Raises TransferRefused."""
    try:
        url, options = _prepared(address)
        engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args=options)
        if engine.dialect.name == "sqlite":
            sa.event.listen(engine, "connect", _read_any_text)
        with engine.connect() as connection:
            yield connection.execution_options(postgresql_readonly=True)
    except sa.exc.NoSuchModuleError as error:
        raise TransferRefused(f"“{_kind(address)}” is no kind of database that can be read.") from error
    except ImportError as error:
        raise TransferRefused(_missing(_kind(address))) from error
    except (sa.exc.SQLAlchemyError, ValueError, OSError) as error:
        # What a driver says may hold the address with its password.
        raise TransferRefused("The database can't be read: look at its address, and whether it runs.") from error


def is_ours(connection: sa.Connection) -> bool:
    """Whether Windowseat keeps its sessions there."""
    return sa.inspect(connection).has_table(VERSION_TABLE)


def _read_any_text(connection: sqlite3.Connection, _record: object) -> None:
    """Bytes that are no UTF-8 show as what they are, where they would end all reading."""
    connection.text_factory = lambda written: written.decode(errors="replace")


def _kind(address: str) -> str:
    return address.partition(":")[0].partition("+")[0]


def _missing(kind: str) -> str:
    if kind in _POSTGRES:
        return "To read a PostgreSQL database, install psycopg: pip install 'windowseat[postgresql]'."
    return f"To read a database of the kind “{kind}”, install the Python package that its address names."


def _prepared(address: str) -> tuple[sa.URL, dict[str, Any]]:
    url = sa.make_url(address)
    kind = _kind(url.drivername)
    if kind in _POSTGRES:
        return url.set(drivername="postgresql+psycopg"), {"connect_timeout": CONNECT_PATIENCE}
    return (_read_only(url), {}) if kind == "sqlite" else (url, {})


def _read_only(url: sa.URL) -> sa.URL:
    """SQLite would make an empty database of a name that is not there."""
    name = url.database or ""
    file = Path(unquote(name.removeprefix("file:")) if name.startswith("file:") else name)
    if not file.is_file():
        raise TransferRefused(f"There is no database “{name}”.")
    return sa.URL.create("sqlite", database=f"file:{quote(str(file))}", query={"mode": "ro", "uri": "true"})
