"""Conversations on their way in: watched by anybody, cancelled by anybody."""

import threading
from collections.abc import Callable
from pathlib import Path
from traceback import clear_frames

from storage import Store, WindowseatError
from storage.transfer import Counting, Meter, Report, Stopped, kind_of, read

PATIENCE = 5.0
TICK = 0.1
"""Seconds from one look at how far it is to the next."""


class Importing:
    """It goes on whoever looks; what was taken in stays, in whole sessions, however it ends."""

    def __init__(
        self,
        store: Store,
        owner: str,
        source: Path | str,
        *,
        dry_run: bool,
        table: str | None,
        ended: Callable[["Importing"], object],
    ) -> None:
        """`ended` is called at the end, whatever it was. Raises TransferRefused for what can't be read."""
        self.source, self.dry_run, self.owner = _as_written(source), dry_run, owner
        self._kind = kind_of(self.source, table=table)
        self._table = table
        self._store = store
        self._ended = ended
        self._meter = Meter()
        self._tally = Counting()
        self._cancelled = threading.Event()
        self._cut_short = False
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="windowseat-import", daemon=True)

    def begin(self) -> None:
        """Once."""
        self._thread.start()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    @property
    def done(self) -> int:
        """How many conversations it has gone through."""
        return self._tally.done

    @property
    def fraction(self) -> float | None:
        """How much of the file it has read, from 0 to 1; None where nobody knows."""
        return min(1.0, self._meter.done / self._meter.total) if self._meter.total else None

    def cancel(self) -> None:
        """Take nothing more in. Returns at once; a session that is just being written is taken back."""
        self._cancelled.set()

    def wait(self, patience: float = PATIENCE) -> None:
        """For the end, so many seconds at most."""
        self._thread.join(patience)

    def finish(self, told: Callable[["Importing"], object] | None = None) -> Report:
        """Wait for the end; `told` is called now and then. Raises TransferRefused, StoreError.

        Interrupting the wait cancels.
        """
        try:
            while self.running:
                if told is not None:
                    told(self)
                self.wait(TICK)
        except BaseException:
            self.cancel()
            raise
        if told is not None:
            told(self)
        if self._failure is not None:
            self._failure.add_note(f"Until then: {self.report}")
            raise self._failure
        return self.report

    @property
    def failure(self) -> str:
        """Why it broke off, as `finish` raises it; "" where it did not, or has not yet."""
        error = self._failure
        if error is None or isinstance(error, WindowseatError):
            return str(error or "")
        return f"The import broke off: {type(error).__name__}: {error}"

    @property
    def report(self) -> Report:
        """As far as it has come."""
        return self._tally.report(self._kind, dry_run=self.dry_run, cancelled=self._cut_short)

    def _run(self) -> None:
        try:
            talks = read(self.source, table=self._table, meter=self._meter)
            stopped = self._cancelled.is_set
            for found in self._store.transfer.take(self.owner, talks, dry=self.dry_run, stopped=stopped):
                self._tally.add(found)
        except Stopped:
            self._cut_short = True
        except Exception as error:  # noqa: BLE001 - whoever waits for the end is to see it
            clear_frames(error.__traceback__)  # A large conversation would stay as long as the error.
            self._failure = error
        finally:
            self._ended(self)

    def __repr__(self) -> str:
        return f"<Importing of {self._kind.value}>"


def _as_written(source: Path | str) -> Path | str:
    """A path as people write it, or the address of a database."""
    return source if isinstance(source, str) and "://" in source else Path(source).expanduser()
