"""What the first revision makes, asked of the same server: the pattern to which a former database is brought."""

import re
from typing import TYPE_CHECKING

from chatai_core.migrations import offline, scripts
from chatai_core.migrations.adoption import catalog
from chatai_core.migrations.adoption.catalog import Catalog

if TYPE_CHECKING:
    from sqlalchemy import Connection

_EXTENSION = "CREATE EXTENSION"
_BOOKS = "alembic_version"
_SCHEMA = "SELECT to_regnamespace(current_schema())::oid"


def made() -> list[str]:
    """The statements of the first revision without its bookkeeping."""
    return [text for text in offline.statements(scripts.BASE, 0) if _BOOKS not in text]


def as_typed(statements: list[str]) -> dict[str, str]:
    """Each constraint and index as the first revision types it, by name.

    What the server writes of a CHECK (``= ANY (ARRAY[…])`` for IN) it reads as another one.
    """
    text = "\n".join(statements)
    constraints = dict(re.findall(r"^\s*CONSTRAINT (\S+) (.*?),?\s*$", text, re.MULTILINE))
    return constraints | {
        name: whole for whole, name in re.findall(r"^(CREATE (?:UNIQUE )?INDEX (\S+) .*)$", text, re.M)
    }


def compared(connection: "Connection") -> tuple[Catalog, Catalog]:
    """The tables that are there, and what the first revision would make of an empty database.

    That is made as temporary tables behind a savepoint, and undone: nobody sees it, nothing of it stays.
    """
    here = found(connection)
    with connection.begin_nested() as savepoint:
        statements = made()
        for statement in (text for text in statements if text.startswith(_EXTENSION)):
            catalog.told(connection, statement)
        catalog.told(
            connection, "SELECT set_config('search_path', 'pg_temp, ' || current_setting('search_path'), true)"
        )
        for statement in (text for text in statements if not text.startswith(_EXTENSION)):
            catalog.told(connection, statement)
        there = int(connection.exec_driver_sql("SELECT pg_my_temp_schema()").scalar_one())
        ours = catalog.read(connection, there)
        savepoint.rollback()
    return here, ours


def found(connection: "Connection") -> Catalog:
    """The tables that are there."""
    return catalog.read(connection, int(connection.exec_driver_sql(_SCHEMA).scalar_one()))
