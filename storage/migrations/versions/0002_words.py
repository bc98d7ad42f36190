"""The words by which messages and titles are found, and a place to remember what was done when."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

STATEMENTS = {
    "sqlite": (
        # Nothing but the words: the text stands in its own table, and what makes up a word was decided already.
        "CREATE VIRTUAL TABLE {table} USING fts5(words, content='', columnsize=0, tokenize='ascii')",
    ),
    "postgresql": (
        # No foreign key: making all words anew would wait for those who have a row locked, and they for the table.
        "CREATE TABLE {table} (id BIGINT PRIMARY KEY, words TSVECTOR NOT NULL, in_order TEXT NOT NULL)",
        # What waits to be sorted in is searched from end to end: not much is to wait.
        "CREATE INDEX {table}_by_word ON {table} USING gin (words) WITH (gin_pending_list_limit = 256)",
    ),
}


def upgrade() -> None:
    for statement in STATEMENTS[op.get_bind().dialect.name]:
        op.execute(statement.format(table="message_words"))
        op.execute(statement.format(table="title_words"))
    if op.get_bind().dialect.name == "sqlite":
        _keep_owners_in_one_tree()
    op.create_table(
        "housekeeping",
        sa.Column("task", sa.Text, primary_key=True),
        sa.Column("value", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )


def _keep_owners_in_one_tree() -> None:
    """Not in a table and an index of it: that takes a page more."""
    counts = ("session_count", "turn_count", "message_count")
    op.create_table(
        "owners_again",
        sa.Column("owner", sa.Text, primary_key=True),
        *(sa.Column(name, sa.Integer, nullable=False, server_default="0") for name in counts),
        sqlite_with_rowid=False,
    )
    op.execute("INSERT INTO owners_again SELECT owner, session_count, turn_count, message_count FROM owners")
    op.drop_table("owners")
    op.rename_table("owners_again", "owners")
