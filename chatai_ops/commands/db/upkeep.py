"""Upkeep that does no harm: analyze, vacuum, reindex, the log of slow statements."""

from chatai_ops.app import Commands

app = Commands()
