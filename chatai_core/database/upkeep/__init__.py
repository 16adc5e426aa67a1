"""Upkeep that does no harm: planned, watched, and nothing skipped in silence."""

from typing import TYPE_CHECKING

from chatai_core.database import on_demand

if TYPE_CHECKING:
    from chatai_core.database.upkeep import (
        index_builds,
        left_over,
        progress,
        reindex_plans,
        reindexing,
        slow_log,
        tasks,
        tending,
    )

    __all__ = ["index_builds", "left_over", "progress", "reindex_plans", "reindexing", "slow_log", "tasks", "tending"]

__getattr__ = on_demand(__name__)
