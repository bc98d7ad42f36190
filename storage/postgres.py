"""What is PostgreSQL's own: how its server is reached, what its errors mean."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import sqlalchemy as sa

from storage.engine import LOCK_PATIENCE, Engine, Meaning
from storage.errors import StoreDamaged, StoreFull, StoreLocked, StoreReadOnly, StoreUnavailable

CONNECT_PATIENCE = 5
"""Seconds until a server that does not answer counts as not there."""

MEANINGS = (
    Meaning(
        r"password authentication|no password supplied|role .* does not exist",
        StoreUnavailable,
        "does not let us in",
        "Check user and password in WINDOWSEAT_DATABASE_URL.",
    ),
    Meaning(
        r"database .* does not exist",
        StoreUnavailable,
        "does not exist on its server",
        "Make it with: createdb. Or name another one in WINDOWSEAT_DATABASE_URL.",
    ),
    Meaning(
        r"permission denied",
        StoreReadOnly,
        "does not let this user do that",
        "Grant the user of WINDOWSEAT_DATABASE_URL the right to write, or name another one.",
    ),
    Meaning(
        r"read-only transaction",
        StoreReadOnly,
        "is read-only, so nothing can be kept",
        "It may be a standby: name the primary server in WINDOWSEAT_DATABASE_URL.",
    ),
    Meaning(
        r"no space left|disk full|could not extend",
        StoreFull,
        "has no room left on its server's disk",
        "Free some space there and try again; everything stored before is intact.",
    ),
    Meaning(
        r"too many clients|remaining connection slots|QueuePool limit",
        StoreLocked,
        "has no connection left for us",
        "Close other programs that use it, or raise max_connections, and try again.",
    ),
    Meaning(
        r"lock timeout|deadlock detected",
        StoreLocked,
        f"was kept locked for more than {LOCK_PATIENCE:g} seconds",
        "Close the program that holds the lock and try again.",
    ),
    Meaning(
        r"invalid page|could not read block|missing chunk",
        StoreDamaged,
        "is damaged",
        "Bring back a copy; Windowseat has changed nothing in it.",
    ),
    Meaning(
        r"connection|server closed|shutting down|starting up|terminating|timeout|SSL",
        StoreUnavailable,
        "can't be reached",
        "Start its server, or wait until it is back, and try again; everything stored before is intact.",
    ),
)


class Postgres(Engine):
    """A server. Writers wait for each other at the rows they write, session first, so that none wait in a circle."""

    meanings = MEANINGS

    def make(self, url: sa.URL) -> sa.Engine:
        options = f"-c lock_timeout={LOCK_PATIENCE:g}s -c timezone=UTC"
        return sa.create_engine(
            url,
            connect_args={
                "connect_timeout": CONNECT_PATIENCE,
                "application_name": "windowseat",
                "options": options,
            },
            pool_pre_ping=True,
            pool_size=8,
            max_overflow=24,
            pool_timeout=LOCK_PATIENCE,
        )

    def one_writer(self) -> AbstractContextManager[None]:
        return nullcontext()

    def begin_to_read(self, driver: Any) -> None:
        # Said with the BEGIN that the driver sends before the first statement: no way to the server more.
        driver.isolation_level = _REPEATABLE_READ

    def begin_to_write(self, driver: Any) -> None:
        driver.isolation_level = None


_REPEATABLE_READ = 3
"""psycopg's number for it; the driver is loaded only where it is used."""
