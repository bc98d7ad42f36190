"""What people say of single turns, what models think while they write, and the images of prompts."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

Key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "turn_marks",
        sa.Column("turn_id", Key, sa.ForeignKey("turns.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("session_key", Key, nullable=False),
        sa.Column("mark", sa.Text),
        sa.Column("rating", sa.SmallInteger),
        sa.CheckConstraint("mark IN ('pinned', 'excluded')"),
        sqlite_with_rowid=False,
    )
    op.create_index("marks_by_session", "turn_marks", ["session_key", "mark"])
    op.create_table(
        "thought_pieces",
        sa.Column("turn_id", Key, sa.ForeignKey("turns.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("start", sa.Integer, primary_key=True),
        sa.Column("text", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "images",
        sa.Column("session_key", Key, sa.ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )
