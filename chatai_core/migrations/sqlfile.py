"""A migration as a file that psql runs, as safe as the migration itself."""

from collections.abc import Callable

from chatai_core.adapters.postgres import MIGRATION_LOCK, Database
from chatai_core.i18n import _
from chatai_core.migrations import offline, scripts, state
from chatai_core.migrations.terms import LOCK_TIMEOUT


def written(wanted: str, database: Callable[[], Database]) -> list[str]:
    """The statements from where the database stands to a revision; for ``A:B`` no database is asked.

    Raises NotFound, and NotPermitted for a former ChatAI's database, which no SQL can adopt.
    """
    before, separator, after = wanted.partition(":")
    scripts.must_exist(before)
    if separator:
        now = scripts.target(before, now=scripts.BASE)
        return script(now, scripts.target(after or "head", now=now))
    state.require_ours(database())
    now = state.stand(database()).place
    return script(now, scripts.target(wanted, now=now))


def script(start: int, end: int) -> list[str]:
    """One transaction that waits for nobody long, and refuses a database that is elsewhere; each with its semicolon."""
    if start == end:
        return []
    begin, *rest = [text.strip() for text in offline.pieces(start, end)]
    return [begin, *_safely(scripts.revision_at(start)), *rest]


def _safely(revision: str | None) -> list[str]:
    elsewhere = _("The database is not at {revision}.").format(revision=revision or "base").replace("'", "''")
    return [
        f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT:g}s';",
        f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK});",
        _GUARD.format(
            elsewhere=elsewhere,
            without=str(revision is None).lower(),
            count=int(revision is not None),
            revision=revision or "",
        ),
    ]


_GUARD = """DO $$
DECLARE
    stands boolean := {without};
BEGIN
    IF to_regclass('alembic_version') IS NOT NULL THEN
        EXECUTE $q$SELECT count(*) = {count} AND coalesce(min(version_num), '') = '{revision}' FROM alembic_version$q$
            INTO stands;
    END IF;
    IF NOT stands THEN
        RAISE EXCEPTION '{elsewhere}';
    END IF;
END $$;"""
