"""What in a former ChatAI's database would stop its adoption half-way: found before anything is done, and named."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from chatai_core.adapters.postgres import question
from chatai_core.errors import Misconfigured, NotPermitted
from chatai_core.i18n import _
from chatai_core.migrations import troubles
from chatai_core.migrations.adoption import catalog, conversion, former, reference, repairs
from chatai_core.migrations.adoption.catalog import Catalog

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.exc import DBAPIError


def require_none(connection: "Connection", here: Catalog, ours: Catalog) -> None:
    """Refuse what cannot be adopted as it is. Raises Misconfigured."""
    problems = [*_types(here, ours)] or [
        *_dependents(connection, here, ours),
        *_interferences(connection),
        *_references(connection, here, ours),
        *_names(connection, here, ours),
    ]
    problems = problems or [*_tried(connection, here, ours)] or [*_rows(connection, here, ours)]
    if problems:
        raise Misconfigured(
            _("This database of a former ChatAI cannot be adopted as it is."),
            why="; ".join(problems) + ".",
            hint="psql $DATABASE_URL",
        )


def require_owner(connection: "Connection") -> None:
    """Refuse a role that may not change the tables. Raises NotPermitted."""
    others = [
        f"{table} ({owner})"
        for table, owner in connection.exec_driver_sql(
            "SELECT relname, pg_get_userbyid(relowner) FROM pg_class WHERE relname = ANY (%(tables)s)"
            " AND relnamespace = to_regnamespace(quote_ident(current_schema()))"
            " AND NOT pg_has_role(relowner, 'USAGE')",
            {"tables": list(former.TABLES)},
        )
    ]
    if others:
        raise NotPermitted(
            _("This role may not change the tables of the former ChatAI."),
            why=_("They belong to others: {tables}.").format(tables=", ".join(others)),
            hint="chatai config show --origin",
        )


def _types(here: Catalog, ours: Catalog) -> Iterator[str]:
    for key, want in ours.columns.items():
        have = here.columns.get(key)
        if have and have.type != want.type and conversion.using(have.type, want.type, want.name) is None:
            yield _("{table}.{column} is {have}, which cannot become {want}").format(
                table=want.table, column=want.name, have=have.type, want=want.type
            )


def _dependents(connection: "Connection", here: Catalog, ours: Catalog) -> Iterator[str]:
    """Views, generated columns, policies … keep PostgreSQL from changing a column's type."""
    changing = {k for k, want in ours.columns.items() if (have := here.columns.get(k)) and have.type != want.type}
    changing |= set(conversion.SECRETS.items())
    for is_view, thing, table, column in _asked(connection, "obstacles"):
        if (table, column) in changing:
            sentence = (
                _("the view {thing} uses {table}.{column}: drop it, and make it again afterwards")
                if is_view
                else _("{thing} uses {table}.{column}: drop it, and make it again afterwards")
            )
            yield sentence.format(thing=thing, table=table, column=column)


def _interferences(connection: "Connection") -> Iterator[str]:
    for table, thing in _asked(connection, "interferences"):
        if thing is None:
            yield _("row security hides rows of {table} from this role: give it BYPASSRLS").format(table=table)
        else:
            yield _("{thing} may copy what is written: drop it, and make it again afterwards").format(thing=thing)


def _references(connection: "Connection", here: Catalog, ours: Catalog) -> Iterator[str]:
    """Foreign keys, of tables that are none of ChatAI's, to what goes."""
    constraints, indexes = conversion.gone(here, ours)
    going = {(one.table, one.name) for one in constraints}
    names = [*(one.name for one in constraints), *indexes]
    for table, name, index in _asked(connection, "references", indexes=names):
        if (table, name) not in going:
            yield _("the foreign key {name} of {table} needs {index}, which goes: drop it").format(
                name=name, table=table, index=index
            )


def _names(connection: "Connection", here: Catalog, ours: Catalog) -> Iterator[str]:
    """Names that the adoption gives, and others have."""
    wanted: dict[str, str | None] = {former.NOTES: None}
    wanted |= {f"{column.sequence}_former": None for column in here.columns.values() if column.sequence}
    wanted |= {one.name: one.table for one in ours.constraints if one.kind in "pu"}
    wanted |= {one.name: one.table for one in ours.indexes}
    for name, table, thing in _asked(connection, "names", names=list(wanted)):
        if table is None or table != wanted[name]:
            yield _("the name {name} is taken by {thing}: rename that").format(name=name, thing=thing)


def _tried(connection: "Connection", here: Catalog, ours: Catalog) -> Iterator[str]:
    """Change the types of empty copies, which have the tables' indexes and rules: what fails here, fails there."""
    from sqlalchemy.exc import DBAPIError

    changes = [*conversion.altering(here, ours), *conversion.rewriting()]
    for table in former.TABLES:
        own = [statement for statement in changes if statement.split()[2] == table]
        try:
            with connection.begin_nested() as savepoint:
                for statement in (*reference.copying(connection, table), *own):
                    catalog.told(connection, statement)
                savepoint.rollback()
        except DBAPIError as error:
            if troubles.is_contention(error):
                raise
            yield _("{table} cannot be changed: {reason}").format(table=table, reason=_said(error))


def _said(error: "DBAPIError") -> str:
    """The server's words and its detail, which names the thing."""
    diagnosis = error.orig.diag  # type: ignore[union-attr]  # SQLAlchemy wraps nothing but psycopg2.Error
    return " ".join(filter(None, (diagnosis.message_primary, diagnosis.message_detail))).rstrip(".")


def _rows(connection: "Connection", here: Catalog, ours: Catalog) -> Iterator[str]:
    for refusal in repairs.refusals(here, ours):
        count = connection.exec_driver_sql(refusal.counting).scalar_one()
        if count:
            yield f"{count} {refusal.sentence} ({refusal.counting})"


def _asked(connection: "Connection", name: str, **parameters: list[str]) -> "list[tuple[Any, ...]]":
    given = {"tables": list(former.TABLES), **parameters}
    return [tuple(row) for row in connection.exec_driver_sql(question(__file__, name), given)]
