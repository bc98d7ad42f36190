"""The floor: what a turn costs in plain sqlite3, with the same durability and nothing around it."""

import sqlite3
import time
from pathlib import Path

SCHEMA = """
CREATE TABLE sessions (id INTEGER PRIMARY KEY, message_count INTEGER NOT NULL, last_activity INTEGER NOT NULL);
CREATE TABLE messages (
    id INTEGER PRIMARY KEY, session_id INTEGER NOT NULL, sender TEXT NOT NULL, content TEXT NOT NULL,
    timestamp INTEGER NOT NULL
);
CREATE INDEX messages_by_session ON messages (session_id, id);
"""


class Floor:
    """Prompt and reply in two commits, the counters kept, the last messages read. Who opens it closes it."""

    def __init__(self, file: Path) -> None:
        self._connection = sqlite3.connect(file, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.executescript(SCHEMA)

    def start(self, session: int) -> None:
        self._connection.execute("INSERT INTO sessions VALUES (?, 0, 0)", (session,))

    def turn(self, session: int, prompt: str, reply: str, window: int) -> None:
        self._write(session, "Human", prompt)
        self._connection.execute(
            "SELECT sender, content FROM messages WHERE session_id = ? ORDER BY id DESC LIMIT ?",
            (session, 2 * window + 1),
        ).fetchall()
        self._write(session, "AI", reply)

    def close(self) -> None:
        self._connection.close()

    def _write(self, session: int, sender: str, content: str) -> None:
        now = time.time_ns() // 1000
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute(
            "INSERT INTO messages (session_id, sender, content, timestamp) VALUES (?, ?, ?, ?)",
            (session, sender, content, now),
        )
        self._connection.execute(
            "UPDATE sessions SET message_count = message_count + 1, last_activity = ? WHERE id = ?",
            (now, session),
        )
        self._connection.execute("COMMIT")
