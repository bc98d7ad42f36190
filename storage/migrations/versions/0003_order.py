"""Pins, archive, ends, tags, and what the model is told of a session, in all its versions."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

Key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NOT_ENDED = sa.text("ended_at IS NULL")


def upgrade() -> None:
    op.add_column("sessions", sa.Column("pinned", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("sessions", sa.Column("archived", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("sessions", sa.Column("ended_at", sa.BigInteger))
    op.add_column("sessions", sa.Column("newest_turn", Key))
    op.execute(
        "UPDATE sessions SET newest_turn = (SELECT max(t.id) FROM turns t "
        "WHERE t.session_key = sessions.id AND t.opened_at >= sessions.created_at)"
    )
    if op.get_bind().dialect.name == "postgresql":
        # SQLite has the number of a row in every index.
        op.drop_index("turns_by_session", "turns")
        op.create_index("turns_by_session", "turns", ["session_key", "id"])
    op.drop_index("sessions_by_activity", "sessions")
    op.create_index("sessions_by_place", "sessions", ["owner", "archived", "pinned", "last_activity", "id"])
    op.create_index("sessions_by_newest_turn", "sessions", ["owner", "newest_turn"])
    op.create_index(
        "sessions_not_ended",
        "sessions",
        ["owner", "last_activity", "id"],
        sqlite_where=NOT_ENDED,
        postgresql_where=NOT_ENDED,
    )
    op.create_table(
        "session_tags",
        sa.Column("session_key", Key, sa.ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("tag", sa.Text, primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_index("sessions_by_tag", "session_tags", ["tag", "session_key"])
    op.create_table(
        "session_texts",
        sa.Column("session_key", Key, sa.ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
