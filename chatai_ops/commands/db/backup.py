"""Backups of the database."""

from typing import TYPE_CHECKING

from chatai_ops import ask
from chatai_ops.app import Commands
from chatai_ops.commands.db import panels

if TYPE_CHECKING:
    from chatai_core.installation import Installation
    from chatai_core.restore_points import RestorePoint

app = Commands()


@app.command(
    changes=True,
    explains=True,
    panel=panels.BACKUPS,
    examples=["chatai db backup", "chatai db backup --json", "chatai db backup --explain"],
)
def backup(chatai: "Installation") -> "ask.Planned[RestorePoint]":
    """Back up the database: a pg_dump archive, read again before it counts, with a manifest."""
    from chatai_core.backups import creation  # hashing and compression, which no report needs

    directory, programs = chatai.settings.backup_dir, chatai.postgres_programs
    plan = creation.plan(chatai.database, directory, embedded=programs)
    create = lambda: creation.create(chatai.database, directory, key_id=chatai.cipher.key_id, embedded=programs)  # noqa: E731
    return ask.Planned(plan, create)
