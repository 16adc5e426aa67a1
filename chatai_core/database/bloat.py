"""Space that dead and moved rows have left in tables: told only where it can be known, and how it would be known."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Annotated

from chatai_core.adapters.postgres import Database, question
from chatai_core.database import autovacuum, relations, unlocked, visibility, widths
from chatai_core.database.autovacuum import Rules
from chatai_core.database.bloat_facts import SMALL, Facts, remarks, unknowable
from chatai_core.database.visibility import Visibility
from chatai_core.database.widths import Columns
from chatai_core.findings import Rows
from chatai_core.i18n import _
from chatai_core.units import Bytes, Detail, Percent


@dataclass(frozen=True, slots=True)
class Bloat:
    """One table or partition; ``bloat_bytes`` is what its own pages would give back if its rows were written anew.

    None is not known, and ``reason`` says why. ``index_bloat_bytes`` is the same of its btree indexes, without those
    counted by ``indexes_unknown``, which have ``indexes_unknown_bytes`` in all (those that are locked have none).
    ``vacuum_threshold``: dead rows. ``is_exact``: all was read, nothing estimated.
    """

    schema: str
    table: str
    live_tuples: int | None
    dead_tuples: int | None
    dead_share: Percent | None
    bloat_bytes: Bytes | None
    reason: str | None
    table_bytes: Annotated[Bytes | None, Detail]
    bloat_share: Annotated[Percent | None, Detail]
    index_bloat_bytes: Annotated[Bytes | None, Detail]
    indexes_unknown: Annotated[int, Detail]
    indexes_unknown_bytes: Annotated[Bytes, Detail]
    toast_bloat_bytes: Annotated[Bytes | None, Detail]
    is_autovacuumed: Annotated[bool, Detail]
    vacuum_threshold: Annotated[int, Detail]
    is_vacuum_due: Annotated[bool | None, Detail]
    is_analyze_due: Annotated[bool | None, Detail]
    last_vacuum: Annotated[datetime | None, Detail]
    last_analyze: Annotated[datetime | None, Detail]
    is_exact: Annotated[bool, Detail]


@dataclass(frozen=True, slots=True)
class Found:
    """Bytes of a table that hold nothing alive; None is not known. ``live`` and ``dead``: its rows, when counted."""

    heap: int | None = None
    indexes: int | None = None
    indexes_unknown: int = 0
    indexes_unknown_pages: int = 0
    toast: int | None = None
    live: int | None = None
    dead: int | None = None


def estimated(
    database: Database,
    *,
    limit: int | None = None,
    schema: str | None = None,
    names: Sequence[str] = (),
    least_bytes: int = 0,
) -> Rows[Bloat]:
    """The tables of a database (of one schema, of these names), those that would give back the most first."""
    rules = autovacuum.rules(database)
    relations.must_have_schema(database, schema)
    tables = relations.named(database, names)
    found = unlocked.rows(database, Facts, question(__file__), schema=schema, tables=tables)
    columns = _columns(database, [facts.oid for facts in found if (facts.pages or 0) >= SMALL])
    role = visibility.look(database) if not all(facts.may_read for facts in found) else None
    rows = (_estimate(facts, columns.get(facts.oid, []), rules, role) for facts in found)
    return Rows(largest(rows, least_bytes)[:limit], told(rules, role))


def largest(rows: Iterable[Bloat], least_bytes: int = 0) -> list[Bloat]:
    """Those that would give back the most first; where that is not known, those with the most dead rows."""
    large = [row for row in rows if row.table_bytes is None or row.table_bytes >= least_bytes]
    return sorted(large, key=lambda row: (-(row.bloat_bytes or 0), -(row.dead_tuples or 0), -(row.table_bytes or 0)))


def row(facts: Facts, rules: Rules, found: Found, reasons: Sequence[str]) -> Bloat:
    """A table with what was found out about its space."""
    is_exact, own = found.live is not None, rules.of(facts.options)
    live, dead = (found.live, found.dead) if is_exact else (facts.live, facts.dead)
    size = None if facts.pages is None else facts.pages * rules.block
    return Bloat(
        schema=facts.schema,
        table=facts.table,
        live_tuples=live,
        dead_tuples=dead,
        dead_share=None if live is None or dead is None else dead / max(live + dead, 1),
        bloat_bytes=found.heap,
        reason=" ".join([*reasons, *remarks(facts, own, is_exact=is_exact)]) or None,
        table_bytes=size,
        bloat_share=found.heap / size if found.heap is not None and size else None,
        index_bloat_bytes=found.indexes,
        indexes_unknown=found.indexes_unknown,
        indexes_unknown_bytes=found.indexes_unknown_pages * rules.block,
        toast_bloat_bytes=found.toast,
        is_autovacuumed=own.is_on,
        vacuum_threshold=int(own.vacuum_threshold(facts.tuples)),
        is_vacuum_due=facts.is_vacuum_due(own),
        is_analyze_due=facts.is_analyze_due(own),
        last_vacuum=facts.last_vacuum,
        last_analyze=facts.last_analyze,
        is_exact=is_exact,
    )


def _columns(database: Database, tables: Sequence[int]) -> dict[int, list[Columns]]:
    """By table: its own columns, then those of its indexes."""
    if not tables:
        return {}
    found = unlocked.rows(database, Columns, question(__file__, "bloat_columns"), tables=list(tables))
    return {table: list(group) for table, group in groupby(found, key=lambda columns: columns.table_oid)}


def _estimate(facts: Facts, columns: Sequence[Columns], rules: Rules, role: Visibility | None) -> Bloat:
    own = columns[0] if columns else None
    reasons = list(unknowable(facts, own, role))
    if reasons or own is None or facts.pages is None or facts.lost_counters:
        nothing = Found(indexes_unknown=facts.indexes, indexes_unknown_pages=facts.index_pages)
        return row(facts, rules, nothing, reasons)
    needed = widths.heap_pages(own, facts.tuples, rules.block) if facts.tuples > 0 else 0
    spare = [(index.index_pages or 0, _spare_pages(index, rules.block)) for index in columns[1:]]
    known = [pages for _all, pages in spare if pages is not None]
    found = Found(
        heap=max(facts.pages - needed, 0) * rules.block,
        indexes=sum(known) * rules.block if known else None,
        indexes_unknown=len(spare) - len(known),
        indexes_unknown_pages=sum(pages for pages, known_ones in spare if known_ones is None),
    )
    return row(facts, rules, found, [])


def _spare_pages(index: Columns, block: int) -> int | None:
    """Pages that an index would not need; a partial one's rows may be of another width than its table's."""
    if index.index_pages is None or index.is_partial or not index.is_known or index.tuples < 0:
        return None
    needed = widths.btree_pages(index, block)
    return None if needed is None else max(index.index_pages - needed, 0)


def told(rules: Rules, role: Visibility | None) -> str | None:
    """What must be said beside all tables: autovacuum is off, the role (when one is given) sees too little."""
    said = [] if rules.is_on else [_("Autovacuum is off on this server.")]
    if role is not None:
        grant = role.grant("pg_read_all_data")
        said.append(
            _("The role {role} does not see the statistics of tables that it may not read: {statement};").format(
                role=role.role, statement=grant
            )
        )
    return " ".join(said) or None
