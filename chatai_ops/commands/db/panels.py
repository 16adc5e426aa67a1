"""The panels of ``chatai db --help``."""

from chatai_core.i18n import _

HEALTH = _("Health")
SPACE = _("Space")
ACTIVITY = _("What it is doing")
CONDITION = _("Condition")
UPKEEP = _("Upkeep")
BACKUPS = _("Backups")
