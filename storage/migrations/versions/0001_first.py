"""The first tables, and the two views for people with a SQL prompt."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

Key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
RUNNING = sa.text("status = 'running'")
KEYED = sa.text("idempotency_key IS NOT NULL")
OF_A_SESSION = sa.text("session_key IS NOT NULL")
# How each engine writes a moment for a person.
SHOWN_MOMENT = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f', {} / 1000000.0, 'unixepoch')",
    "postgresql": "to_timestamp({} / 1000000.0)",
}


def upgrade() -> None:
    _create_sessions()
    _create_turns()
    _create_messages()
    _create_usage()
    _create_views()


def _create_sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", Key, primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("session_id", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False, server_default=""),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("last_activity", sa.BigInteger, nullable=False),
        sa.Column("turn_count", sa.Integer, nullable=False, server_default="0"),
        sa.Column("message_count", sa.Integer, nullable=False, server_default="0"),
        sa.Column("head_id", Key),
        sa.Column("forked_from", Key),
        sa.Column("settings", sa.Text, nullable=False, server_default="{}"),
        sa.UniqueConstraint("session_id", "owner"),
        sqlite_autoincrement=True,
    )
    op.create_index("sessions_by_activity", "sessions", ["owner", "last_activity", "id"])


def _create_turns() -> None:
    op.create_table(
        "processes",
        sa.Column("id", Key, primary_key=True),
        sa.Column("lease_until", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "turns",
        sa.Column("id", Key, primary_key=True),
        sa.Column("session_key", Key, sa.ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False),
        sa.Column("parent_id", Key, sa.ForeignKey("turns.id")),
        sa.Column("depth", sa.Integer, nullable=False),
        sa.Column("jump_id", Key),
        sa.Column("tip_id", Key),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("first_text_at", sa.BigInteger),
        sa.Column("closed_at", sa.BigInteger),
        sa.Column("input_tokens", sa.Integer),
        sa.Column("output_tokens", sa.Integer),
        sa.Column("error", sa.Text),
        sa.Column("receipt", sa.Text),
        sa.Column("process_id", Key),
        sa.Column("idempotency_key", sa.Text),
        sa.Column("stop_requested", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.CheckConstraint("status IN ('running', 'complete', 'stopped', 'failed', 'interrupted')"),
        sqlite_autoincrement=True,
    )
    op.create_index("turns_by_session", "turns", ["session_key"])
    op.create_index("turns_by_parent", "turns", ["parent_id", "session_key"])
    op.create_index(
        "turns_by_idempotency_key",
        "turns",
        ["session_key", "idempotency_key"],
        unique=True,
        sqlite_where=KEYED,
        postgresql_where=KEYED,
    )
    op.create_index(
        "one_running_turn",
        "turns",
        ["session_key"],
        unique=True,
        sqlite_where=RUNNING,
        postgresql_where=RUNNING,
    )


def _create_messages() -> None:
    op.create_table(
        "messages",
        sa.Column("id", Key, primary_key=True),
        sa.Column("turn_id", Key, sa.ForeignKey("turns.id", ondelete="CASCADE")),
        sa.Column("session_key", Key, sa.ForeignKey("sessions.id", ondelete="CASCADE")),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("sender", sa.Text, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("timestamp", sa.BigInteger, nullable=False),
        sa.Column("full", sa.Text),
        sa.CheckConstraint("(turn_id IS NULL) <> (session_key IS NULL)"),
    )
    op.create_index("messages_by_turn", "messages", ["turn_id", "position"], unique=True)
    op.create_index(
        "messages_by_session",
        "messages",
        ["session_key"],
        sqlite_where=OF_A_SESSION,
        postgresql_where=OF_A_SESSION,
    )
    op.create_table(
        "reply_pieces",
        sa.Column("turn_id", Key, sa.ForeignKey("turns.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("start", sa.Integer, primary_key=True),
        sa.Column("text", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )


def _create_usage() -> None:
    op.create_table(
        "owners",
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("session_count", sa.Integer, nullable=False, server_default="0"),
        sa.Column("turn_count", sa.Integer, nullable=False, server_default="0"),
        sa.Column("message_count", sa.Integer, nullable=False, server_default="0"),
    )
    op.create_table(
        "usage_days",
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("day", sa.Integer, primary_key=True),
        sa.Column("turns", sa.Integer, nullable=False, server_default="0"),
        sa.Column("input_tokens", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("output_tokens", sa.BigInteger, nullable=False, server_default="0"),
    )


def _create_views() -> None:
    shown = SHOWN_MOMENT[op.get_bind().dialect.name].format
    op.execute(
        "CREATE VIEW chat_sessions AS SELECT session_id, title AS chat_name, "
        f"{shown('created_at')} AS created_at, {shown('last_activity')} AS last_activity, message_count "
        "FROM sessions"
    )
    # Two arms, so that each is reached from its session by an index.
    op.execute(
        "CREATE VIEW chat_messages AS "
        f"SELECT m.id, s.session_id, m.sender, m.content, {shown('m.timestamp')} AS timestamp "
        "FROM sessions s JOIN turns t ON t.session_key = s.id JOIN messages m ON m.turn_id = t.id "
        "UNION ALL "
        f"SELECT m.id, s.session_id, m.sender, m.content, {shown('m.timestamp')} "
        "FROM sessions s JOIN messages m ON m.session_key = s.id"
    )
