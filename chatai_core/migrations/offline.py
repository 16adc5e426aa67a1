"""The statements of migrations in place of their effect."""

import functools
import io
from typing import TYPE_CHECKING

from chatai_core.migrations import scripts

if TYPE_CHECKING:
    from alembic.config import Config

_OURS = ("BEGIN", "COMMIT")
_BOOKS = "CREATE TABLE alembic_version"  # it may be there, empty


def configured(output: io.StringIO | None = None, **attributes: object) -> "Config":
    """Alembic's configuration without its file: its words go to logging, the connection is lent."""
    from argparse import Namespace

    from alembic.config import Config

    silent = Namespace(quiet=True)
    config = Config(stdout=io.StringIO(), output_buffer=output, attributes=attributes, cmd_opts=silent)
    options = {
        "script_location": str(scripts.directory()),
        "file_template": "%(rev)s_%(slug)s",
        "timezone": "UTC",
    }
    for name, value in options.items():
        config.set_main_option(name, value.replace("%", "%%"))
    return config


def statements(start: int, end: int) -> list[str]:
    """What a migration between these positions tells the server, without comments and semicolons."""
    written = [text.rstrip().rstrip(";") for text in pieces(start, end) if not text.startswith("-- ")]
    return [text for text in written if text not in _OURS]


@functools.cache
def pieces(start: int, end: int) -> tuple[str, ...]:
    """Each statement and each comment that Alembic writes, BEGIN and COMMIT among them."""
    from alembic import command

    output = _Pieces()
    before, after = scripts.revision_at(start) or "base", scripts.revision_at(end) or "base"
    if end >= start:
        command.upgrade(configured(output), after if start == scripts.BASE else f"{before}:{after}", sql=True)
    else:
        command.downgrade(configured(output), f"{before}:{after}", sql=True)
    return tuple(text.replace(_BOOKS, "CREATE TABLE IF NOT EXISTS alembic_version", 1) for text in output.pieces)


class _Pieces(io.StringIO):
    """Alembic writes one statement at a time: so they need not be told apart again."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []

    def write(self, text: str) -> int:
        """Keep it."""
        self.pieces.append(text)
        return len(text)
