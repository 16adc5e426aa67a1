"""A result becomes text, by its type; the only place that writes to stdout.

A list is a table, one object is pairs, an iterator is written line by line, a plan is its steps, a survey is its
verdicts, None is nothing. A class that defines ``__str__`` is shown by it, one after the other.
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any

from chatai_core.errors import ChataiError, Declined
from chatai_core.findings import Survey
from chatai_core.i18n import _
from chatai_ops import look
from chatai_ops.cells import harmless, plain
from chatai_ops.exits import for_error
from chatai_ops.look import CheckFormat
from chatai_ops.streams import note, write


def show(
    result: object,
    form: CheckFormat = "table",
    *,
    empty: str = "",
    command: str = "chatai",
    row: Callable[[], type | None] | None = None,
) -> None:
    """Write the result to stdout; ``empty`` is said on stderr when a table would have no row.

    ``command`` is how monitoring knows the check. ``row`` is the type of a list's rows, asked for when there is none.
    """
    if result is None:
        return
    if isinstance(result, Iterator):
        try:
            _show_stream(result, form)
        finally:  # what it has opened is closed now, and not when Python itself ends
            if isinstance(result, Generator):
                result.close()
    elif form in {"nagios", "prom"}:
        _show_verdict(result, form, command)
    elif form == "table":
        _show_text(result, empty)
    elif form == "csv":
        from chatai_ops.sheets import sheet

        write(sheet(_rows(result), of=None if result or row is None else row()))
    elif form == "jsonl":
        write("".join(map(_json_line, _rows(result))))
    else:
        write(_json(result, indent=2) + "\n")
    reading = getattr(result, "reading", None)
    if reading is not None:  # an answer out of files tells which were read, and what of them was not understood
        note(harmless(str(reading)))


def complain(error: ChataiError, form: str = "table") -> None:
    """Say an error on stderr: what happened, why, what to type next; monitoring reads stdout alone."""
    if form in {"json", "jsonl"}:
        note(_json(complaint(error)))
        return
    if form == "nagios":
        from chatai_ops import monitoring

        write(monitoring.nagios_error(error))
        return
    what = error.what if isinstance(error, Declined) else _("Error: {what}").format(what=error.what)
    lines = [what, error.why, error.hint and f"  {error.hint}"]
    note("\n".join(harmless(line) for line in lines if line))


def complaint(error: ChataiError) -> dict[str, Any]:
    """An error as a program reads it."""
    return {
        "error": type(error).__name__,
        "what": error.what,
        "why": error.why or None,
        "hint": error.hint or None,
        "exit_code": for_error(error),
    }


def _show_verdict(result: object, form: CheckFormat, command: str) -> None:
    from chatai_ops import monitoring

    assert isinstance(result, Survey), "Only a survey has a verdict."
    write((monitoring.nagios if form == "nagios" else monitoring.prometheus)(result, command))


def _show_text(result: object, empty: str) -> None:
    from chatai_ops import tables  # needs nothing heavy itself: rich is loaded on a terminal only

    if _is_list(result) and not result:
        note(empty or _("Nothing found."))
    elif isinstance(result, str):
        write(harmless(result).rstrip("\n") + "\n")
    else:
        write(tables.text(result))


def _show_stream(rows: Iterator[Any], form: CheckFormat) -> None:
    """Write every row as soon as it is there."""
    from chatai_ops import sheets, tables

    for number, row in enumerate(rows):
        if form == "csv":
            write(sheets.sheet([row], header=number == 0))
        else:
            write(tables.line(row) if form == "table" else _json_line(row))


def _rows(result: object) -> Iterable[Any]:
    return result if _is_list(result) else [result]  # type: ignore[return-value]


def _is_list(result: object) -> bool:
    return isinstance(result, list | tuple | set | frozenset)


def _json_line(row: object) -> str:
    return _json(row) + "\n"


def _json(value: object, indent: int | None = None) -> str:
    import json  # 4 ms that a table need not pay

    return json.dumps(plain(value), indent=indent, ensure_ascii=not look.is_unicode())
