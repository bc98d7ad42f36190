"""The connection to the database: how it is opened, how transactions run, how its errors become ours.

SQLAlchemy Core writes the SQL and keeps the pool; the driver runs the SQL. Core's own way of running a statement
took more than half of the time of a turn.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.pool import PoolProxiedConnection

from storage.engine import Engine
from storage.errors import StoreError, StoreUnavailable
from storage.postgres import Postgres
from storage.sqlite import Sqlite

Terms = Mapping[str, Any]
Row = tuple[Any, ...]

HIDDEN = "…"
"""Stands for a password in the query of an address."""


class Transaction:
    """Statements on one connection, until `Database.read` or `Database.write` ends it.

    A statement is a constant of its module: it is compiled at its first use.
    """

    def __init__(self, driver: Any, dialect: sa.Dialect) -> None:
        self.driver = driver
        self.dialect = dialect

    def rows(self, statement: sa.Executable, terms: Terms) -> list[Row]:
        found: list[Row] = self._execute(statement, terms).fetchall()
        return found

    def row(self, statement: sa.Executable, terms: Terms) -> Row | None:
        """The first row, or None."""
        found = self.rows(statement, terms)
        return found[0] if found else None

    def value(self, statement: sa.Executable, terms: Terms) -> Any:
        """The first column of the first row; None without one."""
        found = self.row(statement, terms)
        return found[0] if found else None

    def only(self, statement: sa.Executable, terms: Terms) -> Row | None:
        """As `row`, for a change that gives its row; None where a unique index refused it."""
        try:
            return self.row(statement, terms)
        except self.dialect.loaded_dbapi.IntegrityError:
            return None

    def change(self, statement: sa.Executable, terms: Terms) -> int:
        """Say how many rows it changed."""
        changed: int = self._execute(statement, terms).rowcount
        return changed

    def change_all(self, statement: sa.Executable, group: Sequence[Terms]) -> None:
        sql, constants = _compiled(statement, self.dialect)
        if group:
            self.driver.cursor().executemany(sql, [{**constants, **terms} for terms in group])

    def _execute(self, statement: sa.Executable, terms: Terms) -> Any:
        sql, constants = _compiled(statement, self.dialect)
        return self.driver.execute(sql, {**constants, **terms})


class Database:
    """One engine, for any number of threads. Whoever makes it closes it.

    `write()` is one transaction; `read()` sees one consistent state of the database. Neither is nested in the
    other: an in-memory database has a single connection.
    """

    def __init__(self, url: str) -> None:
        """Connect to nothing yet: the first transaction does.

        Raises StoreUnavailable where the URL can't be read, its driver is missing or its folder can't be made.
        """
        address = _parse(url)
        self.name = _without_passwords(address)
        self._engine: Engine = Sqlite() if address.get_backend_name() == "sqlite" else Postgres()
        try:
            self._pool = self._engine.make(address)
        except OSError as error:
            raise self._translate(error) from error
        self._driver = self._pool.dialect.loaded_dbapi

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """One transaction that commits unless something is raised."""
        with self._translated(), self._engine.one_writer(), self._connected() as connection:
            self._engine.begin_to_write(connection.driver_connection)
            yield Transaction(connection.driver_connection, self._pool.dialect)
            connection.commit()

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        with self._translated(), self._connected() as connection:
            self._engine.begin_to_read(connection.driver_connection)
            yield Transaction(connection.driver_connection, self._pool.dialect)

    @property
    def is_sqlite(self) -> bool:
        return isinstance(self._engine, Sqlite)

    @property
    def integrity_checks(self) -> tuple[tuple[str, str], ...]:
        """What `storage.engine.Engine` says of them."""
        return self._engine.integrity_checks

    @property
    def address_for_tools(self) -> tuple[str, str | None]:
        """The address as PostgreSQL's own programs take it, and the password apart.

        Raises StoreUnavailable where it holds another secret, which those take only where anybody can list it.
        """
        url = self._pool.url
        if "sslpassword" in url.query:
            raise StoreUnavailable(
                "PostgreSQL's own programs can't be given the sslpassword of the address without showing it to others: "
                "use a client key without one for this."
            )
        password = url.query.get("password", url.password)
        query = url.difference_update_query(["password"]).query
        bare = sa.URL.create("postgresql", url.username, None, url.host, url.port, url.database, query)
        return bare.render_as_string(hide_password=False), None if password is None else str(password)

    @contextmanager
    def whole(self) -> Iterator[Any]:
        """The driver's connection, outside of any transaction, to copy a whole database over it."""
        with self._translated(), self._engine.one_writer(), self._connected() as connection:
            yield connection.driver_connection

    def has_tables(self) -> bool:
        with self._translated():
            return bool(sa.inspect(self._pool).get_table_names())

    @contextmanager
    def look(self) -> Iterator[sa.Connection]:
        """A connection of SQLAlchemy's own, that takes no lock, to see what the database is."""
        with self._translated(), self._pool.connect() as connection:
            yield connection

    @contextmanager
    def migration(self) -> Iterator[sa.Connection]:
        """A writing transaction on a connection of SQLAlchemy's own, for Alembic."""
        with self._translated(), self._engine.one_writer(), self._pool.connect() as connection:
            self._engine.begin_to_write(connection.connection.driver_connection)
            with connection.begin():
                yield connection

    def close(self) -> None:
        """Give back all connections. Closing twice does nothing."""
        self._pool.dispose()

    @contextmanager
    def _connected(self) -> Iterator[PoolProxiedConnection]:
        """A connection from the pool; given back, it rolls back what was not committed."""
        connection = self._pool.raw_connection()
        try:
            yield connection
        except self._driver.Error as error:
            if self._pool.dialect.is_disconnect(error, connection.dbapi_connection, None):
                connection.invalidate(error)
            raise
        finally:
            connection.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (self._driver.ProgrammingError, self._driver.IntegrityError) as error:
            if getattr(error, "sqlstate", None) == "42501":  # PostgreSQL's "insufficient privilege"
                raise self._translate(error) from error
            raise  # A mistake of ours, and no state of the database.
        except (self._driver.Error, sa.exc.SQLAlchemyError, OSError) as error:
            raise self._translate(error) from error

    def _translate(self, error: Exception) -> StoreError:
        cause = getattr(error, "orig", None) or error
        said = " ".join(str(cause).split()) or type(cause).__name__
        for meaning in self._engine.meanings:
            if re.search(meaning.words, said, re.IGNORECASE):
                return meaning.kind(f"The database {self.name} {meaning.matter}. {meaning.advice}")
        return StoreUnavailable(f"The database {self.name} can't be used ({said}). Check WINDOWSEAT_DATABASE_URL.")


def _without_passwords(address: sa.URL) -> str:
    hidden = {name: HIDDEN for name in address.query if name in {"password", "sslpassword"}}
    return address.update_query_dict(hidden).render_as_string(hide_password=True).replace(quote(HIDDEN), HIDDEN)


@lru_cache(maxsize=1024)
def _compiled(statement: sa.Executable, dialect: sa.Dialect) -> tuple[str, dict[str, Any]]:
    """The SQL, and the values that stand in the statement itself."""
    compiled = statement.compile(dialect=dialect)  # type: ignore[attr-defined]
    return str(compiled), {name: bind.value for bind, name in compiled.bind_names.items() if not bind.required}


def missing_file(url: str) -> Path | None:
    """The file that opening an SQLite database would make; None where it is there, or is no such database's."""
    address = _parse(url)
    name = address.database or ""
    is_file = address.get_backend_name() == "sqlite" and name not in {"", ":memory:"} and not name.startswith("file:")
    return Path(name) if is_file and not Path(name).exists() else None


def _parse(url: str) -> sa.URL:
    wrong = StoreUnavailable(
        "WINDOWSEAT_DATABASE_URL is not the address of an SQLite or PostgreSQL database: it should look like "
        "sqlite:////home/me/windowseat.db or postgresql+psycopg://me@server/windowseat."
    )
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError) as error:
        raise wrong from error
    match parsed.drivername:
        case "sqlite" | "sqlite+pysqlite":
            return parsed
        case "postgresql+psycopg" | "postgresql" | "postgres":
            _check_psycopg()
            return parsed.set(drivername="postgresql+psycopg")
        case _:
            raise wrong


def _check_psycopg() -> None:
    try:
        import psycopg  # noqa: F401, PLC0415 - only for those who keep their data in PostgreSQL
    except ImportError as error:
        raise StoreUnavailable(
            "A PostgreSQL database needs the package psycopg: pip install 'windowseat[postgresql]'."
        ) from error
