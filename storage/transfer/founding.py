"""New sessions out of conversations: their names, where they come from, all that belongs to them."""

import hashlib
import json
import re
from collections.abc import Iterator

import sqlalchemy as sa

from storage.database import Database, Transaction
from storage.errors import SessionNotFound
from storage.images import keep_images
from storage.index import put_session, put_title
from storage.records import to_microseconds
from storage.rows import checked, insert_if_missing, insert_into, to_json
from storage.schema import imported_sessions, session_tags, session_texts, sessions
from storage.transfer.adding import Into, add_turns, is_own, microseconds, nodes_of
from storage.transfer.giving import SOURCE, talk_of
from storage.transfer.matching import matched
from storage.transfer.taken import Fate, Run, Taken
from storage.transfer.talk import Talk, TalkText
from storage.turns import title_from

LONGEST_NAME = 190
"""Characters of a name before a number is put behind it."""

_NUMBERS = re.compile(r"( \(\d+\))+$")

ALIKE = 20
"""Sessions of the same moment that are looked at."""

_KNOWN = (
    sa.select(sessions.c.session_id)
    .join(imported_sessions, imported_sessions.c.session_key == sessions.c.id)
    .where(imported_sessions.c.owner == sa.bindparam("owner"), imported_sessions.c.source == sa.bindparam("source"))
)
_NAMED = sa.select(sessions.c.created_at, sessions.c.id).where(
    sessions.c.owner == sa.bindparam("owner"), sessions.c.session_id == sa.bindparam("session_id")
)
# Both places of the list are named, so that the index is looked up in each.
_OF_THE_SAME_MOMENT = (
    sa.select(sessions.c.session_id)
    .where(
        sessions.c.owner == sa.bindparam("owner"),
        sessions.c.archived.in_((sa.false(), sa.true())),
        sessions.c.created_at == sa.bindparam("at"),
    )
    .limit(ALIKE)
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
ADD_TEXT = insert_into(session_texts, "session_key", "kind", "version", "content", "created_at")
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
_UNLINKED = (
    sa.select(sessions.c.session_id, sessions.c.id)
    .join(imported_sessions, imported_sessions.c.session_key == sessions.c.id)
    .where(
        imported_sessions.c.owner == sa.bindparam("owner"),
        imported_sessions.c.origin.is_not(None),
        sessions.c.forked_from.is_(None),
    )
)


class Overtaken(Exception):
    """Somebody else has just taken the same conversation in, or deleted its session."""


def known_as(transaction: Transaction, owner: str, talk: Talk) -> str | None:
    """The session that the conversation is already: taken in before, or the one that it came out of."""
    name: str | None = transaction.value(_KNOWN, {"owner": owner, "source": digest(talk.source)})
    if name is not None or not _is_ours(talk):
        return name
    created = transaction.value(_NAMED, {"owner": owner, "session_id": talk.session_id})
    if created == to_microseconds(talk.created_at):
        return talk.session_id
    return next(_alike(transaction, owner, talk), None)


def _alike(transaction: Transaction, owner: str, talk: Talk) -> Iterator[str]:
    """Those whose names differ from its own by a number only, and that are of the same moment and beginning."""
    for (name,) in transaction.rows(_OF_THE_SAME_MOMENT, {"owner": owner, "at": to_microseconds(talk.created_at)}):
        if _NUMBERS.sub("", name) != _NUMBERS.sub("", talk.session_id):
            continue
        there = talk_of(transaction, owner, name)
        same_title = not talk.turns and not there.turns and talk.title == there.title
        if same_title or any(place is not None for place in matched(talk, there)):
            yield name


def digest(source: str) -> str:
    return hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _is_ours(talk: Talk) -> bool:
    return talk.source.startswith(f"{SOURCE}:")


def free_name(transaction: Transaction, run: Run, wanted: str) -> str:
    """The wanted name, with a number behind it where it is taken."""
    name, number = wanted, run.numbers.get(wanted, 1)
    while number > 1 or name in run.given or _is_taken(transaction, run.owner, name):
        number += 1
        name = f"{wanted[:LONGEST_NAME]} ({number})"
        run.numbers[wanted] = number
        if name not in run.given and not _is_taken(transaction, run.owner, name):
            break
    return name


def _is_taken(transaction: Transaction, owner: str, name: str) -> bool:
    return transaction.row(_NAMED, {"owner": owner, "session_id": name}) is not None


def found(transaction: Transaction, run: Run, talk: Talk, into: Into) -> Taken:
    """A new session with all that is in the conversation. Raises Overtaken, TextRefused, Stopped."""
    name = free_name(transaction, run, talk.session_id)
    key = _add_session(transaction, run, talk, name)
    _note_source(transaction, run, talk, key)
    tags = [{"session_key": key, "tag": checked(tag)} for tag in talk.tags]
    transaction.change_all(insert_if_missing(transaction, session_tags, "session_key", "tag"), tags)
    transaction.change_all(ADD_TEXT, [text_row(key, text, text.version) for text in talk.texts])
    keep_images(transaction, key, talk.images)
    if talk.forked_from is None:
        run.counted.session(run.owner, talk.created_at.astimezone().date())
    nodes = add_turns(into.of(key), talk, [None] * len(talk.turns), talk.told)
    taken = Taken.of(Fate.NEW, talk, name, talk.turns, len(talk.told))
    own = [node.id for node, turn in zip(nodes, talk.turns, strict=True) if is_own(talk, turn)]
    head = None if not nodes else nodes[-1 if talk.head is None else talk.head].id
    finish(transaction, key, talk, taken, head, max(own, default=None))
    put_session(transaction, key)
    put_title(transaction, key)
    return taken


def _add_session(transaction: Transaction, run: Run, talk: Talk, name: str) -> int:
    first = talk.turns[0].messages[0].content if talk.turns and not _is_ours(talk) else ""
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
        raise Overtaken
    there = transaction.row(_NAMED, {"owner": run.owner, "session_id": name})
    return int(there[1]) if there else 0


def _note_source(transaction: Transaction, run: Run, talk: Talk, key: int) -> None:
    stated = json.dumps(talk.forked_from) if talk.forked_from else None
    row = {"owner": run.owner, "source": digest(talk.source), "session_key": key, "origin": stated}
    if not transaction.change(insert_if_missing(transaction, imported_sessions, *row), row):
        raise Overtaken


def text_row(key: int, text: TalkText, version: int) -> dict[str, str | int]:
    row: dict[str, str | int] = {"session_key": key, "kind": text.kind, "version": version}
    return row | {"content": checked(text.text), "created_at": to_microseconds(text.created_at)}


def finish(transaction: Transaction, key: int, talk: Talk, taken: Taken, head: int | None, newest: int | None) -> None:
    counts = {"more_turns": taken.turns, "more_messages": taken.messages}
    at = to_microseconds(talk.last_activity)
    transaction.change(_FINISH, {"key": key, "head": head, "newest": newest, "at": at, **counts})


def link_copies(database: Database, run: Run) -> None:
    """Let the sessions that were copied from others point to them, where those are here by now."""
    with database.read() as transaction:
        unlinked = transaction.rows(_UNLINKED, {"owner": run.owner})
    for name, key in unlinked:
        with database.write() as transaction:
            origin = _origin(transaction, run, name)
            if origin is not None:
                transaction.change(_SET_ORIGIN, {"key": key, "origin": origin})


def _origin(transaction: Transaction, run: Run, name: str) -> int | None:
    """The turn up to which a session was copied: the last of the copied ones, told again among its original's."""
    try:
        copy = talk_of(transaction, run.owner, name)
        if copy.forked_from is None:
            return None
        original = copy.forked_from[0]
        there = talk_of(transaction, run.owner, run.names.get(original, original))
    except SessionNotFound:
        return None
    places = matched(copy, there)
    copied = [place for place, turn in zip(places, copy.turns, strict=True) if not is_own(copy, turn)]
    if not copied or copied[-1] is None:
        return None
    row = transaction.row(_NAMED, {"owner": run.owner, "session_id": there.session_id})
    return nodes_of(transaction, int(row[1]))[copied[-1]].id if row else None
