"""Where a database stands."""

import subprocess
import sys

import pytest

from chatai_core import migrations
from chatai_core.adapters.postgres import Database
from chatai_core.errors import DatabaseMissing, Misconfigured, Unavailable
from chatai_core.migrations import scripts

HEAD = scripts.chain()[-1].revision


def test_a_database_without_tables_is_at_no_revision(empty_database_url: str) -> None:
    assert migrations.current(empty_database_url) == migrations.Current(None, HEAD, is_head=False)


def test_a_migrated_database_is_at_the_head(database_url: str) -> None:
    assert migrations.current(database_url) == migrations.Current(HEAD, HEAD, is_head=True)


def test_a_connection_of_a_pool_will_do(database: Database) -> None:
    assert migrations.current(database).is_head


def test_the_history_begins_with_the_newest_and_marks_where_the_database_is(database_url: str) -> None:
    revisions = migrations.history(database_url)
    assert [revision.is_current for revision in revisions] == [True] + [False] * (len(revisions) - 1)
    assert [revision.revision for revision in revisions] == [script.revision for script in scripts.chain()[::-1]]


def test_the_history_needs_no_database() -> None:
    assert {revision.is_current for revision in migrations.history()} == {None}


def test_two_revisions_at_once_are_refused(database: Database) -> None:
    database.execute("INSERT INTO alembic_version VALUES ('other')")
    with pytest.raises(Misconfigured, match="2 revisions"):
        migrations.current(database)


def test_a_missing_database_and_a_missing_server_are_two_errors(database_url: str) -> None:
    with pytest.raises(DatabaseMissing):
        migrations.current(database_url.replace("/test_", "/no_"))
    with pytest.raises(Unavailable):
        migrations.current("postgresql://postgres@/chatai?host=/nowhere")


def test_the_readiness_check_pays_for_neither_alembic_nor_sqlalchemy(database_url: str) -> None:
    code = (
        "import sys; from chatai_core import migrations; "
        f"assert migrations.current({database_url!r}).is_head; "
        "print(sorted({'alembic', 'sqlalchemy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
