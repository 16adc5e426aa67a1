"""The ChatAI backend as a library: HTTP API, token pool, bots, logs, database, backups."""

__version__ = "0.1.0"
