"""What the first revision makes, asked of the same server: the pattern to which a former database is brought."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from chatai_core.adapters import postgres
from chatai_core.migrations import offline, scripts
from chatai_core.migrations.adoption import catalog, former
from chatai_core.migrations.adoption.catalog import Catalog

if TYPE_CHECKING:
    from sqlalchemy import Connection

_EXTENSION = "CREATE EXTENSION"
_BOOKS = "alembic_version"
_SCHEMA = "SELECT to_regnamespace(quote_ident(current_schema()))::oid"
_TEMPORARY_FIRST = "SELECT set_config('search_path', 'pg_temp, ' || current_setting('search_path'), true)"


def made(end: int = 0) -> list[str]:
    """The statements of the first revision, or of those up to this position, without their bookkeeping."""
    return [text for text in offline.statements(scripts.BASE, end) if _BOOKS not in text]


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
    """The tables that are there, and what the first revision would make of an empty database."""
    return found(connection), pattern(connection)


def pattern(connection: "Connection", end: int = 0, tables: Iterable[str] = former.TABLES) -> Catalog:
    """What the revisions up to this position would make of an empty database.

    That is made as temporary tables behind a savepoint, and undone: nobody sees it, nothing of it stays.
    """
    with connection.begin_nested() as savepoint:
        statements = made(end)
        for statement in (text for text in statements if text.startswith(_EXTENSION)):
            catalog.told(connection, statement)
        catalog.told(connection, _TEMPORARY_FIRST)
        for statement in (text for text in statements if not text.startswith(_EXTENSION)):
            catalog.told(connection, statement)
        there = int(connection.exec_driver_sql("SELECT pg_my_temp_schema()").scalar_one())
        ours = catalog.read(connection, there, tables)
        savepoint.rollback()
    return ours


def copying(connection: "Connection", table: str) -> list[str]:
    """Statements that make an empty temporary copy of a table, which then goes by its name."""
    name = postgres.identifier(str(connection.exec_driver_sql("SELECT current_schema()").scalar_one()), table)
    return [f"CREATE TEMPORARY TABLE {table} (LIKE {name} INCLUDING ALL)", _TEMPORARY_FIRST]


def found(connection: "Connection") -> Catalog:
    """The tables that are there."""
    return catalog.read(connection, schema(connection))


def schema(connection: "Connection") -> int:
    """The oid of the schema in which ChatAI's tables are."""
    return int(connection.exec_driver_sql(_SCHEMA).scalar_one())
