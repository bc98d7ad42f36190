"""Conversations into a store: whole sessions, each once, however often a file is read."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from zlib import crc32

from storage.database import Database, Transaction
from storage.errors import SessionNotFound, TextRefused
from storage.rows import count_in_owner, find_session
from storage.transfer.adding import Into
from storage.transfer.fitting import misfit
from storage.transfer.founding import Overtaken, digest, found, free_name, known_as, link_copies
from storage.transfer.growing import Growing
from storage.transfer.taken import Fate, Run, Stopped, Taken
from storage.transfer.talk import Broken, Talk
from storage.usage_many import Added, count_many

BATCH = 500
"""Turns in one transaction, unless one session has more: others wait for it some tenths of a second."""

WEIGHT = 1 << 15
"""Bytes of texts and images that count as a turn."""

_LOCK = 0x7A1C
"""A number of our own among PostgreSQL's advisory locks."""


def take(
    database: Database,
    owner: str,
    talks: Iterable[Talk | Broken],
    *,
    dry: bool = False,
    stopped: Callable[[], bool] = lambda: False,
) -> Iterator[Taken | Broken]:
    """Put in what of each conversation is not there yet; with `dry` only say what that is.

    What was given out is in the store, whole; who stops asking leaves out the rest. `stopped` is asked now and then
    whether to end. Raises Stopped then, and StoreError, after which the conversations given out so far are in the
    store, and no others.
    """
    run = Run(owner)
    for batch in _batches(talks):
        if stopped():
            raise Stopped
        yield from _look_over(database, run, batch) if dry else _take_in(database, run, batch, stopped)
    if not dry:
        link_copies(database, run)


def _batches(talks: Iterable[Talk | Broken]) -> Iterator[list[Talk | Broken]]:
    batch: list[Talk | Broken] = []
    size = 0
    for talk in talks:
        batch.append(talk)
        size += 1 if isinstance(talk, Broken) else _weight(talk)
        if size >= BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _weight(talk: Talk) -> int:
    texts = sum(len(said.content) for turn in talk.turns for said in turn.messages)
    return 1 + len(talk.turns) + (texts + sum(map(len, talk.images.values()))) // WEIGHT


def _look_over(database: Database, run: Run, batch: Sequence[Talk | Broken]) -> list[Taken | Broken]:
    with database.read() as transaction:
        return [_fitting(talk, lambda fits: _would_be(transaction, run, fits)) for talk in batch]


def _take_in(
    database: Database, run: Run, batch: Sequence[Talk | Broken], stopped: Callable[[], bool]
) -> Iterator[Taken | Broken]:
    """Raises Stopped after what came in until then."""
    run.counted = Added()
    found: list[Taken | Broken] = []
    with database.write() as transaction:
        _one_at_a_time(transaction, run.owner)
        into = Into(transaction, run.owner, run.counted, stopped)
        with suppress(Stopped):
            for talk in batch:
                found.append(_fitting(talk, lambda fits: _took(transaction, run, fits, into)))  # noqa: PERF401 - it may end
        _count(transaction, run, [taken for taken in found if isinstance(taken, Taken)])
    yield from found
    if len(found) < len(batch):
        raise Stopped


def _count(transaction: Transaction, run: Run, came: Sequence[Taken]) -> None:
    count_in_owner(
        transaction,
        run.owner,
        sessions=sum(taken.fate is Fate.NEW for taken in came),
        turns=sum(taken.turns for taken in came),
        messages=sum(taken.messages for taken in came),
    )
    count_many(transaction, run.counted)


def _one_at_a_time(transaction: Transaction, owner: str) -> None:
    """Of those who take something in for this owner. SQLite has one writer at a time anyway."""
    if transaction.dialect.name == "postgresql":
        number = crc32(owner.encode()) - (1 << 31)
        transaction.driver.execute("SELECT pg_advisory_xact_lock(%s, %s)", (_LOCK, number))


def _fitting(talk: Talk | Broken, take_one: Callable[[Talk], Taken]) -> Taken | Broken:
    if isinstance(talk, Broken):
        return talk
    try:
        return Broken(_called(talk), reason) if (reason := misfit(talk)) else take_one(talk)
    except TextRefused as error:
        return Broken(_called(talk), str(error))


def _called(talk: Talk) -> str:
    return f"“{talk.title or talk.session_id}”"


def _would_be(transaction: Transaction, run: Run, talk: Talk) -> Taken:
    known = known_as(transaction, run.owner, talk)
    if known is not None:
        return Growing(transaction, run.owner, talk, known).look()
    if (source := digest(talk.source)) in run.sources:
        return Taken.of(Fate.KNOWN, talk, talk.session_id)
    run.sources.add(source)
    name = free_name(transaction, run, talk.session_id)
    run.given.add(name)
    return Taken.of(Fate.NEW, talk, name, talk.turns, len(talk.told))


def _took(transaction: Transaction, run: Run, talk: Talk, into: Into) -> Taken:
    if into.stopped():
        raise Stopped
    while True:
        try:
            with _savepoint(transaction):
                taken = _one(transaction, run, talk, into)
        except (Overtaken, SessionNotFound):
            continue  # It is known now, or new again.
        if taken.session_id != talk.session_id:
            run.names[talk.session_id] = taken.session_id
        return taken


def _one(transaction: Transaction, run: Run, talk: Talk, into: Into) -> Taken:
    known = known_as(transaction, run.owner, talk)
    if known is None:
        return found(transaction, run, talk, into)
    find_session(transaction, run.owner, known, to_write=True)
    return Growing(transaction, run.owner, talk, known).grow(into)


@contextmanager
def _savepoint(transaction: Transaction) -> Iterator[None]:
    """One conversation, or nothing of it."""
    transaction.driver.execute("SAVEPOINT one")
    try:
        yield
    except BaseException:
        transaction.driver.execute("ROLLBACK TO SAVEPOINT one")
        transaction.driver.execute("RELEASE SAVEPOINT one")
        raise
    transaction.driver.execute("RELEASE SAVEPOINT one")
