"""One file for every revision of the schema, read by Alembic."""
