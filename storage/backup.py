"""Copies of a whole store: taken while it is in use, and brought back into an empty place."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from storage.database import Database
from storage.errors import StoreDamaged, StoreError, StoreNotOurs, StoreUnavailable
from storage.schema import VERSION_TABLE

Progress = Callable[[int, int], None]
"""Is told how much is done, of how much; in pages of the database."""

PAGES = 256
"""How many pages are copied at a time: other writers get in between."""


def back_up(database: Database, to: Path, progress: Progress) -> None:
    """Copy the store to a new file, while it is in use.

    An SQLite store becomes an SQLite file; for a PostgreSQL store `pg_dump` writes its own format. Raises StoreError,
    also where the file is there already.
    """
    if to.exists():
        raise StoreUnavailable(f"{to} is there already: name a new file for the backup.")
    if not to.parent.is_dir():
        raise StoreUnavailable(f"There is no folder {to.parent} to put the backup into.")
    half = to.with_name(f"{to.name}.part")
    try:
        if database.is_sqlite:
            with database.read() as transaction, closing(sqlite3.connect(half)) as copy:
                # A transaction sees one state from its first look on; without one, each write would start it anew.
                transaction.driver.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
                transaction.driver.backup(copy, pages=PAGES, progress=lambda _, left, all_: progress(all_ - left, all_))
                copy.execute("PRAGMA journal_mode=DELETE")  # So that the file can be read without files beside it.
        else:
            _run(database, "pg_dump", "--format=custom", f"--file={half}")
        half.replace(to)
    except OSError as error:
        raise StoreUnavailable(f"The backup can't be written to {to}: {error.strerror or error}.") from error
    finally:
        half.unlink(missing_ok=True)


def restore(database: Database, backup: Path, progress: Progress) -> None:
    """Bring a backup back into a database that holds nothing yet.

    Raises StoreError where the backup is none, or the database holds something: nothing is overwritten.
    """
    if not backup.is_file():
        raise StoreUnavailable(f"There is no file {backup}.")
    if database.has_tables():
        raise StoreNotOurs(
            f"The database {database.name} holds something already, and a restore overwrites nothing: "
            "name a new one with --database."
        )
    if database.is_sqlite:
        with closing(_opened(backup)) as copy:
            _check_backup(copy, backup)
            with database.whole() as driver:
                copy.backup(driver, pages=PAGES, progress=lambda _, left, all_: progress(all_ - left, all_))
    else:
        _run(database, "pg_restore", "--no-owner", "--single-transaction", "--exit-on-error", str(backup))


def _opened(backup: Path) -> sqlite3.Connection:
    try:
        return sqlite3.connect(f"{backup.absolute().as_uri()}?mode=ro", uri=True)
    except sqlite3.Error as error:
        raise StoreUnavailable(f"The file {backup} can't be read.") from error


def _check_backup(copy: sqlite3.Connection, backup: Path) -> None:
    try:
        whole = copy.execute("PRAGMA quick_check").fetchone() == ("ok",)
        copy.execute(f"SELECT version_num FROM {VERSION_TABLE}")  # noqa: S608 - our own constant
    except sqlite3.DatabaseError as error:
        raise StoreDamaged(f"{backup} is no backup of a Windowseat database.") from error
    if not whole:
        raise StoreDamaged(f"The backup {backup} is damaged.")


def _run(database: Database, tool: str, *arguments: str) -> None:
    """Run one of PostgreSQL's own programs; the password goes by the environment, which nobody else can list."""
    if shutil.which(tool) is None:
        raise StoreUnavailable(
            f"A PostgreSQL database needs the program {tool}, which is not installed: "
            "it comes with PostgreSQL's clients."
        )
    address, password = database.address_for_tools
    environment = os.environ | ({"PGPASSWORD": password} if password else {})
    command = [tool, f"--dbname={address}", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise StoreError(f"{tool} failed: {' '.join(done.stderr.split()) or done.returncode}")
