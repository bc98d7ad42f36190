"""Lists of sessions in every order: an index for each, and titles in lower case."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

ENDED = sa.text("ended_at IS NOT NULL")
# Of a title, so much counts in a list: PostgreSQL has no long texts in an index.
SORTED = "lower(substr({}, 1, 200))"
# No index on lower(title): SQLite's own lower() knows ASCII only, so other programs would find it damaged or damage it.
TITLES = {
    "sqlite": (
        "ALTER TABLE sessions ADD COLUMN sort_title TEXT NOT NULL DEFAULT ''",
        f"UPDATE sessions SET sort_title = {SORTED.format('title')} WHERE title <> ''",
        "CREATE TRIGGER sort_title_of_new AFTER INSERT ON sessions WHEN NEW.title <> '' "
        f"BEGIN UPDATE sessions SET sort_title = {SORTED.format('NEW.title')} WHERE id = NEW.id; END",
        "CREATE TRIGGER sort_title_of_renamed AFTER UPDATE OF title ON sessions WHEN NEW.title <> OLD.title "
        f"BEGIN UPDATE sessions SET sort_title = {SORTED.format('NEW.title')} WHERE id = NEW.id; END",
    ),
    "postgresql": (
        'ALTER TABLE sessions ADD COLUMN sort_title TEXT COLLATE "C" NOT NULL '
        f"GENERATED ALWAYS AS ({SORTED.format('title')}) STORED",
    ),
}


def upgrade() -> None:
    for statement in TITLES[op.get_bind().dialect.name]:
        op.execute(statement)
    op.create_index("sessions_by_creation", "sessions", ["owner", "archived", "created_at", "id"])
    op.create_index("sessions_by_title", "sessions", ["owner", "archived", "sort_title", "id"])
    op.create_index("sessions_by_messages", "sessions", ["owner", "archived", "message_count", "id"])
    op.drop_index("sessions_by_place", "sessions")
    op.create_index(
        "sessions_by_place", "sessions", ["owner", "archived", "pinned", "last_activity", "id", "message_count"]
    )
    op.create_index(
        "sessions_ended",
        "sessions",
        ["owner", "archived", "pinned", "last_activity", "id", "ended_at"],
        sqlite_where=ENDED,
        postgresql_where=ENDED,
    )
