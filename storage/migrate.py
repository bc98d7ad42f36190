"""Brings a database to the newest schema, whoever else is opening it at the same time."""

from pathlib import Path

import sqlalchemy as sa

from storage import schema
from storage.database import Database
from storage.errors import StoreNotOurs

_VERSION = sa.text(f"SELECT version_num FROM {schema.VERSION_TABLE}")  # noqa: S608 - our own constant
_POSTGRES_LOCK = 0x57494E44
"""Any number of our own: it names the advisory lock under which a PostgreSQL database is migrated."""


def migrate(database: Database) -> None:
    """Apply the migrations that are missing; do nothing where there are none.

    Raises StoreNotOurs, with nothing changed, where a newer Windowseat or another program made the database.
    """
    with database.migration() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_POSTGRES_LOCK)))
        if _version(connection) != schema.VERSION:
            _upgrade(connection, database.name)


def version_of(database: Database) -> str | None:
    """The schema that a database is of; None where it is of none."""
    with database.look() as connection:
        return _version(connection)


def _version(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table(schema.VERSION_TABLE):
        return None
    version: str | None = connection.scalar(_VERSION)
    return version


def _upgrade(connection: sa.Connection, name: str) -> None:
    from alembic import command  # noqa: PLC0415 - a quarter of a second that hardly any start needs
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    _refuse_foreign(connection, known, name)
    command.upgrade(config, "head")


def _refuse_foreign(connection: sa.Connection, known: set[str], name: str) -> None:
    version = _version(connection)
    if version is None and (taken := set(sa.inspect(connection).get_table_names()) & set(schema.metadata.tables)):
        raise StoreNotOurs(
            f"The database {name} belongs to another program: it has a table “{min(taken)}” of its own. "
            "Name another place in WINDOWSEAT_DATABASE_URL."
        )
    if version is not None and version not in known:
        raise StoreNotOurs(
            f"The database {name} was made by a newer Windowseat (schema {version}). "
            "Nothing was changed; install the newer version to open it."
        )
