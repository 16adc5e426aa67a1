"""The schema's versions: where the database stands, how it gets to another one, and whether it is what it claims."""

from chatai_core.migrations.attempts import tried
from chatai_core.migrations.authoring import Authored, author, plan_author
from chatai_core.migrations.change import Migrated, carry_out, downgrade, stamp, upgrade
from chatai_core.migrations.drift import COMPARED, check
from chatai_core.migrations.lock import locked
from chatai_core.migrations.plan import MigrationPlan, plan_downgrade, plan_stamp, plan_upgrade, refusal
from chatai_core.migrations.sqlfile import written
from chatai_core.migrations.state import Current, FormerCurrent, Revision, current, history, require_ours
from chatai_core.migrations.terms import ATTEMPTS, LOCK_TIMEOUT, WAIT, Terms

__all__ = [
    "ATTEMPTS",
    "COMPARED",
    "LOCK_TIMEOUT",
    "WAIT",
    "Authored",
    "Current",
    "FormerCurrent",
    "Migrated",
    "MigrationPlan",
    "Revision",
    "Terms",
    "author",
    "carry_out",
    "check",
    "current",
    "downgrade",
    "history",
    "locked",
    "plan_author",
    "plan_downgrade",
    "plan_stamp",
    "plan_upgrade",
    "refusal",
    "require_ours",
    "stamp",
    "tried",
    "upgrade",
    "written",
]
