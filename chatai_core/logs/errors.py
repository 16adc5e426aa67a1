"""What went wrong last."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from chatai_core.logs import search, sources
from chatai_core.logs.records import Record
from chatai_core.logs.search import Question, Records

_LEVELS = ("ERROR", "CRITICAL")


def errors(
    directory: Path,
    *,
    files: Sequence[Path] = (),
    limit: int | None = 20,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Records:
    """The last records of level ERROR or CRITICAL with their tracebacks, oldest first.

    They come from api.log in the directory and what was put aside of it, or from the files named (``-`` is stdin).
    ``since`` is included, ``until`` is not. A record's line is None where more than 128 MiB stand before it: to count
    the lines would take longer than everything else. Raises NotFound, NotPermitted, BadData.
    """
    words = tuple(level.encode() for level in _LEVELS)
    question = Question(words, _is_error, limit, since, until)
    return search.newest(sources.chosen(directory, files, "api.log"), question)


def _is_error(record: Record) -> bool:
    return record.level in _LEVELS
