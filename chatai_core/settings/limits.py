"""From when on ``chatai db health`` warns, and from when on it calls the database critical.

Each limit has its reason in docs/database.md. Shares are of 1: 0.8 is 80 %.
"""

from typing import Annotated

from chatai_core.i18n import _
from chatai_core.settings.sections import Section, named


class DatabaseLimits(Section, frozen=True):
    """Limits of ``chatai db health``."""

    connections_warning: Annotated[
        float, named("DB_LIMIT_CONNECTIONS_WARNING", _("Share of the usable connections in use."), gt=0, le=1)
    ] = 0.8
    connections_critical: Annotated[
        float, named("DB_LIMIT_CONNECTIONS_CRITICAL", _("Share of the usable connections in use."), gt=0, le=1)
    ] = 0.9
    query_warning: Annotated[float, named("DB_LIMIT_QUERY_WARNING", _("Seconds that a query runs."), gt=0)] = 60.0
    query_critical: Annotated[float, named("DB_LIMIT_QUERY_CRITICAL", _("Seconds that a query runs."), gt=0)] = 600.0
    idle_warning: Annotated[
        float, named("DB_LIMIT_IDLE_WARNING", _("Seconds that a transaction stays open and idle."), gt=0)
    ] = 60.0
    idle_critical: Annotated[
        float, named("DB_LIMIT_IDLE_CRITICAL", _("Seconds that a transaction stays open and idle."), gt=0)
    ] = 900.0
    blocked_warning: Annotated[
        float, named("DB_LIMIT_BLOCKED_WARNING", _("Seconds that somebody waits for a lock."), gt=0)
    ] = 30.0
    blocked_critical: Annotated[
        float, named("DB_LIMIT_BLOCKED_CRITICAL", _("Seconds that somebody waits for a lock."), gt=0)
    ] = 120.0
    wraparound_warning: Annotated[
        float, named("DB_LIMIT_WRAPAROUND_WARNING", _("Share of the 2^31 transaction numbers used up."), gt=0, le=1)
    ] = 0.5
    wraparound_critical: Annotated[
        float, named("DB_LIMIT_WRAPAROUND_CRITICAL", _("Share of the 2^31 transaction numbers used up."), gt=0, le=1)
    ] = 0.75
    horizon_warning: Annotated[
        int, named("DB_LIMIT_HORIZON_WARNING", _("Transactions for which one holder keeps dead rows alive."), ge=1)
    ] = 10_000_000
    horizon_critical: Annotated[
        int, named("DB_LIMIT_HORIZON_CRITICAL", _("Transactions for which one holder keeps dead rows alive."), ge=1)
    ] = 100_000_000
    sequences_warning: Annotated[
        float, named("DB_LIMIT_SEQUENCES_WARNING", _("Share of a sequence's numbers used up."), gt=0, le=1)
    ] = 0.75
    sequences_critical: Annotated[
        float, named("DB_LIMIT_SEQUENCES_CRITICAL", _("Share of a sequence's numbers used up."), gt=0, le=1)
    ] = 0.9
    sequence_days_warning: Annotated[
        float, named("DB_LIMIT_SEQUENCE_DAYS_WARNING", _("Days that a sequence will last."), ge=0)
    ] = 90.0
    sequence_days_critical: Annotated[
        float, named("DB_LIMIT_SEQUENCE_DAYS_CRITICAL", _("Days that a sequence will last."), ge=0)
    ] = 14.0
    dead_warning: Annotated[
        float,
        named("DB_LIMIT_DEAD_WARNING", _("Share of dead rows in a table that autovacuum should clean."), gt=0, le=1),
    ] = 0.2
    bloat_share: Annotated[
        float,
        named("DB_LIMIT_BLOAT_SHARE", _("Share of a table that is empty space, from which on it counts."), gt=0, le=1),
    ] = 0.3
    bloat_warning: Annotated[int, named("DB_LIMIT_BLOAT_WARNING", _("Bytes of empty space in one table."), ge=1)] = (
        2**30
    )
    bloat_critical: Annotated[int, named("DB_LIMIT_BLOAT_CRITICAL", _("Bytes of empty space in one table."), ge=1)] = (
        10 * 2**30
    )
    unused_bytes: Annotated[
        int, named("DB_LIMIT_UNUSED_BYTES", _("Bytes of an unused or duplicate index, from which on it counts."), ge=0)
    ] = 10 * 2**20
    unused_days: Annotated[
        float, named("DB_LIMIT_UNUSED_DAYS", _("Days without a scan after which an index counts as unused."), ge=0)
    ] = 14.0
    slow_ms: Annotated[float, named("DB_LIMIT_SLOW_MS", _("Mean milliseconds of a slow statement."), gt=0)] = 1000.0
    slow_share: Annotated[
        float, named("DB_LIMIT_SLOW_SHARE", _("Share of all time that a slow statement takes."), gt=0, le=1)
    ] = 0.1
    lag_warning: Annotated[float, named("DB_LIMIT_LAG_WARNING", _("Seconds that a replica is behind."), gt=0)] = 60.0
    lag_critical: Annotated[float, named("DB_LIMIT_LAG_CRITICAL", _("Seconds that a replica is behind."), gt=0)] = 600.0
    slot_warning: Annotated[int, named("DB_LIMIT_SLOT_WARNING", _("Bytes of WAL that a slot retains."), ge=1)] = 2**30
    slot_critical: Annotated[int, named("DB_LIMIT_SLOT_CRITICAL", _("Bytes of WAL that a slot retains."), ge=1)] = (
        10 * 2**30
    )
    disk_days_warning: Annotated[
        float, named("DB_LIMIT_DISK_DAYS_WARNING", _("Days until the disk is full."), ge=0)
    ] = 30.0
    disk_days_critical: Annotated[
        float, named("DB_LIMIT_DISK_DAYS_CRITICAL", _("Days until the disk is full."), ge=0)
    ] = 7.0
    disk_free_warning: Annotated[
        float, named("DB_LIMIT_DISK_FREE_WARNING", _("Share of the disk that is free."), ge=0, le=1)
    ] = 0.15
    disk_free_critical: Annotated[
        float, named("DB_LIMIT_DISK_FREE_CRITICAL", _("Share of the disk that is free."), ge=0, le=1)
    ] = 0.05
