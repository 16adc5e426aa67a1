"""JSON of a former ChatAI that jsonb refuses, or of which it keeps one of two: seen, mended and noted before."""

from collections.abc import Iterator

from chatai_core.i18n import _
from chatai_core.migrations.adoption.catalog import Catalog
from chatai_core.migrations.adoption.repairs import Rule

# PostgreSQL has pg_input_is_valid from 16 on. Both go with the session that made them.
PROBES = (
    """CREATE OR REPLACE FUNCTION pg_temp.is_jsonb(given text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM given::jsonb;
    RETURN true;
EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
    RETURN false;
END $$""",
    """CREATE OR REPLACE FUNCTION pg_temp.has_a_key_twice(given json) RETURNS boolean LANGUAGE sql AS $$
    WITH RECURSIVE node (value) AS (
        SELECT given
        UNION ALL
        SELECT child.value FROM node CROSS JOIN LATERAL (
            SELECT value FROM json_each(CASE json_typeof(node.value) WHEN 'object' THEN node.value END)
            UNION ALL
            SELECT value FROM json_array_elements(CASE json_typeof(node.value) WHEN 'array' THEN node.value END)
        ) AS child
    )
    SELECT coalesce(bool_or(CASE json_typeof(value) WHEN 'object' THEN
        (SELECT count(*) > count(DISTINCT key) FROM json_object_keys(value) AS key) END), false)
    FROM node
$$""",
)

# Every escape, so that what follows a backslash that is itself escaped is none; what the group holds stays.
_ESCAPES = r"(\\[^u]|\\u[dD][89abAB]..\\u[dD][c-fC-F]..)|\\u(0000|[dD][89a-fA-F]..)"


def rules(here: Catalog, ours: Catalog) -> Iterator[Rule]:
    """For each column that becomes jsonb; they come before its type changes."""
    for key, want in ours.columns.items():
        have = here.columns.get(key)
        if have is None or (have.type, want.type) != ("json", "jsonb"):
            continue
        fits, cleaned = (
            f"pg_temp.is_jsonb({want.name}::text)",
            f"regexp_replace({want.name}::text, '{_ESCAPES}', '\\1', 'g')",
        )
        yield Rule(
            *key,
            f"NOT {fits}",
            f"(CASE WHEN pg_temp.is_jsonb({cleaned}) THEN {cleaned} ELSE '{{}}' END)::json",
            _("no JSON that jsonb takes: becomes the same without \\u0000 and half surrogates, or else {}"),
            is_early=True,
        )
        yield Rule(
            *key,
            f"CASE WHEN {fits} THEN pg_temp.has_a_key_twice({want.name}) END",
            None,
            _("a key that an object has twice: the last one counts, as before"),
            is_early=True,
        )
