"""Fills databases by the million, with SQL that both engines read."""

from typing import Any

PROMPT, REPLY = "x" * 95, "y" * 395

_NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})"

_SESSIONS = """
INSERT INTO sessions (id, owner, session_id, title, created_at, last_activity, turn_count, message_count, head_id,
newest_turn)
{numbers} SELECT {first_session} + i - 1, '{owner}', '{name} ' || i, '{name} ' || i, i, i,
{length}, 2 * {length}, {first_turn} + i * {length} - 1, {first_turn} + i * {length} - 1 FROM n
"""
_TURNS = """
INSERT INTO turns (id, session_key, parent_id, depth, jump_id, status, model, opened_at, closed_at, receipt)
{numbers} SELECT {first_turn} + i - 1, {first_session} + (i - 1) / {length},
CASE WHEN (i - 1) % {length} = 0 THEN NULL ELSE {first_turn} + i - 2 END, (i - 1) % {length} + 1,
CASE WHEN (i - 1) % {length} = 0 THEN NULL ELSE {first_turn} + i - 2 END, 'complete', 'echo', i, i,
'{{"window":10,"first":1,"last":10,"turns":10,"beyond_window":0,"empty":[],"messages":21}}' FROM n
"""
_MESSAGES = """
INSERT INTO messages (turn_id, position, sender, content, timestamp)
{numbers} SELECT {first_turn} + (i - 1) / 2, (i - 1) % 2, CASE WHEN (i - 1) % 2 = 0 THEN 'Human' ELSE 'AI' END,
CASE WHEN (i - 1) % 2 = 0 THEN '{prompt}' ELSE '{reply}' END, i FROM n
"""


def fill(driver: Any, *, owner: str, name: str, sessions: int, length: int, told: bool = True) -> None:
    """Add `sessions` sessions, called `name` and a number from 1, of `length` turns each, in a transaction.

    Unless they are `told`, their messages are left to the caller.
    """
    if not length:
        return
    place = {
        "first_session": 1 + _highest(driver, "sessions"),
        "first_turn": 1 + _highest(driver, "turns"),
        "owner": owner,
        "name": name,
        "length": length,
        "prompt": PROMPT,
        "reply": REPLY,
    }
    counts = [(_SESSIONS, sessions), (_TURNS, sessions * length), (_MESSAGES, 2 * sessions * length)]
    for statement, count in counts if told else counts[:2]:
        driver.execute(statement.format(numbers=_NUMBERS.format(count=count), **place))


def point_back(driver: Any, mark: str, session: str) -> None:
    """Give the turns of one filled session the jump pointers that the store would have given them."""
    rows = driver.execute(
        f"SELECT t.id FROM turns t JOIN sessions s ON s.id = t.session_key WHERE s.session_id = {mark} ORDER BY t.id",
        (session,),
    ).fetchall()
    ids = [row[0] for row in rows]
    jumps: list[int | None] = [None]
    for parent in range(len(ids) - 1):
        jump = jumps[parent]
        far = None if jump is None else jumps[jump]
        jumps.append(far if jump is not None and far is not None and parent - jump == jump - far else parent)
    pairs = [(ids[jump], turn) for turn, jump in zip(ids, jumps, strict=True) if jump is not None]
    driver.cursor().executemany(f"UPDATE turns SET jump_id = {mark} WHERE id = {mark}", pairs)


def count_on(driver: Any) -> None:
    """Let PostgreSQL's sequences go on after the numbers that were given."""
    for table in ("sessions", "turns", "messages"):
        driver.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")


def _highest(driver: Any, table: str) -> int:
    found: int = driver.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()[0]
    return found
