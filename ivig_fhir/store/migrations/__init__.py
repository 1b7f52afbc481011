"""Alembic's side of the store: how the tables came to be, one revision a file."""
