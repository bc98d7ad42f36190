"""Templates: kept, changed, deleted. What they mean is the agent's matter."""

import json
from collections.abc import Iterable
from dataclasses import asdict

import sqlalchemy as sa

from storage.clock import Clock
from storage.database import Database, Transaction
from storage.errors import TemplateExists, TemplateNotFound
from storage.records import Template, to_microseconds
from storage.rows import checked, insert_if_missing, to_json
from storage.schema import housekeeping, templates

_OF_OWNER = (
    sa.select(templates.c.name, templates.c.content)
    .where(templates.c.owner == sa.bindparam("owner"))
    .order_by(templates.c.created_at, templates.c.name)
)
_ONE = _OF_OWNER.where(templates.c.name == sa.bindparam("called"))
_HERE = (templates.c.owner == sa.bindparam("whose"), templates.c.name == sa.bindparam("called"))
_CHANGE = (
    sa.update(templates)
    .where(*_HERE)
    .values(name=sa.bindparam("new_name"), content=sa.bindparam("new"), changed_at=sa.bindparam("now"))
    .returning(templates.c.name)
)
_GIVEN = sa.select(housekeeping.c.value).where(housekeeping.c.task == sa.bindparam("task"))
_DELETE = sa.delete(templates).where(*_HERE)


class Templates:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def all(self, owner: str) -> tuple[Template, ...]:
        """In the order in which they were made."""
        with self._database.read() as transaction:
            return tuple(_to_template(*row) for row in transaction.rows(_OF_OWNER, {"owner": owner}))

    def get(self, owner: str, name: str) -> Template:
        """Raises TemplateNotFound."""
        with self._database.read() as transaction:
            row = transaction.row(_ONE, {"owner": owner, "called": name})
        if row is None:
            raise TemplateNotFound(name)
        return _to_template(*row)

    def add(self, owner: str, template: Template) -> None:
        """Raises TemplateExists, TextRefused."""
        with self._database.write() as transaction:
            if not self._insert(transaction, owner, template):
                raise TemplateExists(template.name)

    def change(self, owner: str, name: str, template: Template) -> None:
        """Put another in its place, which may have another name. Raises TemplateNotFound, TemplateExists, TextRefused.

        Sessions that began with it keep what they took.
        """
        with self._database.write() as transaction:
            if transaction.row(_ONE, {"owner": owner, "called": name}) is None:
                raise TemplateNotFound(name)
            terms = {"whose": owner, "called": name, "new_name": checked(template.name), "new": _content(template)}
            if transaction.only(_CHANGE, terms | {"now": to_microseconds(self._clock())}) is None:
                raise TemplateExists(template.name)

    def delete(self, owner: str, name: str) -> None:
        """Raises TemplateNotFound."""
        with self._database.write() as transaction:
            if transaction.change(_DELETE, {"whose": owner, "called": name}) == 0:
                raise TemplateNotFound(name)

    def give(self, owner: str, first: Iterable[Template]) -> None:
        """Add those that come with the program, once for each owner: what is deleted then stays deleted."""
        task = f"templates {owner}"
        with self._database.read() as transaction:
            if transaction.row(_GIVEN, {"task": task}) is not None:
                return
        with self._database.write() as transaction:
            given = insert_if_missing(transaction, housekeeping, "task", "value")
            if transaction.change(given, {"task": task, "value": to_microseconds(self._clock())}):
                for template in first:
                    self._insert(transaction, owner, template)

    def _insert(self, transaction: Transaction, owner: str, template: Template) -> bool:
        now = to_microseconds(self._clock())
        row = {"owner": owner, "name": checked(template.name), "content": _content(template)}
        terms = row | {"created_at": now, "changed_at": now}
        return transaction.change(insert_if_missing(transaction, templates, *terms), terms) == 1


def _content(template: Template) -> str:
    return checked(to_json({name: value for name, value in asdict(template).items() if name != "name"}))


def _to_template(name: str, content: str) -> Template:
    stored = json.loads(content)
    return Template(name, **stored | {"openings": tuple(stored["openings"]), "tags": tuple(stored["tags"])})
