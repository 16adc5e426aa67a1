"""Making what DATABASE_URL asks for: role, database, grants, extensions."""

from typing import TYPE_CHECKING

from chatai_core.database import on_demand

if TYPE_CHECKING:
    from chatai_core.database.setup import administrators, names, plans, steps

    __all__ = ["administrators", "names", "plans", "steps"]

__getattr__ = on_demand(__name__)
