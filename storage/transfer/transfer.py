"""The door of a store through which sessions go and come."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from storage.database import Database
from storage.transfer.giving import give
from storage.transfer.taken import Taken
from storage.transfer.taking import take
from storage.transfer.talk import Broken, Talk


class Transfer:
    def __init__(self, database: Database) -> None:
        self._database = database

    def give(self, owner: str, session_ids: Sequence[str] | None = None) -> Iterator[Talk]:
        """As `storage.transfer.giving.give` does."""
        return give(self._database, owner, session_ids)

    def take(
        self,
        owner: str,
        talks: Iterable[Talk | Broken],
        *,
        dry: bool = False,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Iterator[Taken | Broken]:
        """As `storage.transfer.taking.take` does."""
        return take(self._database, owner, talks, dry=dry, stopped=stopped)
