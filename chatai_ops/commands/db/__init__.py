"""chatai db: the database, its health, its sizes, what it is busy with, its upkeep, its backups."""

from chatai_core.i18n import _
from chatai_ops.app import Commands
from chatai_ops.commands.db import activity, backup, condition, health, provision, space, upkeep

app = Commands(_("The database: health, sizes, what it is busy with, upkeep, backups.")).adding(
    health.app, space.app, activity.app, condition.app, upkeep.app, provision.app, backup.app
)
