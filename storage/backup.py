"""Copies of a whole store: taken while it is in use, and brought back into an empty place."""

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
                transaction.driver.backup(copy, pages=PAGES, progress=lambda _, left, all_: progress(all_ - left, all_))
        else:
            _run("pg_dump", "--format=custom", f"--file={half}", f"--dbname={database.address_for_tools}")
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
        with closing(sqlite3.connect(f"file:{backup}?mode=ro", uri=True)) as copy:
            _check_backup(copy, backup)
            with database.whole() as driver:
                copy.backup(driver, pages=PAGES, progress=lambda _, left, all_: progress(all_ - left, all_))
    else:
        _run("pg_restore", "--no-owner", "--exit-on-error", f"--dbname={database.address_for_tools}", str(backup))


def _check_backup(copy: sqlite3.Connection, backup: Path) -> None:
    try:
        whole = copy.execute("PRAGMA quick_check").fetchone() == ("ok",)
        copy.execute(f"SELECT version_num FROM {VERSION_TABLE}")  # noqa: S608 - our own constant
    except sqlite3.DatabaseError as error:
        raise StoreDamaged(f"{backup} is no backup of a Windowseat database.") from error
    if not whole:
        raise StoreDamaged(f"The backup {backup} is damaged.")


def _run(tool: str, *arguments: str) -> None:
    if shutil.which(tool) is None:
        raise StoreUnavailable(
            f"A PostgreSQL database needs the program {tool}, which is not installed: "
            "it comes with PostgreSQL's clients."
        )
    done = subprocess.run([tool, *arguments], capture_output=True, text=True, check=False)  # noqa: S603 - found above
    if done.returncode:
        raise StoreError(f"{tool} failed: {' '.join(done.stderr.split()) or done.returncode}")
