"""What every check of the database is given."""

from dataclasses import dataclass
from pathlib import Path

from chatai_core.adapters.postgres import Database
from chatai_core.database.snapshots import Snapshot
from chatai_core.database.visibility import Visibility
from chatai_core.settings import DatabaseLimits


@dataclass(frozen=True, slots=True)
class Look:
    """One read-only connection, the limits, what the role may see, and the counters of now and of then.

    ``directory`` is where snapshots are; ``now`` and ``before`` are two of them, where there are any.
    """

    database: Database
    limits: DatabaseLimits
    visibility: Visibility
    directory: Path
    now: Snapshot | None = None
    before: Snapshot | None = None
