"""What is SQLite's own: how a file is opened, how writers take turns, what its errors mean."""

import random
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import QueuePool

from storage.engine import LOCK_PATIENCE, Engine, Meaning
from storage.errors import StoreDamaged, StoreFull, StoreLocked, StoreReadOnly, StoreUnavailable

NAP = 0.005
"""The longest sleep between two tries for the write lock, in seconds."""

MEANINGS = (
    Meaning(
        r"readonly|read-only|read only",
        StoreReadOnly,
        "is read-only, so nothing can be kept",
        "Make the file and its folder writable, or name another place in WINDOWSEAT_DATABASE_URL.",
    ),
    Meaning(
        r"is full|no space left|disk quota|file too large",
        StoreFull,
        "has no room left on its disk",
        "Free some space and try again; everything stored before is intact.",
    ),
    Meaning(
        r"locked|busy|QueuePool limit",
        StoreLocked,
        f"was kept locked for more than {LOCK_PATIENCE:g} seconds by another program or thread",
        "Close that program, or wait, and try again.",
    ),
    Meaning(
        r"malformed|not a database|corrupt|disk image",
        StoreDamaged,
        "is damaged or is no database",
        "Move it away or bring back a copy; Windowseat has changed nothing in it.",
    ),
    Meaning(
        r"unable to open|permission denied|not a directory|is a directory|file exists",
        StoreUnavailable,
        "can't be opened",
        "Check that its folder exists and may be written to, or name another place in WINDOWSEAT_DATABASE_URL.",
    ),
    Meaning(
        r"disk i/o error",
        StoreFull,
        "can't be written: the disk is full or failing",
        "Free some space or look after the disk; everything stored before is intact.",
    ),
)


class Sqlite(Engine):
    """A file, or one connection's memory.

    One writer at a time: the threads of a process queue for it, in order, and processes try for SQLite's lock at
    random moments, since SQLite's own waiting starves some of them for seconds.
    """

    meanings = MEANINGS
    integrity_checks = (
        ("the file is whole", "PRAGMA integrity_check(20)"),
        ("no row refers to one that is gone", "PRAGMA foreign_key_check"),
    )

    def __init__(self) -> None:
        self._write_lock = threading.Lock()

    def make(self, url: sa.URL) -> sa.Engine:
        file = url.database
        in_memory = not file or file == ":memory:" or url.query.get("mode") == "memory"
        if not in_memory and file and not file.startswith("file:"):
            Path(file).parent.mkdir(parents=True, exist_ok=True)
        engine = sa.create_engine(
            url,
            # Autocommit, as the driver calls it: we say ourselves which kind of transaction begins.
            connect_args={"isolation_level": None, "check_same_thread": False, "timeout": 0},
            paramstyle="named",
            poolclass=QueuePool,
            **({"pool_size": 1, "max_overflow": 0} if in_memory else {"pool_size": 8, "max_overflow": 64}),
        )
        sa.event.listen(engine, "connect", _set_up)
        return engine

    @contextmanager
    def one_writer(self) -> Iterator[None]:
        if not self._write_lock.acquire(timeout=LOCK_PATIENCE):
            raise sqlite3.OperationalError("locked by another thread of this process")
        try:
            yield
        finally:
            self._write_lock.release()

    def begin_to_read(self, driver: Any) -> None:
        driver.execute("BEGIN")

    def begin_to_write(self, driver: Any) -> None:
        _execute_patiently(driver, "BEGIN IMMEDIATE")


def _set_up(connection: sqlite3.Connection, _record: Any) -> None:
    # SQLite's own lower() knows ASCII only, and titles in any script are to be sorted.
    connection.create_function("lower", 1, str.lower, deterministic=True)
    # PostgreSQL's name for the order of the characters' numbers.
    connection.create_collation("C", lambda one, other: (one > other) - (one < other))
    # Two processes that open a new file at once may meet here: WAL is set under an exclusive lock.
    _execute_patiently(connection, "PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _execute_patiently(driver: Any, sql: str) -> None:
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
