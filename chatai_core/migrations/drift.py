"""Whether a database is what its revision claims: its tables against the models."""

import time
from collections.abc import Callable
from typing import Any

from chatai_core.adapters import postgres
from chatai_core.errors import Misconfigured
from chatai_core.findings import Finding, Survey, worst
from chatai_core.i18n import _
from chatai_core.migrations import scripts, state, troubles


def compare_type(_context: object, _column: object, _declared: object, found: Any, wanted: Any) -> bool | None:
    """Whether a vector's number of dimensions differs; None leaves everything else to Alembic."""
    return found.dim != wanted.dim if hasattr(found, "dim") and hasattr(wanted, "dim") else None


# What ``alembic check`` and ``chatai migrate check`` compare beyond names.
COMPARED: dict[str, Any] = {
    "compare_type": compare_type,
    "compare_server_default": True,
    "autogenerate_plugins": ["alembic.autogenerate.*", "alembic.ext.checkconstraint_byname"],
}


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

    found = [_finding(difference) for difference in _differences(url)]
    tables = len(Base.metadata.tables)
    good = _("All {count} tables are what this version of ChatAI expects.").format(count=tables)
    return found or [Finding("schema", "ok", good, {"tables": tables})]


def _differences(url: str) -> list[tuple[Any, ...]]:
    """Alembic's list of what would have to change, one tuple each."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from sqlalchemy import NullPool, create_engine

    from chatai_core.models import Base

    engine = create_engine("postgresql+psycopg2://", creator=lambda: postgres.connect(url), poolclass=NullPool)
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
    elif kind.startswith("remove_"):
        summary = _("{name} is unknown to this version of ChatAI.")
    else:
        summary = _("{name} is different: {found} in the database, {wanted} expected.")
    found, wanted = (str(about[-2]), str(about[-1])) if kind.startswith("modify_") else ("", "")
    return Finding(
        "schema",
        "warning" if kind.startswith("remove_") else "critical",
        summary.format(name=name, found=found, wanted=wanted),
        {"kind": kind, "object": name},
        "chatai migrate history",
    )


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
