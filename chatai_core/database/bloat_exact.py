"""The same as bloat, but measured by pgstattuple, which reads every page of every table."""

from collections.abc import Sequence

from chatai_core.adapters.postgres import Database, question
from chatai_core.database import autovacuum, bloat, relations, unlocked, visibility
from chatai_core.database.autovacuum import Rules
from chatai_core.database.bloat import Bloat, Found
from chatai_core.database.bloat_facts import Facts, away
from chatai_core.errors import ChataiError, Misconfigured, NotPermitted
from chatai_core.findings import Rows
from chatai_core.i18n import _

_INSTALLED = """
SELECT json_build_object('schema', quote_ident(n.nspname), 'is_permitted', has_function_privilege(p.oid, 'EXECUTE'))
FROM pg_extension AS e
JOIN pg_namespace AS n ON n.oid = e.extnamespace
JOIN pg_proc AS p ON p.pronamespace = n.oid AND p.proname = 'pgstattuple' AND p.proargtypes[0] = 'regclass'::regtype
WHERE e.extname = 'pgstattuple'
"""


def measured(
    database: Database,
    *,
    limit: int | None = None,
    schema: str | None = None,
    names: Sequence[str] = (),
    least_bytes: int = 0,
) -> Rows[Bloat]:
    """The tables of a database (of one schema, of these names), those that would give back the most first.

    It reads them all, which takes time: the connection's statement_timeout should allow for that. Raises Misconfigured
    without the extension pgstattuple, NotPermitted when the role may not use it.
    """
    schema_of_pgstattuple = _usable(database)
    rules = autovacuum.rules(database)
    relations.must_have_schema(database, schema)
    tables = relations.named(database, names)
    found = unlocked.rows(database, Facts, question(bloat.__file__), schema=schema, tables=tables)
    sql = question(__file__).replace("pgstattuple_schema", schema_of_pgstattuple)
    rows = [_measure(database, sql, facts, rules) for facts in found if _is_large(facts, rules, least_bytes)]
    return Rows(bloat.largest(rows)[:limit], bloat.told(rules, None))


def _usable(database: Database) -> str:
    """The schema in which pgstattuple is. Raises Misconfigured, NotPermitted."""
    installed = database.value(_INSTALLED)
    if installed is None:
        raise _missing(database)
    if not installed["is_permitted"]:
        raise NotPermitted(
            _("This role may not read tables with pgstattuple."),
            hint=f"{visibility.look(database).grant('pg_stat_scan_tables')};",
        )
    return str(installed["schema"])


def _missing(database: Database) -> ChataiError:
    on_server = database.value("SELECT true FROM pg_available_extensions WHERE name = 'pgstattuple'")
    return Misconfigured(
        _("The extension pgstattuple, which reads tables, is not in this database."),
        why="" if on_server else _("The server does not have it: it is in the package postgresql-contrib."),
        hint="CREATE EXTENSION pgstattuple;",
    )


def _is_large(facts: Facts, rules: Rules, least_bytes: int) -> bool:
    return facts.pages is None or facts.pages * rules.block >= least_bytes


def _measure(database: Database, sql: str, facts: Facts, rules: Rules) -> Bloat:
    found = unlocked.rows(database, Found, sql, table=facts.oid)
    if not found:
        return bloat.row(facts, rules, Found(), [away()])
    return bloat.row(facts, rules, found[0], [])
