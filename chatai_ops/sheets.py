"""Results as comma separated values."""

import csv
import dataclasses
import io
import json
from collections.abc import Iterable
from typing import Any

from chatai_ops.cells import plain


def sheet(rows: Iterable[Any], *, header: bool = True, of: type | None = None) -> str:
    """The rows with a header of field names; nested values are JSON, nothing is an empty cell.

    Where there is no row, the header is that ``of`` a class of rows.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in map(plain, rows):
        fields = row if isinstance(row, dict) else {"value": row}
        if header:
            writer.writerow(fields)
            header = False
        writer.writerow(map(_cell, fields.values()))
    if header and dataclasses.is_dataclass(of):
        writer.writerow(field.name for field in dataclasses.fields(of))
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
