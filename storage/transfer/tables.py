"""Which table of a database is LangChain's."""

from typing import Any

import sqlalchemy as sa

from storage.errors import TransferRefused
from storage.transfer.databases import is_ours

USUAL = "message_store"
"""The table's name where nobody has chosen another one."""

_COLUMNS = {"id", "session_id", "message"}
_DATE = "created_at"
_MOST_NAMED = 5


def table_in(connection: sa.Connection, name: str | None) -> sa.TableClause:
    """The table, by its name or as “schema.name”, with its columns, `created_at` only where it has that.

    Raises TransferRefused.
    """
    inspector = sa.inspect(connection)
    for called, schema in _readings(name or USUAL):
        # A view could be anything, and take for ever.
        if called in _names(inspector, schema):
            types = {one["name"]: one["type"] for one in inspector.get_columns(called, schema=schema)}
            if types.keys() >= _COLUMNS:
                number = sa.column("id", sa.Integer() if isinstance(types["id"], sa.Integer) else None)
                date: list[sa.ColumnClause[Any]] = [sa.column(_DATE)] if _DATE in types else []
                return sa.table(called, number, sa.column("session_id"), sa.column("message"), *date, schema=schema)
    raise TransferRefused(_none(connection, inspector, name))


def order_of(table: sa.TableClause) -> list[sa.ColumnElement[object]]:
    """Session by session, in each the messages as they were added: by number, or where they have none by date."""
    by_date = _DATE in table.c and not isinstance(table.c.id.type, sa.Integer)
    return [table.c.session_id, *([table.c[_DATE]] if by_date else []), table.c.id]


def _names(inspector: sa.Inspector, schema: str | None) -> list[str]:
    known = schema is None or schema in inspector.get_schema_names()
    return inspector.get_table_names(schema=schema) if known else []


def _readings(name: str) -> list[tuple[str, str | None]]:
    schema, _, bare = name.rpartition(".")
    return [(name, None), *([(bare, schema)] if schema else [])]


def _none(connection: sa.Connection, inspector: sa.Inspector, name: str | None) -> str:
    if name is None and is_ours(connection):
        return (
            "This is a database of Windowseat's own: export its sessions with “python -m storage export”, "
            "and import that file."
        )
    said = f"The database has no table “{name or USUAL}” of LangChain's"
    like = [one for one in sorted(inspector.get_table_names()) if _fits(inspector, one)]
    return f"{said}; {', '.join(f'“{one}”' for one in like[:_MOST_NAMED])} may be: name it." if like else f"{said}."


def _fits(inspector: sa.Inspector, name: str) -> bool:
    return {one["name"] for one in inspector.get_columns(name)} >= _COLUMNS
