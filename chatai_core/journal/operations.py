"""The line that every change, login and alarm leaves in audit.log."""

import logging
from collections.abc import Mapping

from chatai_core.journal import lines

_LOGGER = logging.getLogger("audit")
_LEVELS = {"success": logging.INFO, "failed": logging.WARNING}


def audit(
    operation: str,
    status: str,
    *,
    user_id: int | str | None = None,
    details: Mapping[str, object] | None = None,
    ip: str | None = None,
    user_agent: str = "",
    error: BaseException | None = None,
) -> None:
    """Write who did what and how it ended: ``success`` as INFO, ``failed`` as WARNING, anything else as ERROR.

    api.log gets ``audit - <LEVEL> - <operation> <status>``. Secrets in the details are masked.
    """
    entry: dict[str, object] = {
        "operation": operation,
        "operation_name": operation.replace("_", " ").capitalize(),
        "user_id": "anonymous" if user_id is None else user_id,
        "status": status,
        "details": dict(details or {}),
        "ip_address": ip,
        "user_agent": user_agent,
    }
    if error is not None:
        trace = lines.shown(error)
        entry["error"] = {"type": type(error).__name__, "message": str(error), "traceback": trace}
    level = _LEVELS.get(status, logging.ERROR)
    _LOGGER.log(level, "%s %s", operation, status, extra={"entry": entry})
