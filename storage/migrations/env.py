"""Alembic runs this: it migrates over the connection and inside the transaction of `storage.migrate`."""

from alembic import context

from storage.schema import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
)
with context.begin_transaction():
    context.run_migrations()
