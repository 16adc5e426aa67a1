"""Records of api.log: found by how their first line begins, whole with their traceback, text and JSON alike.

Lines for people carry local time without a zone; the zone of this machine is assumed (set TZ for another's logs).
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from chatai_core.journal.characters import neutralise, neutralise_lines
from chatai_core.journal.redaction import redact

# A line that begins so starts something, ours or not: it never belongs to the record before it. NULs are the hole
# that a program leaves which writes on after its file was cut.
_BEGINNING = re.compile(rb'\0*+(?:\d{4}-\d\d-\d\d[ T]\d\d:\d\d|\{"time":)')
_TEXT = re.compile(rb"\0*+(\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[,.]\d{3,6}) - ([^\n]+?) - ([A-Z]+) - ?([^\n]*)")
_TRACEBACK = re.compile(r"^(?:Traceback \(|  \+ Exception Group Traceback|Stack \(most recent)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Record:
    """One record; ``line`` counts from 1, None where counting would take longer than the search."""

    time: datetime
    level: str
    logger: str
    message: str
    traceback: str | None
    file: str
    line: int | None

    def __str__(self) -> str:
        """As it stands in the log, in this machine's time."""
        head = f"{self.time.astimezone():%Y-%m-%d %H:%M:%S,%f}"[:-3]
        line = f"{head} - {self.logger} - {self.level} - {self.message}"
        return f"{line}\n{self.traceback}" if self.traceback else line


class _JsonLine(msgspec.Struct):
    time: datetime
    level: str
    logger: str
    message: str
    traceback: str | None = None


def begins(text: bytes, position: int) -> bool:
    """Whether the line at this position starts a record (or what looks like one) instead of continuing it."""
    return _BEGINNING.match(text, position) is not None


def first(text: bytes, position: int = 0, end: int | None = None) -> int:
    """Where the first record starts whose line follows a newline between these positions; -1 when none does."""
    while (newline := text.find(b"\n", position, end)) >= 0:
        position = newline + 1
        if begins(text, position):
            return position
    return -1


def last(text: bytes, position: int = 0) -> int:
    """Where the last record starts whose line follows a newline from this position on; -1 when none does."""
    newline = len(text)
    while (newline := text.rfind(b"\n", position, newline)) >= 0:
        if begins(text, newline + 1):
            return newline + 1
    return -1


def at(text: bytes, position: int, file: str) -> Record | None:
    """The record whose first line is at this position; None when that line is not understood."""
    end = first(text, position)
    raw = text[position : len(text) if end < 0 else end]
    try:
        return _from_json(raw, file) if raw.startswith(b"{") else _from_text(raw, file)
    except (ValueError, OverflowError, msgspec.MsgspecError):
        return None


def _from_json(raw: bytes, file: str) -> Record:
    line = msgspec.json.decode(raw.partition(b"\n")[0].decode("utf-8", "replace"), type=_JsonLine)
    trace = _shown_lines(line.traceback) if line.traceback else None
    return Record(line.time.astimezone(UTC), line.level, line.logger, _shown(line.message), trace, file, None)


def _from_text(raw: bytes, file: str) -> Record | None:
    match = _TEXT.match(raw)
    if match is None:
        return None
    time, logger, level = (group.decode("utf-8", "replace") for group in match.groups()[:3])
    rest = raw[match.start(4) :].decode("utf-8", "replace").replace("\r\n", "\n").rstrip("\n")
    heading = _TRACEBACK.search(rest, rest.find("\n") + 1) if "\n" in rest else None
    message = rest[: heading.start()].rstrip("\n") if heading else rest
    trace = _shown_lines(rest[heading.start() :]) if heading else None
    return Record(_utc(time), level, neutralise(logger), _shown(message), trace, file, None)


def _utc(local: str) -> datetime:
    return datetime.fromisoformat(local.replace(",", ".")).astimezone(UTC)


def _shown(text: str) -> str:
    """Old logs hold secrets and control characters that nobody took out."""
    return neutralise(redact(text))


def _shown_lines(text: str) -> str:
    return neutralise_lines(redact(text))
