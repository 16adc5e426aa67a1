"""Questions about the database itself, one ``.py`` and one ``.sql`` of the same name each, and its upkeep.

A module is imported when it is first named: who wants one report does not pay for all of them.
"""

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatai_core.database import (
        activity,
        administrators,
        bloat,
        bloat_exact,
        cache_hit,
        connections,
        counters,
        duplicate_indexes,
        ending,
        extensions,
        index_evidence,
        indexes,
        locks,
        long,
        ping,
        reindex_plans,
        reindexing,
        replication,
        sequences,
        setup,
        size,
        slow,
        slow_log,
        snapshots,
        tables,
        unused_indexes,
        upkeep,
        wraparound,
    )

    __all__ = [
        "activity",
        "administrators",
        "bloat",
        "bloat_exact",
        "cache_hit",
        "connections",
        "counters",
        "duplicate_indexes",
        "ending",
        "extensions",
        "index_evidence",
        "indexes",
        "locks",
        "long",
        "ping",
        "reindex_plans",
        "reindexing",
        "replication",
        "sequences",
        "setup",
        "size",
        "slow",
        "slow_log",
        "snapshots",
        "tables",
        "unused_indexes",
        "upkeep",
        "wraparound",
    ]


def __getattr__(name: str) -> ModuleType:
    try:
        return importlib.import_module(f"{__name__}.{name}")
    except ModuleNotFoundError as error:
        raise AttributeError(name) from error
