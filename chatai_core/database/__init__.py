"""Questions about the database itself, one ``.py`` and one ``.sql`` of the same name each, and its upkeep.

A module is imported when it is first named: who wants one report does not pay for all of them.
"""

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatai_core.database import (
        activity,
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
        replication,
        sequences,
        setup,
        size,
        slow,
        snapshots,
        tables,
        unused_indexes,
        upkeep,
        wraparound,
    )

    __all__ = [
        "activity",
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
        "replication",
        "sequences",
        "setup",
        "size",
        "slow",
        "snapshots",
        "tables",
        "unused_indexes",
        "upkeep",
        "wraparound",
    ]


def on_demand(package: str) -> Callable[[str], ModuleType]:
    """The ``__getattr__`` of a package whose modules are imported when they are first named."""

    def module(name: str) -> ModuleType:
        try:
            return importlib.import_module(f"{package}.{name}")
        except ModuleNotFoundError as error:
            raise AttributeError(name) from error

    return module


__getattr__ = on_demand(__name__)
