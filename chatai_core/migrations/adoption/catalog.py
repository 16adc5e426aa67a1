"""Tables as the server itself describes them: columns, constraints and indexes, comparable word for word."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from chatai_core.adapters.postgres import question
from chatai_core.migrations.adoption import former

if TYPE_CHECKING:
    from sqlalchemy import Connection

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Column:
    """One column; ``sequence`` belongs to it; ``generated`` is d (an identity BY DEFAULT), a (ALWAYS), s or empty."""

    table: str
    name: str
    type: str
    required: bool
    default: str | None
    generated: str
    sequence: str | None


@dataclass(frozen=True, slots=True)
class Constraint:
    """A primary key (kind p), UNIQUE (u), CHECK (c) or foreign key (f); ``is_valid`` is its index, if it has one."""

    table: str
    name: str
    kind: str
    columns: list[str]
    definition: str
    is_valid: bool


@dataclass(frozen=True, slots=True)
class Index:
    """An index that backs no constraint; ``shape`` is its definition without its name."""

    table: str
    name: str
    columns: list[str]
    statement: str
    shape: str


@dataclass(frozen=True, slots=True)
class Catalog:
    """The tables of ChatAI in one schema."""

    columns: dict[tuple[str, str], Column]
    constraints: list[Constraint]
    indexes: list[Index]

    def of(self, table: str) -> list[Column]:
        """The columns of one table."""
        return [column for column in self.columns.values() if column.table == table]

    def names(self, table: str) -> set[str]:
        """What its constraints and indexes are called."""
        constraints = {one.name for one in self.constraints if one.table == table}
        return constraints | {one.name for one in self.indexes if one.table == table}


def read(connection: "Connection", schema: int, tables: Iterable[str] = former.TABLES) -> Catalog:
    """These tables of ChatAI in the schema with this oid."""
    given = {"schema": schema, "tables": list(tables)}
    columns = asked(connection, Column, question(__file__, "columns"), **given)
    return Catalog(
        {(column.table, column.name): column for column in columns},
        asked(connection, Constraint, question(__file__, "constraints"), **given),
        asked(connection, Index, question(__file__, "indexes"), **given),
    )


def asked(connection: "Connection", row: Callable[..., Row], sql: str, **parameters: Any) -> list[Row]:
    """One ``row(**columns)`` for each row of the answer."""
    given = {"tables": list(former.TABLES), **parameters}
    return [row(**found) for found in connection.exec_driver_sql(sql, given).mappings()]


def told(connection: "Connection", statement: str) -> None:
    """Have the server carry out one statement, in which a percent sign is a percent sign."""
    connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
