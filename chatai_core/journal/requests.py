"""The line that every HTTP request leaves in api.log."""

import logging

from chatai_core.journal.characters import word

_LOGGER = logging.getLogger("api.access")


def access(
    path: str, method: str, status: int, user: int | str | None, ip: str, request_id: str, duration_ms: float
) -> None:
    """Write one request: 401 and 403 as WARNING, 5xx as ERROR, the others as INFO."""
    level = logging.ERROR if status >= 500 else logging.WARNING if status in (401, 403) else logging.INFO
    if not _LOGGER.isEnabledFor(level):
        return
    path, method, ip, request_id, duration = word(path), word(method), word(ip), word(request_id), round(duration_ms)
    who = "-" if user is None else word(str(user))
    message = f"{path} {method} {status} user={who} ip={ip} request_id={request_id} duration={duration}ms"
    fields = {
        "path": path,
        "method": method,
        "status": status,
        "user": user,
        "ip": ip,
        "request_id": request_id,
        "duration_ms": duration,
    }
    # Without the search for the caller in the stack, which nobody sees in this line.
    record = _LOGGER.makeRecord(_LOGGER.name, level, "", 0, message, (), None, extra={"fields": fields})
    _LOGGER.handle(record)
