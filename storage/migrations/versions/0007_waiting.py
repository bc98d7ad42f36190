"""Prompts that wait until the reply before them has ended."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

Key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("sessions", sa.Column("changes", sa.Integer, nullable=False, server_default="0"))
    op.create_table(
        "waiting_prompts",
        sa.Column("id", Key, primary_key=True),
        sa.Column("session_key", Key, sa.ForeignKey("sessions.id", ondelete="CASCADE"), nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("full", sa.Text),
        sa.Column("model", sa.Text),
        sa.Column("beside", Key),
        sa.Column("along_with", Key),
        sa.Column("held", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("placed_at", sa.BigInteger, nullable=False),
        sa.Column("contents", sa.LargeBinary),
        sqlite_autoincrement=True,
    )
    op.create_index("waiting_by_session", "waiting_prompts", ["session_key"])
