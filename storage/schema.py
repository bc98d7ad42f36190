"""The tables. Migrations make them; this is what the statements are built from.

Integer keys only: the text that people use for a session stands once, in its own row. Moments are microseconds
since 1970 in UTC. JSON is kept as text: nothing looks into it but the part of the program that wrote it.
"""

from typing import Any

import sqlalchemy as sa

VERSION = "0010"
"""The newest migration. A test holds it to the scripts in `migrations/versions`."""

VERSION_TABLE = "windowseat_version"

metadata = sa.MetaData()

Key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Moment = sa.BigInteger

owners = sa.Table(
    "owners",
    metadata,
    sa.Column("owner", sa.Text, primary_key=True),
    sa.Column("session_count", sa.Integer, nullable=False, server_default="0"),
    sa.Column("turn_count", sa.Integer, nullable=False, server_default="0"),
    sa.Column("message_count", sa.Integer, nullable=False, server_default="0"),
    sqlite_with_rowid=False,
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("id", Key, primary_key=True),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("session_id", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False, server_default=""),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("last_activity", Moment, nullable=False),
    sa.Column("turn_count", sa.Integer, nullable=False, server_default="0"),
    sa.Column("message_count", sa.Integer, nullable=False, server_default="0"),
    # No foreign key: head and turn would refer to each other in a circle. Only `turns.py` moves it.
    sa.Column("head_id", Key),
    # The turn up to which it was copied from another session; no foreign key: the copy outlives it.
    sa.Column("forked_from", Key),
    sa.Column("settings", sa.Text, nullable=False, server_default="{}"),
    sa.Column("pinned", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("archived", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("ended_at", Moment),
    # None for a copy that nobody has gone on with.
    sa.Column("newest_turn", Key),
    # Counts what changes beside this row: marks, ratings, waiting prompts.
    sa.Column("changes", sa.Integer, nullable=False, server_default="0"),
    # The beginning of the title in lower case. The database itself writes it, whoever changes the title.
    sa.Column("sort_title", sa.Text, nullable=False, server_default=""),
    sa.UniqueConstraint("session_id", "owner"),
    # The number of messages is there to be summed up.
    sa.Index("sessions_by_place", "owner", "archived", "pinned", "last_activity", "id", "message_count"),
    sa.Index("sessions_by_creation", "owner", "archived", "created_at", "id"),
    sa.Index("sessions_by_title", "owner", "archived", "sort_title", "id"),
    sa.Index("sessions_by_messages", "owner", "archived", "message_count", "id"),
    sa.Index("sessions_by_newest_turn", "owner", "newest_turn"),
    sa.Index(
        "sessions_not_ended",
        "owner",
        "last_activity",
        "id",
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    ),
    sa.Index(
        "sessions_ended",
        "owner",
        "archived",
        "pinned",
        "last_activity",
        "id",
        "ended_at",
        sqlite_where=sa.text("ended_at IS NOT NULL"),
        postgresql_where=sa.text("ended_at IS NOT NULL"),
    ),
    # A deleted session's number must never come to mean another one to somebody who still holds it.
    sqlite_autoincrement=True,
)

session_tags = sa.Table(
    "session_tags",
    metadata,
    sa.Column("session_key", Key, sa.ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("tag", sa.Text, primary_key=True),
    sa.Index("sessions_by_tag", "tag", "session_key"),
    sqlite_with_rowid=False,
)

# System prompts and summaries. Receipts name them by their version, so none is ever changed; the one in force stands in
# the session's settings too.
session_texts = sa.Table(
    "session_texts",
    metadata,
    sa.Column("session_key", Key, sa.ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sqlite_with_rowid=False,
)

processes = sa.Table(
    "processes",
    metadata,
    sa.Column("id", Key, primary_key=True),
    sa.Column("lease_until", Moment, nullable=False),
    sqlite_autoincrement=True,
)

turns = sa.Table(
    "turns",
    metadata,
    sa.Column("id", Key, primary_key=True),
    sa.Column("session_key", Key, sa.ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False),
    # Without a cascade: SQLite follows one down the chain, and gives up after 1,000 turns.
    sa.Column("parent_id", Key, sa.ForeignKey("turns.id")),
    sa.Column("depth", sa.Integer, nullable=False),
    # An ancestor further up, chosen so that any ancestor is found in a number of steps that grows with the logarithm
    # of the depth (skew-binary jump pointers: Myers 1983).
    sa.Column("jump_id", Key),
    # Where the head was when the branch that begins with this turn was left.
    sa.Column("tip_id", Key),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("opened_at", Moment, nullable=False),
    sa.Column("first_text_at", Moment),
    sa.Column("closed_at", Moment),
    sa.Column("input_tokens", sa.Integer),
    sa.Column("output_tokens", sa.Integer),
    sa.Column("error", sa.Text),
    sa.Column("receipt", sa.Text),
    # Whose lease keeps it running. No foreign key: a row here outlives its process.
    sa.Column("process_id", Key),
    # What a client calls the turn, so that it can send a prompt again without asking twice.
    sa.Column("idempotency_key", sa.Text),
    sa.Column("stop_requested", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.CheckConstraint("status IN ('running', 'complete', 'stopped', 'failed', 'interrupted')"),
    sa.Index("turns_by_session", "session_key"),  # On PostgreSQL with the id, which SQLite has in every index.
    sa.Index("turns_by_parent", "parent_id", "session_key"),
    sa.Index(
        "turns_by_idempotency_key",
        "session_key",
        "idempotency_key",
        unique=True,
        sqlite_where=sa.text("idempotency_key IS NOT NULL"),
        postgresql_where=sa.text("idempotency_key IS NOT NULL"),
    ),
    sa.Index(
        "one_running_turn",
        "session_key",
        unique=True,
        sqlite_where=sa.text("status = 'running'"),
        postgresql_where=sa.text("status = 'running'"),
    ),
    sqlite_autoincrement=True,
)

messages = sa.Table(
    "messages",
    metadata,
    sa.Column("id", Key, primary_key=True),
    sa.Column("turn_id", Key, sa.ForeignKey("turns.id", ondelete="CASCADE")),
    # Only for system messages that a LangChain history keeps: they belong to a session and to no turn.
    sa.Column("session_key", Key, sa.ForeignKey("sessions.id", ondelete="CASCADE")),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("sender", sa.Text, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("timestamp", Moment, nullable=False),
    sa.Column("full", sa.Text),
    sa.CheckConstraint("(turn_id IS NULL) <> (session_key IS NULL)"),
    sa.Index("messages_by_turn", "turn_id", "position", unique=True),
    sa.Index(
        "messages_by_session",
        "session_key",
        sqlite_where=sa.text("session_key IS NOT NULL"),
        postgresql_where=sa.text("session_key IS NOT NULL"),
    ),
)

# What people say of single turns; apart from them, since hardly any has a row here.
turn_marks = sa.Table(
    "turn_marks",
    metadata,
    sa.Column("turn_id", Key, sa.ForeignKey("turns.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("session_key", Key, nullable=False),
    sa.Column("mark", sa.Text),
    sa.Column("rating", sa.SmallInteger),
    sa.CheckConstraint("mark IN ('pinned', 'excluded')"),
    sa.Index("marks_by_session", "session_key", "mark"),
    sqlite_with_rowid=False,
)

# By what they are, so that a prompt that is sent again shares them with the first.
images = sa.Table(
    "images",
    metadata,
    sa.Column("session_key", Key, sa.ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("content", sa.LargeBinary, nullable=False),
)

# Prompts that were submitted while a reply ran.
waiting_prompts = sa.Table(
    "waiting_prompts",
    metadata,
    sa.Column("id", Key, primary_key=True),
    sa.Column("session_key", Key, sa.ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("full", sa.Text),
    # None for the one that the session has when it is sent.
    sa.Column("model", sa.Text),
    # The turn next to which it is to be asked. No foreign key: turns go only together with what waits.
    sa.Column("beside", Key),
    # The waiting prompt that is the same for another model: next to its turn it is to be asked, once there is one.
    sa.Column("along_with", Key),
    # Whether it is sent only when a person asks for that.
    sa.Column("held", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("placed_at", Moment, nullable=False),
    # Of its images, one after the other; none where `images` has them.
    sa.Column("contents", sa.LargeBinary),
    sa.Index("waiting_by_session", "session_key"),
    sqlite_autoincrement=True,
)


def _pieces_table(name: str) -> sa.Table:
    """Text that arrives while a reply runs."""
    return sa.Table(
        name,
        metadata,
        sa.Column("turn_id", Key, sa.ForeignKey("turns.id", ondelete="CASCADE"), primary_key=True),
        # Where the piece begins in the whole, in characters.
        sa.Column("start", sa.Integer, primary_key=True),
        sa.Column("text", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )


reply_pieces = _pieces_table("reply_pieces")
thought_pieces = _pieces_table("thought_pieces")


def _usage_table(name: str, *columns: sa.Column[Any]) -> sa.Table:
    """What was used, by span and model."""
    return sa.Table(
        name,
        metadata,
        sa.Column("owner", sa.Text, primary_key=True),
        # 0 for all of the owner's sessions. No foreign key, therefore: deleting a session deletes its rows.
        sa.Column("session_key", sa.BigInteger, primary_key=True),
        # A day, in days since 1970; or a whole month, as minus the months since the year 0; or a whole year, as minus
        # its number. A session has days only.
        sa.Column("span", sa.Integer, primary_key=True),
        sa.Column("model", sa.Text, primary_key=True),
        *columns,
        sqlite_with_rowid=False,
    )


usage = _usage_table(
    "usage",
    sa.Column("sessions", sa.Integer, nullable=False, server_default="0"),
    sa.Column("turns", sa.Integer, nullable=False, server_default="0"),
    sa.Column("messages", sa.Integer, nullable=False, server_default="0"),
    sa.Column("stopped", sa.Integer, nullable=False, server_default="0"),
    sa.Column("failed", sa.Integer, nullable=False, server_default="0"),
    sa.Column("interrupted", sa.Integer, nullable=False, server_default="0"),
    sa.Column("input_tokens", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("output_tokens", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("prompt_characters", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("reply_characters", sa.BigInteger, nullable=False, server_default="0"),
    # From the first text to the end, in microseconds, of the turns whose output tokens were counted.
    sa.Column("writing_time", sa.BigInteger, nullable=False, server_default="0"),
)

# JSON: turns by the hour of the week (0 is Monday, 0:00), and by the bucket of how long something took. Apart from the
# sums: a chart of three years reads a thousand rows of those.
usage_histograms = _usage_table(
    "usage_histograms",
    sa.Column("hours", sa.Text, nullable=False),
    sa.Column("first_text", sa.Text, nullable=False),
    sa.Column("duration", sa.Text, nullable=False),
)

templates = sa.Table(
    "templates",
    metadata,
    sa.Column("owner", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("changed_at", Moment, nullable=False),
    sqlite_with_rowid=False,
)

# Of a token only its digest is kept.
tokens = sa.Table(
    "tokens",
    metadata,
    sa.Column("id", Key, primary_key=True),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False, unique=True),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("last_used", Moment),
    # A number that was revoked must never come to mean another token.
    sqlite_autoincrement=True,
)

# What a client wants kept with a turn, as JSON; most turns have nothing.
turn_data = sa.Table(
    "turn_data",
    metadata,
    sa.Column("turn_id", Key, sa.ForeignKey("turns.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("session_key", Key, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Index("turn_data_by_session", "session_key"),
    sqlite_with_rowid=False,
)

# Which conversations were taken in, of any file.
imported_sessions = sa.Table(
    "imported_sessions",
    metadata,
    sa.Column("owner", sa.Text, primary_key=True),
    # A digest of what the other program calls it: names of any length would not fit into an index.
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("session_key", Key, sa.ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False),
    # What it was copied from, as JSON, where that is not here.
    sa.Column("origin", sa.Text),
    sa.Index("imported_by_session", "session_key"),
    sqlite_with_rowid=False,
)

# What was done when, or in which version: a number for each task.
housekeeping = sa.Table(
    "housekeeping",
    metadata,
    sa.Column("task", sa.Text, primary_key=True),
    sa.Column("value", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# The tables `message_words` and `title_words` are not here: SQLite's are virtual. `storage.index` alone knows them.
