"""The schema's versions: where the database stands, how it gets to another one, and whether it is what it claims."""

from chatai_core.migrations.change import (
    Migrated,
    MigrationPlan,
    carry_out,
    downgrade,
    plan_downgrade,
    plan_upgrade,
    upgrade,
)
from chatai_core.migrations.drift import COMPARED, check
from chatai_core.migrations.lock import WAIT, locked
from chatai_core.migrations.state import Current, Revision, current, history

__all__ = [
    "COMPARED",
    "WAIT",
    "Current",
    "Migrated",
    "MigrationPlan",
    "Revision",
    "carry_out",
    "check",
    "current",
    "downgrade",
    "history",
    "locked",
    "plan_downgrade",
    "plan_upgrade",
    "upgrade",
]
