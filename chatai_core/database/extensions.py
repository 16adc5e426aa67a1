"""What the database takes from outside, and whether it still fits: extensions, and the order of texts (collations)."""

from dataclasses import dataclass
from typing import Annotated, Literal

from chatai_core.adapters.postgres import Database, question
from chatai_core.findings import Rows
from chatai_core.i18n import _
from chatai_core.units import Detail

_SHOWN = 5  # statements beside the table


@dataclass(frozen=True, slots=True)
class Dependency:
    """An extension, the database's own collation, or one that is used: which version it is of, which would be now.

    ``available`` is None when the server no longer has it. An index made by another collation version may not find its
    rows: ``indexes`` counts those, ``repair`` builds them anew first. The last three fields are an extension's.
    """

    kind: Literal["extension", "database", "collation"]
    name: str
    schema: str | None
    version: str
    available: str | None
    outdated: bool
    indexes: int | None
    trusted: Annotated[bool | None, Detail]
    needs_superuser: Annotated[bool | None, Detail]
    relocatable: Annotated[bool | None, Detail]
    repair: Annotated[list[str], Detail]


def dependencies(database: Database) -> Rows[Dependency]:
    """The extensions, then the collations, the outdated first."""
    with database.together():
        rows = [*installed(database), *collations(database)]
    return Rows(rows, _repairs(rows))


def installed(database: Database) -> list[Dependency]:
    """The extensions of the database, the outdated first."""
    return database.rows(Dependency, question(__file__))


def collations(database: Database) -> list[Dependency]:
    """The collations that have a version and are used here, the outdated first."""
    known = database.value("SELECT to_regproc('pg_catalog.pg_database_collation_actual_version') IS NOT NULL")
    version = "pg_database_collation_actual_version(d.oid)" if known else "NULL"  # since 15
    return database.rows(Dependency, question(__file__, "collations").replace("{database_version}", version))


def _repairs(rows: list[Dependency]) -> str | None:
    """The first statements that repair what is outdated."""
    said = [
        _("The server no longer has the extension {name}.").format(name=row.name)
        for row in rows
        if row.kind == "extension" and row.available is None
    ]
    statements = [statement for row in rows for statement in row.repair]
    if statements:
        first = " ".join(f"{statement};" for statement in statements[:_SHOWN])
        said.append(_("Outdated, and repaired by: {statements}").format(statements=first))
    if len(statements) > _SHOWN:
        said.append(_("{count} more statements are in --json.").format(count=len(statements) - _SHOWN))
    return " ".join(said) or None
