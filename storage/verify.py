"""Looks a store over: what the engine says of its files, and whether all that must hold does hold."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from storage.database import Database, Transaction
from storage.index import MESSAGES, TITLES, Wanted, index_of, owner_marks, title_mark
from storage.query import Query


@dataclass(frozen=True, slots=True)
class Check:
    """Something that must hold. The SQL finds what breaks it; `sentence` says it of such a row."""

    name: str
    sql: str
    sentence: str


COUNTED_MESSAGES = """
(SELECT count(*) FROM messages m JOIN turns t ON t.id = m.turn_id WHERE t.session_key = s.id)
+ (SELECT count(*) FROM messages m WHERE m.session_key = s.id)
"""

CHECKS = (
    Check(
        "messages are counted right",
        f"SELECT s.owner, s.session_id, s.message_count, {COUNTED_MESSAGES} FROM sessions s "  # noqa: S608 - our own
        f"WHERE s.message_count <> {COUNTED_MESSAGES}",
        "Session “{1}” of {0} says it has {2} messages; there are {3}.",
    ),
    Check(
        "turns are counted right",
        "SELECT s.owner, s.session_id, s.turn_count, count(t.id) FROM sessions s "
        "LEFT JOIN turns t ON t.session_key = s.id "
        "GROUP BY s.id, s.owner, s.session_id, s.turn_count HAVING s.turn_count <> count(t.id)",
        "Session “{1}” of {0} says it has {2} turns; there are {3}.",
    ),
    Check(
        "the owners' totals are right",
        "SELECT names.owner, coalesce(o.session_count, 0), coalesce(o.turn_count, 0), coalesce(o.message_count, 0), "
        "coalesce(c.sessions, 0), coalesce(c.turns, 0), coalesce(c.messages, 0) "
        "FROM (SELECT owner FROM owners UNION SELECT owner FROM sessions) names "
        "LEFT JOIN owners o ON o.owner = names.owner "
        "LEFT JOIN (SELECT owner, count(*) AS sessions, sum(turn_count) AS turns, sum(message_count) AS messages "
        "FROM sessions GROUP BY owner) c ON c.owner = names.owner "
        "WHERE coalesce(o.session_count, 0) <> coalesce(c.sessions, 0) "
        "OR coalesce(o.turn_count, 0) <> coalesce(c.turns, 0) "
        "OR coalesce(o.message_count, 0) <> coalesce(c.messages, 0)",
        "The totals of {0} say {1} sessions, {2} turns, {3} messages; there are {4}, {5} and {6}.",
    ),
    Check(
        "every session has its head",
        "SELECT s.owner, s.session_id, s.head_id FROM sessions s LEFT JOIN turns t ON t.id = s.head_id "
        "WHERE (s.head_id IS NULL AND s.turn_count > 0) "
        "OR (s.head_id IS NOT NULL AND (t.id IS NULL OR t.session_key <> s.id))",
        "The head of session “{1}” of {0} is turn {2}, which is not one of its turns.",
    ),
    Check(
        "every turn follows a turn of its session",
        "SELECT t.id, t.parent_id, t.depth FROM turns t LEFT JOIN turns p ON p.id = t.parent_id "
        "WHERE (t.parent_id IS NULL AND t.depth <> 1) "
        "OR (t.parent_id IS NOT NULL AND (p.id IS NULL OR p.session_key <> t.session_key OR t.depth <> p.depth + 1))",
        "Turn {0} does not follow its parent {1}: its depth is {2}.",
    ),
    Check(
        "every turn jumps where it should",
        "SELECT t.id, t.jump_id FROM turns t LEFT JOIN turns p ON p.id = t.parent_id "
        "LEFT JOIN turns j ON j.id = p.jump_id LEFT JOIN turns f ON f.id = j.jump_id "
        "WHERE coalesce(t.jump_id, 0) <> coalesce(CASE WHEN p.depth - j.depth = j.depth - f.depth THEN f.id "
        "ELSE p.id END, 0)",
        "Turn {0} has a wrong way up to its ancestors: {1}.",
    ),
    Check(
        "every turn has its prompt, and its messages in a row",
        "SELECT t.id, count(m.id), max(m.position) FROM turns t LEFT JOIN messages m ON m.turn_id = t.id "
        "GROUP BY t.id HAVING count(m.id) = 0 OR max(m.position) + 1 <> count(m.id)",
        "Turn {0} has {1} messages, but the last of them is numbered {2}.",
    ),
    Check(
        "every turn that ended knows when",
        "SELECT id, status FROM turns WHERE (status = 'running') <> (closed_at IS NULL)",
        "Turn {0} is {1}, and does not agree with its times.",
    ),
    Check(
        "no text is kept for replies that ended",
        "SELECT DISTINCT r.turn_id FROM (SELECT turn_id FROM reply_pieces UNION SELECT turn_id FROM thought_pieces) r "
        "JOIN turns t ON t.id = r.turn_id WHERE t.status <> 'running'",
        "Turn {0} has ended, but pieces of its running reply are still kept.",
    ),
    Check(
        "every mark is on a turn of its session",
        "SELECT m.turn_id, m.session_key FROM turn_marks m LEFT JOIN turns t ON t.id = m.turn_id "
        "WHERE t.id IS NULL OR t.session_key <> m.session_key",
        "A mark on turn {0} says that the turn belongs to session {1}, but it does not.",
    ),
    Check(
        "every prompt that waits for a turn waits for one of its session",
        "SELECT w.id, w.beside FROM waiting_prompts w LEFT JOIN turns t ON t.id = w.beside "
        "WHERE w.beside IS NOT NULL AND (t.id IS NULL OR t.session_key <> w.session_key)",
        "Waiting prompt {0} is to be asked beside turn {1}, which is not one of its session.",
    ),
    Check(
        "every prompt that waits along with another one waits behind it",
        "SELECT w.id, w.along_with FROM waiting_prompts w LEFT JOIN waiting_prompts o ON o.id = w.along_with "
        "WHERE w.along_with IS NOT NULL AND (o.id IS NULL OR o.session_key <> w.session_key OR o.id >= w.id)",
        "Waiting prompt {0} is to be asked along with {1}, which does not wait before it.",
    ),
)

_FOUND = """
SELECT s.owner, m.id FROM messages m JOIN turns t ON t.id = m.turn_id JOIN sessions s ON s.id = t.session_key
WHERE t.status <> 'running' AND m.sender IN ('Human', 'AI')
"""
_TITLED = "SELECT owner, id FROM sessions WHERE title <> ''"

_MOST = 20
"""How many rows that break a check are named."""


WORDS = "every message and title has its entry in the index of words"


def verify(database: Database) -> Iterator[tuple[str, list[str]]]:
    """Go through the checks, one a step: its name, and a sentence for each thing that is wrong; [] is well.

    It reads only, and each check sees one consistent state.
    """
    for name, sql in database.integrity_checks:
        with database.read() as transaction:
            found = [" ".join(map(str, row)) for row in transaction.rows(sa.text(sql), {})]
        yield name, [words for words in found if words != "ok"][:_MOST]
    for check in CHECKS:
        with database.read() as transaction:
            rows = transaction.rows(sa.text(check.sql), {})
        yield check.name, [check.sentence.format(*row) for row in rows[:_MOST]]
    with database.read() as transaction:
        sentences = [
            *_words(transaction, MESSAGES, _FOUND, "Message", owner_marks),
            *_words(transaction, TITLES, _TITLED, "Title", lambda owner: (title_mark(owner),)),
        ]
    yield WORDS, sentences[:_MOST]


def _words(
    transaction: Transaction, table: str, sql: str, kind: str, marks_of: Callable[[str], tuple[str, ...]]
) -> Iterator[str]:
    index = index_of(transaction)
    entries = sa.text(f"SELECT {index.key} FROM {table} WHERE {index.condition(table)}")  # noqa: S608 - our own constants
    owners: dict[tuple[str, ...], set[int]] = {}
    for owner, number in transaction.rows(sa.text(sql), {}):
        owners.setdefault(marks_of(owner), set()).add(number)
    for marks, expected in owners.items():
        rows = transaction.rows(entries, index.terms(Wanted(Query(()), (marks,))))
        listed = [number for (number,) in rows]
        yield from (f"{kind} {number} can't be found by its words." for number in sorted(expected - {*listed}))
        yield from (f"{kind} {number} is found, but is none." for number in sorted({*listed} - expected))
        if len(listed) > len({*listed}):
            yield f"{kind}s are found more than once."
