"""The store: one database and the things one does with it."""

from types import TracebackType
from typing import Self

from storage.branches import Branches
from storage.cleanup import Cleanup
from storage.client_data import ClientData
from storage.clock import Clock, system_clock
from storage.database import Database
from storage.images import Images
from storage.index import bring_up_to_date
from storage.labels import Labels
from storage.marks import Marks
from storage.migrate import migrate
from storage.milestones import Milestones
from storage.notes import Notes
from storage.paths import Paths
from storage.running import Running
from storage.search import Search
from storage.sessions import Sessions
from storage.templates import Templates
from storage.themes import ThemeSearch
from storage.tokens import Tokens
from storage.transfer import Transfer
from storage.turns import Turns
from storage.usage import Usage
from storage.verify import verify
from storage.waiting import Waiting


class Store:
    """An open database, brought to the newest schema. Any number of threads may use it; who opens it closes it.

    `sessions` keeps the list, `labels` puts it in order and `cleanup` deletes many; `turns` writes turns, `paths` reads
    them, `branches` finds one's way among their alternatives, `marks` keeps what is said of them, `images` those of
    their prompts, `waiting` prompts that are to be sent, `search` finds them, `running` looks after replies while they
    run; `usage` has the figures, `themes` the words by which weeks differ, `milestones` the first and the longest;
    `templates` what sessions begin with, `notes` numbers, `tokens` who somebody is, `client_data` what clients want
    kept with turns, `transfer` gives sessions away and takes them in. All of them raise what `storage.errors` draws.
    """

    def __init__(self, url: str, *, clock: Clock = system_clock) -> None:
        """Open the database at an SQLAlchemy URL, made if it is SQLite and not there yet. Raises StoreError."""
        self._database = Database(url)
        try:
            migrate(self._database)
            bring_up_to_date(self._database)
        except BaseException:
            self._database.close()
            raise
        self.sessions = Sessions(self._database, clock)
        self.labels = Labels(self._database, clock)
        self.cleanup = Cleanup(self._database, clock)
        self.turns = Turns(self._database, clock)
        self.paths = Paths(self._database)
        self.branches = Branches(self._database, clock)
        self.marks = Marks(self._database)
        self.images = Images(self._database)
        self.waiting = Waiting(self._database, clock)
        self.running = Running(self._database, clock)
        self.search = Search(self._database)
        self.templates = Templates(self._database, clock)
        self.usage = Usage(self._database, clock)
        self.themes = ThemeSearch(self._database, clock)
        self.milestones = Milestones(self._database)
        self.notes = Notes(self._database)
        self.tokens = Tokens(self._database, clock)
        self.client_data = ClientData(self._database)
        self.transfer = Transfer(self._database)

    def verify(self) -> list[str]:
        """A sentence for each thing that does not agree with the rest; [] is well. Reads everything."""
        return [sentence for _, sentences in verify(self._database) for sentence in sentences]

    @property
    def name(self) -> str:
        """The database's address, without a password."""
        return self._database.name

    def close(self) -> None:
        """Give back the connections. Closing twice does nothing."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
