"""Runs migrations on a connection that `station.database` hands over; needs no ini file."""

from alembic import context

handed = context.config.attributes
context.configure(
    connection=handed["connection"],
    target_metadata=handed["metadata"],
    version_table=handed["version_table"],
    render_as_batch=handed["connection"].dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()
