"""What other programs need: tokens that say who somebody is, and what a client wants kept with a turn."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

Key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "tokens",
        sa.Column("id", Key, primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False, unique=True),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("last_used", sa.BigInteger),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "turn_data",
        sa.Column("turn_id", Key, sa.ForeignKey("turns.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("session_key", Key, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("turn_data_by_session", "turn_data", ["session_key"])
