"""How a record looks in api.log and audit.log, as text for people or as JSON for collectors.

Times are local, as ``date``, journalctl and fail2ban read them, and midnight is the operator's; the lines for people
carry no zone, because the format is older than this program. The JSON carries the offset.
"""

import functools
import json
import logging
import math
import time
import traceback
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from chatai_core.journal import characters
from chatai_core.journal.redaction import MASK, is_secret, redact

Format = Literal["text", "json"]
_encode = msgspec.json.Encoder(enc_hook=str).encode


class TextLines(logging.Formatter):
    """``<time> - <logger> - <LEVEL> - <message>``, then the traceback in lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """The lines of one record, without the last newline."""
        line = (
            f"{local_time(record)} - {characters.name(record.name)} - {characters.name(record.levelname)}"
            f" - {characters.neutralise(redact(message_of(record)))}"
        )
        trace = traceback_of(record)
        return f"{line}\n{characters.neutralise_lines(trace)}" if trace else line


class JsonLines(logging.Formatter):
    """One object a line: time with its offset, level, service, logger, message, traceback, further fields."""

    def __init__(self, service: str, further: str = "fields") -> None:
        """``further`` names the attribute of a record that holds its further fields."""
        super().__init__()
        self._service = service
        self._further = further

    def format(self, record: logging.LogRecord) -> str:
        """The line of one record, without its newline."""
        line: dict[str, object] = {
            "time": iso_time(record),
            "level": characters.name(record.levelname),
            "service": self._service,
            "logger": characters.name(record.name),
            "message": characters.whole(redact(message_of(record))),
        }
        if trace := traceback_of(record):
            line["traceback"] = characters.whole(trace)
        for name, value in plain(getattr(record, self._further, {})).items():
            line.setdefault(name, value)
        return characters.neutralise_json(_encode(line).decode())


class AuditLines(logging.Formatter):
    """``time | LEVEL | user_id | operation | status | {JSON} | ip``: the address is the last word, for awk."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of one record, without its newline."""
        entry = plain({"timestamp": iso_time(record), **getattr(record, "entry", {})})
        words = (str(entry.get(name) or "-") for name in ("user_id", "operation", "status"))
        user, operation, status = map(characters.word, words)
        details = characters.neutralise_json(json.dumps(entry, ensure_ascii=False))
        address = characters.word(str(entry.get("ip_address") or "-"))
        time_, level = local_time(record), characters.name(record.levelname)
        return f"{time_} | {level} | {user} | {operation} | {status} | {details} | {address}"


def of_api(form: Format, service: str) -> logging.Formatter:
    """The lines of api.log and of stderr."""
    return JsonLines(service) if form == "json" else TextLines()


def of_audit(form: Format, service: str) -> logging.Formatter:
    """The lines of audit.log."""
    return JsonLines(service, "entry") if form == "json" else AuditLines()


def message_of(record: logging.LogRecord) -> str:
    """The message; one whose arguments do not fit is shown with them beside it rather than lost."""
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        return f"{record.msg} {record.args!r}"


def traceback_of(record: logging.LogRecord) -> str:
    """The redacted traceback and stack of a record; empty when it has none."""
    parts = []
    if record.exc_info and record.exc_info[1]:
        parts.append(shown(record.exc_info[1]))
    elif record.exc_text:
        parts.append(record.exc_text)
    if record.stack_info:
        parts.append(record.stack_info)
    return redact("\n".join(parts))


def shown(error: BaseException) -> str:
    """The traceback of an error as Python shows it; also one that was never raised begins with Python's heading."""
    text = "".join(traceback.format_exception(error)).rstrip("\n")
    return text if text.startswith(("Traceback", "  +")) else f"Traceback (most recent call last):\n{text}"


def plain(value: Any) -> Any:
    """The value as JSON can say it, without secrets: a field named ``password`` is masked whatever it holds."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {
            characters.whole(str(key)): MASK if item and is_secret(str(key)) else plain(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return characters.whole(redact(str(value)))


def local_time(record: logging.LogRecord) -> str:
    """``2025-09-04 10:15:00,123``."""
    return f"{_second(int(record.created))[0]},{int(record.msecs):03d}"


def iso_time(record: logging.LogRecord) -> str:
    """``2025-09-04T10:15:00.123+03:00``."""
    second, offset = _second(int(record.created))
    return f"{second.replace(' ', 'T')}.{int(record.msecs):03d}{offset}"


@functools.lru_cache(maxsize=8)
def _second(second: int) -> tuple[str, str]:
    local = time.localtime(second)
    offset = time.strftime("%z", local)
    return time.strftime("%Y-%m-%d %H:%M:%S", local), f"{offset[:3]}:{offset[3:]}"
