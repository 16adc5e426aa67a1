"""Results as text for people: drawn on a terminal, plain aligned columns in a pipe."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from chatai_core.findings import Finding, Survey
from chatai_core.i18n import _
from chatai_core.plans import Plan, Remarked, typed
from chatai_ops import look
from chatai_ops.cells import Column, columns, harmless, one_line, shown

_LONGEST_WORD = 24  # a longer one may be broken before rows are shown one below the other
_VERDICTS = {"ok": "green", "warning": "yellow", "critical": "bold red", "unknown": "magenta"}


def text(result: object) -> str:
    """The whole result."""
    if isinstance(result, Plan):
        return _plan(result)
    if isinstance(result, Survey | Finding):
        return _verdicts(result)
    if isinstance(result, list | tuple | set | frozenset):
        return _table(list(result))
    return line(result) if _is_a_sentence(result) else _one(result)


def line(row: object) -> str:
    """One row of a stream."""
    if _is_a_sentence(row):
        return (harmless(str(row)) if dataclasses.is_dataclass(row) or isinstance(row, str) else shown(row)) + "\n"
    return "  ".join(one_line(value) for _title, value in _fields(row)) + "\n"


def _is_a_sentence(row: object) -> bool:
    """Whether the row says itself how it is read: a plain value, or a class with its own ``__str__``."""
    return not isinstance(row, Mapping) and not (dataclasses.is_dataclass(row) and type(row).__str__ is object.__str__)


def _fields(row: object) -> list[tuple[str, str]]:
    if isinstance(row, Mapping):
        return [(str(key), shown(value)) for key, value in row.items()]
    assert dataclasses.is_dataclass(row), f"A result must be a dataclass of plain values, not {type(row)}."
    return [(column.title, column.text(row)) for column in columns(type(row))]


def _one(result: object) -> str:
    """One object: its fields as pairs, then each object and each list of rows in it, under its name."""
    if isinstance(result, Mapping):
        return _pairs(_fields(result))
    assert dataclasses.is_dataclass(result), f"A result must be a dataclass of plain values, not {type(result)}."
    pairs, parts = [], ""
    for column in columns(type(result)):
        value = getattr(result, column.name)
        if _has_fields(value[0] if isinstance(value, list) and value else value):
            parts += f"\n{column.title}\n{text(value)}"
        else:
            pairs.append((column.title, column.text(result)))
    return _pairs(pairs) + parts


def _has_fields(value: object) -> bool:
    return dataclasses.is_dataclass(value) and not _is_a_sentence(value)


def _table(rows: Sequence[Any]) -> str:
    if _is_a_sentence(rows[0]):
        return "".join(map(line, rows))
    if isinstance(rows[0], Mapping):
        heads = [Column(str(key), str(key), None, False) for key in rows[0]]
        body = [[shown(row.get(head.name)) for head in heads] for row in rows]
    else:
        heads = [head for head in columns(type(rows[0])) if not head.is_detail]
        body = [[head.text(row) for head in heads] for row in rows]
    if not look.is_drawn():
        return _aligned(heads, body)
    widths = _widths(heads, body, look.width() - 3 * len(heads) + 1)
    return _drawn(heads, body, widths) if widths else _one_below_the_other(heads, body)


def _aligned(heads: list[Column], body: list[list[str]]) -> str:
    """Columns two spaces apart, one row a line, nothing cut off."""
    lines = [[head.title for head in heads], *([one_line(cell) for cell in row] for row in body)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "".join(
        "  ".join(
            cell.rjust(width) if head.is_number else cell.ljust(width)
            for head, cell, width in zip(heads, cells, widths, strict=True)
        ).rstrip()
        + "\n"
        for cells in lines
    )


def _widths(heads: list[Column], body: list[list[str]], room: int) -> list[int] | None:
    """How wide each column is; None when they cannot share the room without a loss.

    rich would choose, too, but it narrows the widest column below its least width and then crops the last one.
    """
    cells = [list(column) for column in zip(*body, strict=True)]
    widths = [_least_width(head, column) for head, column in zip(heads, cells, strict=True)]
    lacking = [
        max(len(line) for text in (head.title, *column) for line in text.split("\n")) - width
        for head, column, width in zip(heads, cells, widths, strict=True)
    ]
    for _spare in range(room - sum(widths)):
        neediest = max(range(len(widths)), key=lacking.__getitem__)
        if lacking[neediest] <= 0:
            break
        widths[neediest] += 1
        lacking[neediest] -= 1
    return widths if sum(widths) <= room else None


def _least_width(head: Column, cells: list[str]) -> int:
    """How narrow a column can become: text is wrapped between its words, a number is never broken."""
    words = [word for cell in cells for word in ([cell] if head.is_number else cell.split())]
    longest = max(map(len, words), default=0)
    return max(longest if head.is_number else min(longest, _LONGEST_WORD), *map(len, head.title.split()))


def _drawn(heads: list[Column], body: list[list[str]], widths: list[int]) -> str:
    from rich.box import ASCII2, SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD if look.is_unicode() else ASCII2, pad_edge=False, header_style="bold")
    for head, width in zip(heads, widths, strict=True):
        justify: Literal["left", "right"] = "right" if head.is_number else "left"
        table.add_column(Text(head.title), justify=justify, overflow="fold", width=width)
    for row in body:
        table.add_row(*map(Text, row))
    return _painted(table)


def _one_below_the_other(heads: list[Column], body: list[list[str]]) -> str:
    return "\n".join(_pairs([(head.title, cell) for head, cell in zip(heads, row, strict=True)]) for row in body)


def _pairs(fields: list[tuple[str, str]]) -> str:
    if look.is_drawn():
        from rich.table import Table
        from rich.text import Text

        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="bold", no_wrap=True)
        grid.add_column(overflow="fold")
        for name, value in fields:
            grid.add_row(Text(name), Text(value))
        return _painted(grid)
    width = max((len(name) for name, _value in fields), default=0)
    return "".join(f"{name.ljust(width)}  {one_line(value)}\n" for name, value in fields)


def _plan(plan: Plan) -> str:
    steps = "".join(f"  {number}. {harmless(step)}\n" for number, step in enumerate(plan.steps, 1))
    statements = "".join(f"     {harmless(line)}\n" for one in plan.statements for line in typed(one).splitlines())
    remarks = "".join(f"  - {harmless(remark)}\n" for remark in plan.remarks) if isinstance(plan, Remarked) else ""
    return f"{harmless(plan.summary)}\n{steps}{statements}{remarks}"


def _verdicts(result: Survey | Finding) -> str:
    findings = result.checks if isinstance(result, Survey) else [result]
    skipped = result.skipped if isinstance(result, Survey) else []
    names = [finding.name for finding in findings] + [one.name for one in skipped]
    width = max(map(len, names), default=0)
    rows: list[tuple[str, str]] = []
    for finding in findings:
        rows.append((finding.status, f"{harmless(finding.name).ljust(width)}  {harmless(finding.summary)}"))
        if finding.remedy:
            rows.append(("", f"{' ' * width}  {harmless(finding.remedy)}"))
    rows += [("skipped", f"{harmless(one.name).ljust(width)}  {harmless(one.reason)}") for one in skipped]
    if isinstance(result, Survey):
        rows.append((result.status, _("{count} checks").format(count=len(findings))))
    return _painted_verdicts(rows) if look.is_drawn() else "".join(f"{_word(s):<9}{t}\n" for s, t in rows)


def _painted_verdicts(rows: list[tuple[str, str]]) -> str:
    from rich.text import Text

    lines = [Text.assemble((f"{_word(status):<9}", _VERDICTS.get(status, "")), text) for status, text in rows]
    return _painted(Text("\n").join(lines))


def _word(status: str) -> str:
    words = {"ok": _("OK"), "warning": _("WARNING"), "critical": _("CRITICAL"), "unknown": _("UNKNOWN")}
    return (words | {"skipped": _("skipped")}).get(status, "")


def _painted(renderable: Any) -> str:
    import io

    from rich.console import Console

    console = Console(file=io.StringIO(), force_terminal=True, width=look.width(), highlight=False, emoji=False)
    with console.capture() as captured:
        console.print(renderable)
    return "".join(f"{row.rstrip()}\n" for row in captured.get().splitlines())
