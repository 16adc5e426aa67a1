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
        cache_hit,
        connections,
        counters,
        ending,
        extensions,
        locks,
        long,
        ping,
        reindex_plans,
        reindexing,
        replication,
        sequences,
        setup,
        slow,
        slow_log,
        tables,
        upkeep,
        wraparound,
    )

    __all__ = [
        "activity",
        "administrators",
        "cache_hit",
        "connections",
        "counters",
        "ending",
        "extensions",
        "locks",
        "long",
        "ping",
        "reindex_plans",
        "reindexing",
        "replication",
        "sequences",
        "setup",
        "slow",
        "slow_log",
        "tables",
        "upkeep",
        "wraparound",
    ]


def __getattr__(name: str) -> ModuleType:
    try:
        return importlib.import_module(f"{__name__}.{name}")
    except ModuleNotFoundError as error:
        raise AttributeError(name) from error
