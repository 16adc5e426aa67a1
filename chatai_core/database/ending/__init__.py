"""Cancelling queries and ending sessions: the right one, and none that must not be ended by the way."""

from typing import TYPE_CHECKING

from chatai_core.database import on_demand

if TYPE_CHECKING:
    from chatai_core.database.ending import plans, refusals, signals

    __all__ = ["plans", "refusals", "signals"]

__getattr__ = on_demand(__name__)
