"""Up and down the chain, on a real server."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg2
import pytest
from psycopg2.extensions import parse_dsn

import chatai_core
from chatai_core import migrations
from chatai_core.adapters.postgres import Database
from chatai_core.errors import Misconfigured, Misused, NotFound, NotPermitted
from chatai_core.migrations import Terms, scripts
from chatai_core.models import Base
from tests.servers.command import PROGRAM, Command
from tests.servers.databases import Databases

CHECKOUT = Path(chatai_core.__file__).parents[1]
HEAD = scripts.chain()[-1].revision
ODD_NAMES = ['Чат "Один"', "UPPER; lower", "100%_of'it"]

SCHEMA = """
-- Everything that DDL can make, in the server's own words.
SELECT 'column', c.table_name || '.' || c.column_name,
       concat_ws(' ', c.udt_name, c.character_maximum_length, c.is_nullable, c.column_default, c.is_identity,
                 (SELECT format_type(atttypid, atttypmod) FROM pg_attribute
                   WHERE attrelid = c.table_name::regclass AND attname = c.column_name))
  FROM information_schema.columns c WHERE table_schema = 'public'
UNION ALL
SELECT 'constraint', conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
ORDER BY 1, 2
"""


def schema(url: str) -> list[tuple[str, ...]]:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(SCHEMA)
        return [row for row in cursor if "alembic_version" not in row[1]]


@contextmanager
def holding(url: str, statement: str) -> Iterator[None]:
    """Another session with an open transaction that has run this."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)
        yield


def test_a_database_without_a_schema_is_told_what_it_lacks(empty_database_url: str) -> None:
    with closing(Database(empty_database_url)) as database:
        database.execute("DROP SCHEMA public CASCADE")
    for change in (migrations.plan_upgrade, migrations.upgrade):
        with pytest.raises(Misconfigured) as caught:
            change(empty_database_url)
        assert "no schema for ChatAI's tables" in caught.value.what and "public" in caught.value.why
        assert caught.value.hint.endswith("'CREATE SCHEMA public'")


def until(true: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_chain_goes_up_down_to_nothing_and_up_again(empty_database_url: str) -> None:
    url = empty_database_url
    up = migrations.upgrade(url)
    made = schema(url)
    assert (up.before, up.revision, len(up.steps)) == (None, HEAD, len(scripts.chain()))
    down = migrations.downgrade(url, "base")
    assert (down.before, down.revision, schema(url)) == (HEAD, None, [])
    migrations.upgrade(url)
    assert schema(url) == made


def test_every_single_step_goes_down_and_up(database_url: str) -> None:
    for script in reversed(scripts.chain()):
        assert migrations.downgrade(database_url, "-1").revision == script.down_revision
    for script in scripts.chain():
        assert migrations.upgrade(database_url, "+1").revision == script.revision


def test_the_migrations_make_what_the_models_say(database_url: str, empty_database_url: str) -> None:
    """Also what Alembic does not compare: index methods, conditions, the order of columns in an index."""
    from sqlalchemy import create_engine

    engine = create_engine("postgresql+psycopg2://", creator=lambda: psycopg2.connect(empty_database_url))
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE EXTENSION vector")
        Base.metadata.create_all(connection)
    engine.dispose()
    assert schema(database_url) == schema(empty_database_url)


def test_a_database_at_the_target_is_left_alone(database_url: str) -> None:
    done = migrations.upgrade(database_url)
    assert (done.steps, done.before, done.revision) == ([], HEAD, HEAD)


def test_a_plan_says_what_a_change_then_does(empty_database_url: str) -> None:
    plan = migrations.plan_upgrade(empty_database_url)
    assert (plan.action, plan.revision, plan.target) == ("upgrade", None, HEAD)
    assert "base" in plan.summary and HEAD in plan.summary
    assert migrations.current(empty_database_url).revision is None
    assert migrations.carry_out(empty_database_url, plan).steps == plan.steps


def test_a_plan_for_one_step_down_is_carried_out_once(database_url: str) -> None:
    """Two operators who both type ``downgrade -1`` mean the same step."""
    plan = migrations.plan_downgrade(database_url, "-1")
    assert migrations.carry_out(database_url, plan).steps == plan.steps
    assert migrations.carry_out(database_url, plan).steps == []


def test_a_direction_that_is_meant_otherwise_is_told(database_url: str, empty_database_url: str) -> None:
    with pytest.raises(Misused) as caught:
        migrations.plan_upgrade(database_url, "-1")
    assert caught.value.hint == "chatai migrate downgrade -1"
    with pytest.raises(Misused):
        migrations.plan_downgrade(empty_database_url, "+1")


def test_a_wrong_revision_is_told_before_the_server_is_asked() -> None:
    with pytest.raises(NotFound):
        migrations.plan_upgrade("postgresql://postgres@/chatai?host=/nowhere", "zzz")


def test_a_database_of_a_newer_version_is_not_touched(database: Database, database_url: str) -> None:
    database.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Misconfigured, match="9999"):
        migrations.upgrade(database_url)


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_database_may_have_any_name(name: str, databases: Databases) -> None:
    with databases.named(name) as url:
        assert migrations.upgrade(url).database == name
        assert migrations.check(url).status == "ok"
        assert migrations.downgrade(url, "base").revision is None


@pytest.mark.parametrize("scheme", ["postgres://", "postgresql+psycopg2://", "postgresql+psycopg://"])
def test_urls_of_other_programs_are_understood(scheme: str, empty_database_url: str) -> None:
    assert migrations.upgrade(empty_database_url.replace("postgresql://", scheme)).revision == HEAD


@pytest.fixture
def role(databases: Databases) -> Iterator[str]:
    """A role as production has it: it owns its database and nothing else."""
    name = f"app_{os.getpid()}"
    databases.execute("CREATE ROLE {} LOGIN NOSUPERUSER", name)
    yield name
    databases.execute("DROP ROLE {}", name)


def test_a_role_that_is_no_superuser_is_told_what_a_superuser_must_type(databases: Databases, role: str) -> None:
    with databases.empty() as url:
        name = Database(url).value("SELECT current_database()")
        databases.execute("ALTER DATABASE {} OWNER TO {}", name, role)
        as_role = databases.url(name, user=role)
        with pytest.raises(NotPermitted) as caught:
            migrations.upgrade(as_role)
        host = parse_dsn(url)["host"]
        assert caught.value.hint == f"psql -U postgres -h {host} -d {name} -c 'CREATE EXTENSION vector'"
        assert schema(url) == []
        databases.execute("CREATE EXTENSION vector", at=name)
        assert migrations.upgrade(as_role).revision == HEAD
        assert migrations.check(as_role).status == "ok"
        migrations.downgrade(as_role, "base")


def test_a_role_that_may_not_create_tables_changes_nothing(databases: Databases, role: str) -> None:
    with databases.empty() as url:
        name = Database(url).value("SELECT current_database()")
        databases.execute("CREATE EXTENSION vector", at=name)
        with pytest.raises(NotPermitted):
            migrations.upgrade(databases.url(name, user=role))


def test_what_others_made_keeps_a_table_from_going(database: Database, database_url: str) -> None:
    database.execute("CREATE VIEW theirs AS SELECT email FROM users")
    before = schema(database_url)
    with pytest.raises(Misconfigured, match="view theirs depends on table users"):
        migrations.downgrade(database_url, "base")
    assert schema(database_url) == before


def test_a_migration_that_is_killed_leaves_nothing_and_frees_the_lock(chatai: Command, empty_database_url: str) -> None:
    url = empty_database_url
    blocked = (
        "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    with holding(url, "CREATE TABLE query_embeddings_cache (id int)"):  # the last table that it makes
        process = subprocess.Popen(
            [PROGRAM, "migrate", "upgrade", "--lock-timeout", "60"],
            env=chatai.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        with closing(Database(url)) as watching:
            until(lambda: bool(watching.value(blocked)))
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert schema(url) == []
    assert migrations.upgrade(url, terms=Terms(wait=10)).revision == HEAD


def alembic(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Plain alembic, in the checkout."""
    return subprocess.run(
        [PROGRAM.with_name("alembic"), *arguments],
        env={**os.environ, "DATABASE_URL": url, "CHATAI_HOME": "/nowhere"},
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_plain_alembic_works_in_a_checkout(databases: Databases) -> None:
    with databases.named("Чат 1") as url:
        assert "CREATE TABLE users" in alembic(url, "upgrade", "head", "--sql").stdout
        assert schema(url) == []
        assert alembic(url, "upgrade", "head").returncode == 0
        assert migrations.current(url).is_head
        assert "No new upgrade operations" in alembic(url, "check").stdout


def test_plain_alembic_waits_for_no_table_long_and_tries_again(database_url: str) -> None:
    migrations.downgrade(database_url, "-1")
    began = time.monotonic()
    with holding(database_url, "INSERT INTO ai_token_usage (request_id, model_used) VALUES ('a', 'b')"):
        running = subprocess.Popen(
            [PROGRAM.with_name("alembic"), "upgrade", "head"],
            env={**os.environ, "DATABASE_URL": database_url, "CHATAI_HOME": "/nowhere"},
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert running.stdout is not None
        told = next(line for line in running.stdout if "Attempt 1 of 5" in line)
    assert running.communicate(timeout=30) and running.returncode == 0
    assert "a lock was not to be had" in told and time.monotonic() - began > 3
    assert migrations.current(database_url).is_head


def test_plain_alembic_says_what_chatai_would_say(tmp_path: Path) -> None:
    done = alembic(f"postgresql://postgres@/chatai?host={quote(str(tmp_path))}", "upgrade", "head")
    assert done.returncode != 0
    assert "PostgreSQL does not answer" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
