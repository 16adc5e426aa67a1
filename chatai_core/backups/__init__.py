"""Backups: a pg_dump archive that is complete when its manifest stands beside it."""
