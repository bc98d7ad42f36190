"""Conversations into a store: whole sessions, each once, however often a file is read."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum

import sqlalchemy as sa

from storage.branches import leave_branch
from storage.database import Database, Transaction
from storage.errors import TextRefused
from storage.images import keep_images
from storage.index import put_session, put_title, put_turn
from storage.records import to_microseconds
from storage.rows import ANY_RUNNING, checked, count_in_owner, find_session, insert_if_missing, insert_into, to_json
from storage.schema import imported_sessions, session_tags, session_texts, sessions, turns
from storage.transfer.adding import Into, Node, add_turns, is_own, microseconds, nodes_of
from storage.transfer.fitting import misfit
from storage.transfer.giving import SOURCE, talk_of
from storage.transfer.talk import Broken, Talk, TalkText, TalkTurn
from storage.turns import title_from
from storage.usage_many import Added, count_many


class Fate(StrEnum):
    """What becomes of a conversation.

    It is a `new` session; more turns of one that is there, which has `grown`; `known` already; or left out for now,
    since its session is `busy` with a reply.
    """

    NEW = "new"
    GROWN = "grown"
    KNOWN = "known"
    BUSY = "busy"


@dataclass(frozen=True, slots=True)
class Taken:
    """A conversation, and what came in of it, or would; `hidden` messages were left out, as the exporter did."""

    fate: Fate
    session_id: str
    title: str
    turns: int = 0
    messages: int = 0
    hidden: int = 0


BATCH = 500
"""Turns that are written in one transaction, at least: others wait for it for some tenths of a second."""

_KNOWN = (
    sa.select(sessions.c.session_id)
    .join(imported_sessions, imported_sessions.c.session_key == sessions.c.id)
    .where(imported_sessions.c.owner == sa.bindparam("owner"), imported_sessions.c.source == sa.bindparam("source"))
)
_NAMED = sa.select(sessions.c.created_at, sessions.c.id).where(
    sessions.c.owner == sa.bindparam("owner"), sessions.c.session_id == sa.bindparam("session_id")
)
_OF_SESSION = (
    "owner",
    "session_id",
    "title",
    "created_at",
    "last_activity",
    "settings",
    "pinned",
    "archived",
    "ended_at",
)
_OF_TEXT = ("session_key", "kind", "version", "content", "created_at")
_ADD_TEXT = insert_into(session_texts, *_OF_TEXT)
_COUNTED = sa.select(sessions.c.turn_count, sessions.c.message_count, sessions.c.newest_turn).where(
    sessions.c.id == sa.bindparam("key")
)
_FINISH = (
    sa.update(sessions)
    .where(sessions.c.id == sa.bindparam("key"))
    .values(
        head_id=sa.bindparam("head"),
        newest_turn=sa.bindparam("newest"),
        turn_count=sessions.c.turn_count + sa.bindparam("more_turns"),
        message_count=sessions.c.message_count + sa.bindparam("more_messages"),
        last_activity=sa.case(
            (sessions.c.last_activity < sa.bindparam("at"), sa.bindparam("at")), else_=sessions.c.last_activity
        ),
    )
)
_SET_ORIGIN = sa.update(sessions).where(sessions.c.id == sa.bindparam("key")).values(forked_from=sa.bindparam("origin"))
_ORIGIN = (
    sa.select(turns.c.id)
    .join(sessions, sessions.c.id == turns.c.session_key)
    .where(sessions.c.owner == sa.bindparam("owner"), sessions.c.session_id == sa.bindparam("session_id"))
    .order_by(turns.c.id)
    .offset(sa.bindparam("place"))
    .limit(1)
)


class _Overtaken(Exception):
    """Somebody else has just taken the same conversation in."""


@dataclass
class _Run:
    """What one look through a file knows of what came before; `renamed` holds sessions that got another name here."""

    owner: str
    dry: bool
    renamed: dict[str, str] = field(default_factory=dict)
    sources: set[str] = field(default_factory=set)


def take(
    database: Database, owner: str, talks: Iterable[Talk | Broken], *, dry: bool = False
) -> Iterator[Taken | Broken]:
    """Put in what of each conversation is not there yet; with `dry` only say what that is.

    What was given out is in the store, whole; who stops asking leaves out the rest. Raises StoreError, after which the
    conversations given out so far are in the store, and no others.
    """
    run = _Run(owner, dry)
    for batch in _batches(talks):
        yield from _look_over(database, run, batch) if dry else _take_in(database, run, batch)


def _batches(talks: Iterable[Talk | Broken]) -> Iterator[list[Talk | Broken]]:
    batch: list[Talk | Broken] = []
    size = 0
    for talk in talks:
        batch.append(talk)
        size += 1 + (len(talk.turns) if isinstance(talk, Talk) else 0)
        if size >= BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _look_over(database: Database, run: _Run, batch: Sequence[Talk | Broken]) -> list[Taken | Broken]:
    with database.read() as transaction:
        return [_fitting(talk, lambda fits: _would_be(transaction, run, fits)) for talk in batch]


def _take_in(database: Database, run: _Run, batch: Sequence[Talk | Broken]) -> list[Taken | Broken]:
    counted = Added()
    with database.write() as transaction:
        found = [_fitting(talk, lambda fits: _took(transaction, run, fits, counted)) for talk in batch]
        new = [taken for taken in found if isinstance(taken, Taken)]
        count_in_owner(
            transaction,
            run.owner,
            sessions=sum(taken.fate is Fate.NEW for taken in new),
            turns=sum(taken.turns for taken in new),
            messages=sum(taken.messages for taken in new),
        )
        count_many(transaction, counted)
    return found


def _fitting(talk: Talk | Broken, take_one: Callable[[Talk], Taken]) -> Taken | Broken:
    if isinstance(talk, Broken):
        return talk
    try:
        return Broken(_called(talk), reason) if (reason := misfit(talk)) else take_one(talk)
    except TextRefused as error:
        return Broken(_called(talk), str(error))


def _called(talk: Talk) -> str:
    return f"“{talk.title or talk.session_id}”"


def _would_be(transaction: Transaction, run: _Run, talk: Talk) -> Taken:
    known = _known(transaction, run, talk)
    if known is not None:
        return _Growing(transaction, run, talk, known).look()
    if (source := _digest(talk.source)) in run.sources:
        return _taken(Fate.KNOWN, talk, talk.session_id)
    run.sources.add(source)
    return _taken(Fate.NEW, talk, _free_name(transaction, run.owner, talk.session_id), talk.turns, len(talk.told))


def _took(transaction: Transaction, run: _Run, talk: Talk, counted: Added) -> Taken:
    while True:
        try:
            with _savepoint(transaction):
                known = _known(transaction, run, talk)
                if known is None:
                    return _begin(transaction, run, talk, counted)
                return _Growing(transaction, run, talk, known).grow(counted)
        except _Overtaken:
            continue  # It is known now.


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


def _known(transaction: Transaction, run: _Run, talk: Talk) -> str | None:
    """The session that the conversation is already: taken in before, or the one that it came out of."""
    terms = {"owner": run.owner, "source": _digest(talk.source)}
    name: str | None = transaction.value(_KNOWN, terms)
    if name is not None:
        return name
    created = transaction.value(_NAMED, {"owner": run.owner, "session_id": talk.session_id})
    return talk.session_id if created == to_microseconds(talk.created_at) else None


def _digest(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()[:32]


def _free_name(transaction: Transaction, owner: str, wanted: str) -> str:
    name, number = wanted, 1
    while transaction.value(_NAMED, {"owner": owner, "session_id": name}) is not None:
        number += 1
        name = f"{wanted[:190]} ({number})"
    return name


def _begin(transaction: Transaction, run: _Run, talk: Talk, counted: Added) -> Taken:
    name = _free_name(transaction, run.owner, talk.session_id)
    key = _add_session(transaction, run, talk, name)
    _note_source(transaction, run, talk, key)
    tags = [{"session_key": key, "tag": checked(tag)} for tag in talk.tags]
    transaction.change_all(insert_if_missing(transaction, session_tags, "session_key", "tag"), tags)
    transaction.change_all(_ADD_TEXT, [_text_row(key, text, text.version) for text in talk.texts])
    keep_images(transaction, key, talk.images)
    if talk.forked_from is None:
        counted.session(run.owner, talk.created_at.astimezone().date())
    nodes = add_turns(Into(transaction, run.owner, key, counted, {}), talk, [None] * len(talk.turns))
    taken = _taken(Fate.NEW, talk, name, talk.turns, len(talk.told))
    own = [node.id for node, turn in zip(nodes, talk.turns, strict=True) if is_own(talk, turn)]
    head = None if not nodes else nodes[-1 if talk.head is None else talk.head].id
    _finish(transaction, key, talk, taken, head, max(own, default=None))
    put_session(transaction, key)
    put_title(transaction, key)
    if name != talk.session_id:
        run.renamed[talk.session_id] = name
    return taken


def _add_session(transaction: Transaction, run: _Run, talk: Talk, name: str) -> int:
    is_ours = talk.source.startswith(f"{SOURCE}:")
    first = talk.turns[0].messages[0].content if talk.turns and not is_ours else ""
    row = {
        "owner": run.owner,
        "session_id": checked(name),
        "title": checked(talk.title or title_from(first)),
        "created_at": to_microseconds(talk.created_at),
        "last_activity": to_microseconds(talk.last_activity),
        "settings": checked(to_json(dict(talk.settings))),
        "pinned": talk.pinned,
        "archived": talk.archived,
        "ended_at": microseconds(talk.ended_at),
    }
    if not transaction.change(insert_if_missing(transaction, sessions, *_OF_SESSION), row):
        raise _Overtaken
    found = transaction.row(_NAMED, {"owner": run.owner, "session_id": name})
    return int(found[1]) if found else 0


def _note_source(transaction: Transaction, run: _Run, talk: Talk, key: int) -> None:
    origin = None
    if talk.forked_from is not None:
        origin = _origin(transaction, run, *talk.forked_from)
        transaction.change(_SET_ORIGIN, {"key": key, "origin": origin})
    stated = json.dumps(talk.forked_from) if talk.forked_from and origin is None else None
    row = {"owner": run.owner, "source": _digest(talk.source), "session_key": key, "origin": stated}
    if not transaction.change(insert_if_missing(transaction, imported_sessions, *row), row):
        raise _Overtaken


def _origin(transaction: Transaction, run: _Run, session_id: str, place: int) -> int | None:
    """The turn up to which a session was copied, if it is here."""
    terms = {"owner": run.owner, "session_id": run.renamed.get(session_id, session_id), "place": place}
    found: int | None = transaction.value(_ORIGIN, terms)
    return found


def _text_row(key: int, text: TalkText, version: int) -> dict[str, str | int]:
    row: dict[str, str | int] = {"session_key": key, "kind": text.kind, "version": version}
    return row | {"content": checked(text.text), "created_at": to_microseconds(text.created_at)}


def _finish(transaction: Transaction, key: int, talk: Talk, taken: Taken, head: int | None, newest: int | None) -> None:
    counts = {"more_turns": taken.turns, "more_messages": taken.messages}
    at = to_microseconds(talk.last_activity)
    transaction.change(_FINISH, {"key": key, "head": head, "newest": newest, "at": at, **counts})


def _taken(fate: Fate, talk: Talk, name: str, added: Sequence[TalkTurn] = (), told: int = 0) -> Taken:
    said = sum(len(turn.messages) for turn in added) + told
    hidden = talk.hidden if fate is Fate.NEW else 0
    return Taken(fate, name, talk.title, len(added), said, hidden)


class _Growing:
    """A conversation whose session is there: what it has more is added, beside or below what is there."""

    def __init__(self, transaction: Transaction, run: _Run, talk: Talk, name: str) -> None:
        self._transaction, self._run, self._talk, self._name = transaction, run, talk, name
        self._there = talk_of(transaction, run.owner, name)
        known = {mark: place for place, mark in enumerate(_fingerprints(self._there.turns, dated=talk.dated))}
        self._places = [known.get(mark) for mark in _fingerprints(talk.turns, dated=talk.dated)]
        self._missing = [turn for turn, place in zip(talk.turns, self._places, strict=True) if place is None]
        told = len(self._there.told)
        self._told = len(talk.told) if _said(talk)[:told] != _said(self._there) else told

    def look(self) -> Taken:
        told = self._talk.told[self._told :]
        if not self._missing and not told:
            return _taken(Fate.KNOWN, self._talk, self._name)
        key = find_session(self._transaction, self._run.owner, self._name).key
        if self._transaction.value(ANY_RUNNING, {"key": key}) is not None:
            return _taken(Fate.BUSY, self._talk, self._name)
        return _taken(Fate.GROWN, self._talk, self._name, self._missing, len(told))

    def grow(self, counted: Added) -> Taken:
        owner = self._run.owner
        key, head, *_ = find_session(self._transaction, owner, self._name, to_write=True)
        taken = self.look()
        if taken.fate is not Fate.GROWN:
            return taken
        talk = self._without_known_keys()
        texts = self._add_texts(key)
        keep_images(self._transaction, key, talk.images)
        rows = nodes_of(self._transaction, key)
        there = [None if place is None else rows[place] for place in self._places]
        nodes = add_turns(Into(self._transaction, owner, key, counted, texts), talk, there, self._told)
        self._finish(key, head, taken, nodes, [node for node, known in zip(nodes, there, strict=True) if not known])
        return taken

    def _finish(self, key: int, head: int | None, taken: Taken, nodes: list[Node], added: list[Node]) -> None:
        last = None if self._talk.head is None else nodes[self._talk.head]
        new_head = head
        if last is not None and (head is None or self._goes_on()):
            new_head = last.id
        elif last is not None and head is not None and last in added:
            leave_branch(self._transaction, last.id, head)
        newest = max(node.id for node in added) if added else None
        _, _, before = self._transaction.rows(_COUNTED, {"key": key})[0]
        _finish(self._transaction, key, self._talk, taken, new_head, newest or before)
        for node in added:
            put_turn(self._transaction, node.id)

    def _goes_on(self) -> bool:
        """Whether the file's active path leads on from the session's."""
        place, path = self._talk.head, set()
        while place is not None:
            path.add(self._places[place])
            place = self._talk.turns[place].parent
        return self._there.head in path

    def _add_texts(self, key: int) -> dict[tuple[str, int], int]:
        """Add the versions of texts that are not there, with new numbers where theirs are taken; these by the old."""
        there = {(text.kind, text.version): text.text for text in self._there.texts}
        renumbered: dict[tuple[str, int], int] = {}
        for text in self._talk.texts:
            name = (text.kind, text.version)
            if there.get(name) == text.text:
                continue
            version = text.version
            if name in there:
                version = 1 + max(number for kind, number in there if kind == text.kind)
                renumbered[name] = version
            there[text.kind, version] = text.text
            self._transaction.change(_ADD_TEXT, _text_row(key, text, version))
        return renumbered

    def _without_known_keys(self) -> Talk:
        """A key that a turn of the session has stays with that turn."""
        taken = {turn.idempotency_key for turn in self._there.turns}
        kept = tuple(
            replace(turn, idempotency_key=None) if turn.idempotency_key in taken else turn for turn in self._talk.turns
        )
        return replace(self._talk, turns=kept)


def _said(talk: Talk) -> list[str]:
    return [said.content for _, said in talk.told]


def _fingerprints(turns_in_order: Sequence[TalkTurn], *, dated: bool) -> list[bytes]:
    """By what was said, when, if that is known, and what was said before: the same wherever the turn is kept."""
    prints: list[bytes] = []
    for turn in turns_in_order:
        before = b"" if turn.parent is None else prints[turn.parent]
        at = to_microseconds(turn.opened_at) if dated else 0
        said = [at, *(f"{part.sender} {part.content}" for part in turn.messages)]
        prints.append(hashlib.sha256(before + json.dumps(said).encode()).digest())
    return prints
