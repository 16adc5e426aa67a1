"""Every check of the database, in the order in which they are told: who asks first, then what hurts at once."""

from chatai_core.health.check import Check
from chatai_core.health.database import (
    bloat,
    cache_hit,
    connections,
    extensions,
    indexes,
    locks,
    long,
    replication,
    sequences,
    size,
    slow,
    visible,
    wraparound,
)
from chatai_core.health.database.look import Look

ALL: tuple[Check[Look], ...] = (
    Check(visible.NAME, visible.check),
    Check(connections.NAME, connections.check),
    Check(locks.NAME, locks.check),
    Check(long.QUERIES, long.queries),
    Check(long.IDLE, long.idle),
    Check(wraparound.NAME, wraparound.check),
    Check(wraparound.HORIZON, wraparound.horizon),
    Check(sequences.NAME, sequences.check),
    Check(size.NAME, size.check),
    Check(bloat.DEAD, bloat.dead),
    Check(bloat.NAME, bloat.check),
    Check(indexes.INVALID, indexes.invalid),
    Check(indexes.UNUSED, indexes.unused),
    Check(indexes.DUPLICATE, indexes.duplicate),
    Check(slow.NAME, slow.check),
    Check(extensions.EXTENSIONS, extensions.check),
    Check(extensions.COLLATIONS, extensions.collations),
    Check(replication.LAG, replication.lag),
    Check(replication.SLOTS, replication.slots),
    Check(replication.ARCHIVER, replication.archiver),
    Check(cache_hit.NAME, cache_hit.check),
)
