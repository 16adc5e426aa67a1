"""How output looks: its format, colours and width, as the command line and the terminal have it."""

import os
import shutil
import sys
from typing import IO, Literal

from chatai_ops.streams import write

Format = Literal["table", "json", "jsonl", "csv"]
CheckFormat = Literal["table", "json", "jsonl", "csv", "nagios", "prom"]
Color = Literal["auto", "always", "never"]


def is_terminal(stream: IO[str] | None = None) -> bool:
    """Whether a person looks at this stream (stdout unless told) through something that can draw."""
    stream = stream or sys.stdout  # None when it was closed and nobody has prepared the streams yet
    return stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"


def is_drawn() -> bool:
    """Whether tables are drawn with lines and colours rather than as plain columns."""
    return is_terminal() or bool(os.environ.get("FORCE_COLOR"))


def is_unicode() -> bool:
    """Whether stdout can carry every character."""
    return (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "") == "utf8"


def width() -> int:
    """Columns of the terminal; generous when there is none."""
    return shutil.get_terminal_size((160, 50)).columns


def choose_color(choice: Color | None) -> None:
    """Carry out --color: the two variables that everybody reads (rich, typer, the programs we start)."""
    if choice == "always":
        os.environ.pop("NO_COLOR", None)
        os.environ["FORCE_COLOR"] = "1"
    elif choice == "never":
        os.environ.pop("FORCE_COLOR", None)
        os.environ["NO_COLOR"] = "1"


def asked_form(arguments: list[str]) -> str:
    """The format that this command line asks for, also when it cannot be read otherwise: errors keep to it."""
    import re

    words = arguments[: arguments.index("--")] if "--" in arguments else arguments
    if "--json" in words:
        return "json"
    found = re.findall(r"(?:^| )(?:-o ?|--output[ =])(\w+)(?= |$)", " ".join(words))
    return found[-1] if found else "table"


def start_again(form: CheckFormat) -> None:
    """Before the next answer of --watch: an empty screen on a terminal, an empty line between tables elsewhere."""
    if form == "table":
        write("\x1b[H\x1b[2J\x1b[3J" if is_terminal() else "\n")
