"""The connection to the database: how it is opened, how transactions run, how its errors become ours.

SQLAlchemy Core writes the SQL and keeps the pool; the driver runs the SQL. Core's own way of running a statement
took more than half of the time of a turn.
"""

import random
import re
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from storage.errors import (
    StoreDamaged,
    StoreError,
    StoreFull,
    StoreLocked,
    StoreReadOnly,
    StoreUnavailable,
)

LOCK_PATIENCE = 10.0
"""How long a writer waits for others, in seconds, before it raises StoreLocked."""

NAP = 0.005
"""The longest sleep between two tries for SQLite's write lock, in seconds."""

Terms = Mapping[str, Any]
Row = tuple[Any, ...]


class Transaction:
    """Statements on one connection, until `Database.read` or `Database.write` ends it.

    A statement is a constant of its module: it is compiled at its first use.
    """

    def __init__(self, driver: Any, dialect: sa.Dialect) -> None:
        self._driver = driver
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
        """As `row`, for an INSERT; None where a unique index refused it."""
        try:
            return self.row(statement, terms)
        except self.dialect.loaded_dbapi.IntegrityError:
            return None

    def change(self, statement: sa.Executable, terms: Terms) -> int:
        """Say how many rows it changed."""
        changed: int = self._execute(statement, terms).rowcount
        return changed

    def change_all(self, statement: sa.Executable, group: Sequence[Terms]) -> None:
        for terms in group:
            self._execute(statement, terms)

    def _execute(self, statement: sa.Executable, terms: Terms) -> Any:
        sql, constants = _compiled(statement, self.dialect)
        return self._driver.execute(sql, {**constants, **terms})


class Database:
    """One engine, for any number of threads. Whoever makes it closes it.

    `write()` is one transaction; `read()` sees one consistent state of the database. Neither is nested in the
    other: an in-memory database has a single connection.
    """

    def __init__(self, url: str) -> None:
        """Connect to nothing yet: the first transaction does.

        Raises StoreUnavailable where the URL can't be read or its folder can't be made.
        """
        self.url = _parse(url)
        self.name = self.url.render_as_string(hide_password=True)
        self._write_lock = threading.Lock()
        self._engine = self._make_engine()
        self._driver = self._engine.dialect.loaded_dbapi

    @property
    def is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """One transaction that takes the write lock at its beginning, and commits unless something is raised."""
        with self._translated(), self._one_writer(), self._connected() as connection:
            if self.is_sqlite:
                _begin_immediately(connection.driver_connection)
            yield Transaction(connection.driver_connection, self._engine.dialect)
            connection.commit()

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        with self._translated(), self._connected() as connection:
            if self.is_sqlite:
                connection.driver_connection.execute("BEGIN")  # type: ignore[union-attr]
            yield Transaction(connection.driver_connection, self._engine.dialect)

    @contextmanager
    def migration(self) -> Iterator[sa.Connection]:
        """A writing transaction on a connection of SQLAlchemy's own, for Alembic."""
        with self._translated(), self._one_writer(), self._engine.begin() as connection:
            if self.is_sqlite:
                _begin_immediately(connection.connection.driver_connection)
            yield connection

    def close(self) -> None:
        """Give back all connections. Closing twice does nothing."""
        self._engine.dispose()

    def _make_engine(self) -> sa.Engine:
        if not self.is_sqlite:
            return sa.create_engine(self.url, pool_pre_ping=True)
        file = self.url.database
        in_memory = not file or file == ":memory:" or "mode=memory" in file
        if not in_memory and file and not file.startswith("file:"):
            try:
                Path(file).parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise self._translate(error) from error
        engine = sa.create_engine(
            self.url,
            # Autocommit, as the driver calls it: we say ourselves which kind of transaction begins.
            connect_args={"isolation_level": None, "check_same_thread": False, "timeout": 0},
            paramstyle="named",
            poolclass=QueuePool,
            **({"pool_size": 1, "max_overflow": 0} if in_memory else {"pool_size": 8, "max_overflow": 64}),
        )
        sa.event.listen(engine, "connect", _set_up_sqlite)
        return engine

    @contextmanager
    def _connected(self) -> Iterator[PoolProxiedConnection]:
        """A connection from the pool; given back, it rolls back what was not committed."""
        connection = self._engine.raw_connection()
        try:
            yield connection
        except self._driver.Error as error:
            if self._engine.dialect.is_disconnect(error, connection.dbapi_connection, None):
                connection.invalidate(error)
            raise
        finally:
            connection.close()

    @contextmanager
    def _one_writer(self) -> Iterator[None]:
        """Let the threads of this process queue here, in order, instead of at SQLite's lock, by chance."""
        if not self.is_sqlite:
            yield
            return
        if not self._write_lock.acquire(timeout=LOCK_PATIENCE):
            raise StoreLocked(self._sentence("is kept busy by this very process", "Try again in a moment."))
        try:
            yield
        finally:
            self._write_lock.release()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (self._driver.ProgrammingError, self._driver.IntegrityError):
            raise  # A mistake of ours, and no state of the database.
        except (self._driver.Error, sa.exc.SQLAlchemyError, OSError) as error:
            raise self._translate(error) from error

    def _translate(self, error: Exception) -> StoreError:
        cause = getattr(error, "orig", None) or error
        said = str(cause).strip().splitlines()[0] if str(cause).strip() else type(cause).__name__
        for pattern, kind, what, advice in _TRANSLATIONS:
            if re.search(pattern, said, re.IGNORECASE):
                return kind(self._sentence(what, advice))
        return StoreUnavailable(self._sentence(f"can't be used ({said})", "Check WINDOWSEAT_DATABASE_URL."))

    def _sentence(self, what: str, advice: str) -> str:
        return f"The database {self.name} {what}. {advice}"


_TRANSLATIONS: tuple[tuple[str, type[StoreError], str, str], ...] = (
    (
        r"readonly|read-only|read only",
        StoreReadOnly,
        "is read-only, so nothing can be kept",
        "Make the file and its folder writable, or name another place in WINDOWSEAT_DATABASE_URL.",
    ),
    (
        r"is full|no space left|disk quota|file too large",
        StoreFull,
        "has no room left on its disk",
        "Free some space and try again; everything stored before is intact.",
    ),
    (
        r"locked|busy",
        StoreLocked,
        f"was locked by another program for more than {LOCK_PATIENCE:g} seconds",
        "Close that program and try again.",
    ),
    (
        r"malformed|not a database|corrupt|disk image",
        StoreDamaged,
        "is damaged or is no database",
        "Move it away or bring back a copy; Windowseat has changed nothing in it.",
    ),
    (
        r"unable to open|permission denied|not a directory|is a directory|file exists",
        StoreUnavailable,
        "can't be opened",
        "Check that its folder exists and may be written to, or name another place in WINDOWSEAT_DATABASE_URL.",
    ),
    (
        r"disk i/o error",
        StoreFull,
        "can't be written: the disk is full or failing",
        "Free some space or look after the disk; everything stored before is intact.",
    ),
)


@lru_cache(maxsize=1024)
def _compiled(statement: sa.Executable, dialect: sa.Dialect) -> tuple[str, dict[str, Any]]:
    """The SQL, and the values that stand in the statement itself."""
    compiled = statement.compile(dialect=dialect)  # type: ignore[attr-defined]
    return str(compiled), {name: bind.value for bind, name in compiled.bind_names.items() if not bind.required}


def _parse(url: str) -> sa.URL:
    wrong = StoreUnavailable(
        "WINDOWSEAT_DATABASE_URL is not the address of an SQLite database: "
        "it should look like sqlite:////home/me/windowseat.db."
    )
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError) as error:
        raise wrong from error
    if parsed.get_backend_name() != "sqlite":
        raise wrong
    return parsed


def _set_up_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # SQLite's own lower() knows ASCII only, and a title in any script is to be found.
    connection.create_function("lower", 1, str.lower, deterministic=True)
    # Two processes that open a new file at once may meet here: WAL is set under an exclusive lock.
    _execute_patiently(connection, "PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _begin_immediately(driver: Any) -> None:
    _execute_patiently(driver, "BEGIN IMMEDIATE")


def _execute_patiently(driver: Any, sql: str) -> None:
    """Try at random moments until LOCK_PATIENCE is over: SQLite's own waiting starves some writers for seconds."""
    deadline = time.monotonic() + LOCK_PATIENCE
    while True:
        try:
            driver.execute(sql)
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(random.uniform(0, NAP))  # noqa: S311 - spreads writers, keeps no secret
        else:
            return
