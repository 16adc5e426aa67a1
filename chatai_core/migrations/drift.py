"""Whether a database is what its revision claims: its tables against the models."""

import time
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any, Literal

from chatai_core.adapters import postgres
from chatai_core.adapters.postgres import Database
from chatai_core.errors import ChataiError, Misconfigured
from chatai_core.findings import Finding, Survey, worst
from chatai_core.i18n import _
from chatai_core.migrations import definitions, scripts, state, troubles
from chatai_core.migrations.adoption import former, repairs
from chatai_core.migrations.definitions import Difference


def compare_type(_context: object, _column: object, _declared: object, found: Any, wanted: Any) -> bool | None:
    """Whether a vector's number of dimensions differs; None leaves everything else to Alembic."""
    return found.dim != wanted.dim if hasattr(found, "dim") and hasattr(wanted, "dim") else None


def include_name(name: str | None, kind: str, parents: Mapping[str, str | None]) -> bool:
    """Whether it counts; what a former ChatAI left behind does not."""
    return not former.is_left(kind, name, parents.get("table_name"))


def render_item(_kind: str, item: Any, context: Any) -> str | Literal[False]:
    """A vector as a migration writes it; False leaves everything else to Alembic."""
    if not hasattr(item, "dim"):
        return False
    context.imports.add("from pgvector.sqlalchemy import VECTOR")
    return f"VECTOR({item.dim or ''})"


# What ``alembic check`` and ``chatai migrate check`` compare beyond names, and how a difference is written down.
COMPARED: dict[str, Any] = {
    "compare_type": compare_type,
    "compare_server_default": True,
    "include_name": include_name,
    "render_item": render_item,
    "autogenerate_plugins": ["alembic.autogenerate.*", "alembic.ext.checkconstraint_byname"],
}


_LOOKING = {"lock_timeout": "3s"}  # to be described, a table must not be locked


def check(url: str) -> Survey:
    """Whether the database is at the newest revision, and its tables are what the models say."""
    began = time.monotonic()
    findings = [_newest(state.current(url))]
    if findings[0].status == "ok":
        findings += _drift(url)
    return Survey(worst(findings), findings, time.monotonic() - began)


def _newest(current: state.Current) -> Finding:
    evidence = {"revision": current.revision, "head": current.head}
    if current.is_head:
        summary = _("The database is at the newest revision, {head}.").format(head=current.head)
        return Finding("revision", "ok", summary, evidence)
    if isinstance(current, state.FormerCurrent):
        return Finding("revision", "critical", current.note, evidence, "chatai migrate upgrade --dry-run")
    try:
        scripts.position(current.revision)
    except Misconfigured as error:
        return Finding("revision", "critical", str(error), evidence, error.hint)
    summary = _("The database is at {revision}, the newest revision is {head}.").format(
        revision=current.revision or "base", head=current.head
    )
    return Finding("revision", "critical", summary, evidence, "chatai migrate upgrade")


def _drift(url: str) -> list[Finding]:
    from chatai_core.models import Base

    told, unsure = definitions.sought(url)
    defined = {one.evidence["object"]: one for one in map(_defined, told)}
    found = [one for one in map(_finding, differences(url)) if one.evidence["object"] not in defined]
    found += [*defined.values(), *([_unknown(unsure)] if unsure else [])]
    with closing(Database(url)) as database:
        left = [name for name in database.value(_TABLES) if former.is_left("table", name, None)]
    return [*(found or [_good(len(Base.metadata.tables))]), *([_left(left)] if left else [])]


_TABLES = """
SELECT coalesce(array_agg(relname::text ORDER BY relname), '{}')
FROM pg_class WHERE relkind = 'r' AND relnamespace = to_regnamespace(current_schema())
"""


def _good(tables: int) -> Finding:
    summary = _("All {count} tables are what this version of ChatAI expects.").format(count=tables)
    return Finding("schema", "ok", summary, {"tables": tables})


def _unknown(error: ChataiError) -> Finding:
    summary = _(
        "Whether primary keys, indexes and constraints are as the migrations make them is unknown, only their names"
        " were compared: {reason}"
    ).format(reason=str(error))
    return Finding("definitions", "unknown", summary, {"object": "definitions"}, error.hint or "chatai migrate check")


def _left(tables: list[str]) -> Finding:
    summary = _("{count} tables are left of a former ChatAI, unknown to this version and harmless: {tables}.").format(
        count=len(tables), tables=", ".join(tables)
    )
    return Finding("left", "ok", summary, {"tables": tables})


def differences(url: str) -> list[tuple[Any, ...]]:
    """Alembic's list of what would have to change, one tuple each."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from sqlalchemy import NullPool, create_engine

    from chatai_core.models import Base

    engine = create_engine(
        "postgresql+psycopg2://", creator=lambda: postgres.connect(url, settings=_LOOKING), poolclass=NullPool
    )
    with troubles.explained(url), engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={**COMPARED, "target_metadata": Base.metadata})
        nested = compare_metadata(context, Base.metadata)
    return [one for group in nested for one in (group if isinstance(group, list) else [group])]


def _finding(difference: tuple[Any, ...]) -> Finding:
    """What is missing or different breaks ChatAI; what is there in addition does not."""
    kind, *about = difference
    name = _name(kind, about)
    if kind.startswith("add_"):
        summary = _("{name} is missing.")
    elif _is_needed(kind, about):
        summary = _("{name} is unknown to this version of ChatAI, and needs a value: no row can be added.")
    elif kind.startswith("remove_"):
        summary = _("{name} is unknown to this version of ChatAI.")
    else:
        summary = _different()
    found, wanted = map(_shown, about[-2:]) if kind.startswith("modify_") else ("", "")
    return Finding(
        "schema",
        "warning" if kind.startswith("remove_") and not _is_needed(kind, about) else "critical",
        summary.format(name=name, found=found, wanted=wanted),
        {"kind": kind, "object": name},
        "chatai migrate history",
    )


def _defined(difference: Difference) -> Finding:
    """The same, of a constraint or an index that the server describes otherwise than it should be."""
    if difference.kind == "index":
        name = _("The index {name} of {table}").format(name=difference.name, table=difference.table)
    else:
        name = _("The constraint {name} of {table}").format(name=difference.name, table=difference.table)
    summary = _("{name} is missing.") if difference.found is None else _different()
    kind = f"{'add' if difference.found is None else 'modify'}_{difference.kind}"
    said = summary.format(name=name, found=difference.found, wanted=difference.wanted)
    return Finding("schema", "critical", said, {"kind": kind, "object": name}, "chatai migrate history")


def _shown(value: Any) -> str:
    """A type or a truth as it is, a default as SQL has it."""
    if value is None:
        return _("none")
    given = getattr(value, "arg", value)
    return repairs.literal(given) if hasattr(value, "arg") and isinstance(given, str) else str(given)


def _different() -> str:
    return _("{name} is different: {found} in the database, {wanted} expected.")


def _is_needed(kind: str, about: list[Any]) -> bool:
    """Whether it is a column in which every new row needs a value that nobody gives."""
    return kind == "remove_column" and not about[2].nullable and about[2].server_default is None


_NAMED: dict[str, Callable[[Any], str]] = {
    "table": lambda about: _("The table {name}").format(name=about[0].name),
    "index": lambda about: _("The index {name} of {table}").format(name=about[0].name, table=about[0].table.name),
    "column": lambda about: _("The column {table}.{name}").format(table=about[1], name=about[2].name),
    "constraint": lambda about: _("The constraint {name} of {table}").format(
        name=about[0].name, table=about[0].table.name
    ),
}


def _name(kind: str, about: list[Any]) -> str:
    what = kind.partition("_")[2]
    if kind.startswith("modify_"):
        return _("The {what} of the column {table}.{column}").format(what=what, table=about[1], column=about[2])
    return _NAMED.get(what, _NAMED["constraint"])(about)
