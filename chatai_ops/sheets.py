"""Results as comma separated values."""

import csv
import io
import json
from collections.abc import Iterable
from typing import Any

from chatai_ops.cells import plain


def sheet(rows: Iterable[Any], *, header: bool = True) -> str:
    """The rows with a header of field names; nested values are JSON, nothing is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in map(plain, rows):
        fields = row if isinstance(row, dict) else {"value": row}
        if header:
            writer.writerow(fields)
            header = False
        writer.writerow(map(_cell, fields.values()))
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
