"""Which conversations of which files were taken in, so that the same one is not taken in twice."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

Key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "imported_sessions",
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("session_key", Key, sa.ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False),
        sa.Column("origin", sa.Text),
        sqlite_with_rowid=False,
    )
    op.create_index("imported_by_session", "imported_sessions", ["session_key"])
