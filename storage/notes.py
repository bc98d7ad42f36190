"""Numbers that a program keeps for itself, each under a name."""

import sqlalchemy as sa

from storage.database import Database
from storage.rows import checked, insert_if_missing
from storage.schema import housekeeping

_NOTE = sa.select(housekeeping.c.value).where(housekeeping.c.task == sa.bindparam("called"))
_SET = sa.update(housekeeping).where(housekeeping.c.task == sa.bindparam("called")).values(value=sa.bindparam("given"))


class Notes:
    def __init__(self, database: Database) -> None:
        self._database = database

    def number(self, name: str) -> int | None:
        with self._database.read() as transaction:
            found: int | None = transaction.value(_NOTE, {"called": name})
            return found

    def keep(self, name: str, number: int) -> None:
        """Raises TextRefused."""
        with self._database.write() as transaction:
            row = {"task": checked(name), "value": number}
            if transaction.change(insert_if_missing(transaction, housekeeping, *row), row) == 0:
                transaction.change(_SET, {"called": name, "given": number})
