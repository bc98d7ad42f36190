"""The floor: what a turn costs in the plain driver, with the same durability and nothing around it."""

import sqlite3
import time
from pathlib import Path
from typing import Any

import psycopg

SCHEMA = """
CREATE TABLE sessions (id INTEGER PRIMARY KEY, message_count INTEGER NOT NULL, last_activity BIGINT NOT NULL);
CREATE TABLE messages (
    id {key}, session_id INTEGER NOT NULL, sender TEXT NOT NULL, content TEXT NOT NULL, timestamp BIGINT NOT NULL
);
CREATE INDEX messages_by_session ON messages (session_id, id);
"""
FILL = """
INSERT INTO messages (session_id, sender, content, timestamp)
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
SELECT {first} + (i - 1) / {length}, 'Human', '{text}', i FROM n
"""


class Floor:
    """Prompt and reply in two commits, the counters kept, the last messages read. Who opens it closes it."""

    def __init__(self, connection: Any, mark: str, begin: str) -> None:
        self._connection = connection
        self._begin = begin
        self._add = f"INSERT INTO messages (session_id, sender, content, timestamp) VALUES ({', '.join([mark] * 4)})"
        self._count = f"UPDATE sessions SET message_count = message_count + 1, last_activity = {mark} WHERE id = {mark}"
        self._window = f"SELECT sender, content FROM messages WHERE session_id = {mark} ORDER BY id DESC LIMIT {mark}"

    @classmethod
    def on_sqlite(cls, file: Path) -> "Floor":
        connection = sqlite3.connect(file, isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.executescript(SCHEMA.format(key="INTEGER PRIMARY KEY"))
        return cls(connection, "?", "BEGIN IMMEDIATE")

    @classmethod
    def on_postgresql(cls, url: str) -> "Floor":
        connection = psycopg.connect(url.replace("+psycopg", ""), autocommit=True)
        connection.execute(SCHEMA.format(key="BIGSERIAL PRIMARY KEY"))
        return cls(connection, "%s", "BEGIN")

    def fill(self, session: int, *, sessions: int, length: int) -> None:
        """Add sessions from that number on, with `length` messages each."""
        for number in range(session, session + min(sessions, 1)):
            self._connection.execute(f"INSERT INTO sessions VALUES ({number}, 0, 0)")
        if length:
            text = "z" * 245
            self._connection.execute(FILL.format(count=sessions * length, first=session, length=length, text=text))

    def turn(self, session: int, prompt: str, reply: str, window: int) -> None:
        self._write(session, "Human", prompt)
        self._connection.execute(self._window, (session, 2 * window + 1)).fetchall()
        self._write(session, "AI", reply)

    def close(self) -> None:
        self._connection.close()

    def _write(self, session: int, sender: str, content: str) -> None:
        now = time.time_ns() // 1000
        self._connection.execute(self._begin)
        self._connection.execute(self._add, (session, sender, content, now))
        self._connection.execute(self._count, (now, session))
        self._connection.execute("COMMIT")
