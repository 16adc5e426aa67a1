"""Where the records of one process go: api.log, audit.log and, for a server, stderr."""

import logging
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Literal, TextIO

from chatai_core.journal import lines
from chatai_core.journal.rotation import RotatedFile, next_midnight

API_LOG, AUDIT_LOG = "api.log", "audit.log"
API_DAYS, AUDIT_DAYS = 7, 14
# These tell of each request at INFO; api.access and the bots' own lines say the same.
_CHATTY = ("httpx", "httpx2", "httpcore", "httpcore2", "telegram", "openai", "apscheduler", "aiohttp.access")

_logger = logging.getLogger(__name__)
_AUDIT = logging.getLogger("audit")


class Appending(logging.Handler):
    """Appends whole records to a rotated file; a failure neither stops nor delays the program."""

    def __init__(self, file: RotatedFile, form: logging.Formatter) -> None:
        super().__init__()
        self._file = file
        self.setFormatter(form)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record; the first one after a failure is followed by how many were lost."""
        try:
            line = self.format(record)
        except Exception as error:  # noqa: BLE001  an argument's own __str__ may raise anything; the program goes on
            self.emit(_unshowable(record, error))
            return
        if self._file.write(line.encode("utf-8", "backslashreplace") + b"\n") and self._file.lost:
            lost, self._file.lost = self._file.lost, 0
            _logger.warning("%d records could not be written to %s", lost, self._file.path)

    def close(self) -> None:
        """Close the file."""
        with self.lock or nullcontext():
            self._file.close()
        super().close()


class Showing(logging.StreamHandler[TextIO]):
    """Shows the records on stderr as well."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Say nothing: the line in the file tells of it, and stderr is what has failed."""


def open(
    directory: Path,
    *,
    service: str,
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO",
    format: lines.Format = "text",
    stderr: bool = False,
    ends: Callable[[float], float] = next_midnight,
) -> None:
    """Send this process's records to the logs in the directory; what was open before is closed.

    ``service`` names the process in JSON lines. audit.log gets every operation whatever the level. uvicorn is run
    with ``log_config=None``: its loggers then come here, and its access lines are off, as ``access`` replaces them.
    Files are made by the first record. Raises CannotCreate when the directory cannot be made.
    """
    from chatai_core.adapters import files  # 10 ms, which those who only read logs need not pay

    files.directory(directory, mode=0o750)
    close()
    shown: list[logging.Handler] = [Showing(sys.stderr)] if stderr and sys.stderr is not None else []
    api = Appending(RotatedFile(directory / API_LOG, keep=API_DAYS, ends=ends), lines.of_api(format, service))
    for handler in (api, *shown):
        handler.setFormatter(lines.of_api(format, service))
        handler.setLevel(level)
        logging.root.addHandler(handler)
    audit = RotatedFile(directory / AUDIT_LOG, keep=AUDIT_DAYS, ends=ends)
    _AUDIT.addHandler(Appending(audit, lines.of_audit(format, service)))
    _set_levels(level)


def close() -> None:
    """Close the journal of this process; what is logged from now on goes nowhere."""
    for logger in (logging.root, _AUDIT):
        for handler in [known for known in logger.handlers if isinstance(known, Appending | Showing)]:
            logger.removeHandler(handler)
            handler.close()


def _set_levels(level: str) -> None:
    logging.root.setLevel(level)
    _AUDIT.setLevel(logging.INFO)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(level if level == "DEBUG" else logging.WARNING)
    access = logging.getLogger("uvicorn.access")
    access.handlers.clear()
    access.propagate = False


def _unshowable(record: logging.LogRecord, error: Exception) -> logging.LogRecord:
    where = f"{record.name}, {record.pathname}:{record.lineno}"
    message = f"a record of {where} cannot be shown: {type(error).__name__}"
    shown = logging.LogRecord(_logger.name, logging.ERROR, __file__, 0, message, None, None)
    shown.created, shown.msecs = record.created, record.msecs
    return shown
