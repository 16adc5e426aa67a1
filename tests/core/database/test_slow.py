"""The slow statements: what pg_stat_statements has counted, and each state in which it cannot answer."""

import pytest

from chatai_core.adapters.postgres import READ_ONLY, Database
from chatai_core.database import ping, slow
from chatai_core.errors import AccessRefused, Misconfigured
from tests.core.database.roles import seen_by_a_role
from tests.servers.clusters import Cluster


@pytest.fixture
def counted(any_database: Database) -> Database:
    """A database with the extension in a schema that must be quoted."""
    any_database.execute('CREATE SCHEMA "Мои Расширения"')
    any_database.execute('CREATE EXTENSION pg_stat_statements SCHEMA "Мои Расширения"')
    any_database.execute("CREATE TABLE messages AS SELECT generate_series(1, 100) AS id, 'x' AS body")
    return any_database


def ask(database: Database, times: int, sql: str) -> None:
    for _time in range(times):
        database.value(sql)


def of(rows: list[slow.SlowStatement], part: str) -> list[slow.SlowStatement]:
    return [row for row in rows if part in (row.query or "")]


def set_for_the_database(database: Database, setting: str) -> None:
    name = database.value("SELECT current_database()")
    database.execute(f"ALTER DATABASE {name} SET {setting}")


def test_a_statement_has_its_calls_times_and_share(counted: Database, reports: Database) -> None:
    ask(counted, 7, "SELECT count(*), pg_sleep(0.01) FROM messages WHERE id > 5")
    (row,) = of(slow.statements(reports), "FROM messages")
    assert (row.calls, row.rows, row.role) == (7, 7, "postgres")
    assert 10 <= row.mean_ms <= row.max_ms <= row.total_ms == pytest.approx(row.mean_ms * 7)
    assert 0 < row.share <= 1
    assert row.hit_share is not None
    assert row.queryid is not None and int(row.queryid)
    assert row.begins.startswith("SELECT count(*), pg_sleep($1) FROM messages")


def test_the_extension_is_found_in_any_schema(counted: Database, reports: Database) -> None:
    assert slow.state(reports).name == "ready"


def test_another_database_is_not_mixed_in(counted: Database, reports: Database) -> None:
    elsewhere = Database(counted.url.replace(counted.value("SELECT current_database()"), "postgres"))
    ask(elsewhere, 6, "SELECT 'of another database'::text AS elsewhere")
    elsewhere.close()
    assert of(slow.statements(reports, limit=1000, min_calls=1), "elsewhere") == []


def test_what_ran_once_does_not_win(counted: Database, reports: Database) -> None:
    ask(counted, 1, "SELECT pg_sleep(0.3) AS once")
    ask(counted, 5, "SELECT id FROM messages")
    assert of(slow.statements(reports), "once") == []
    assert "once" in (slow.statements(reports, min_calls=1)[0].query or "")


def test_statements_are_sorted_as_told(counted: Database, reports: Database) -> None:
    for name in ("slowest", "longest", "commonest"):
        counted.execute(f"CREATE TABLE {name} AS SELECT 1")
    ask(counted, 5, "SELECT pg_sleep(0.02) FROM slowest")
    ask(counted, 40, "SELECT pg_sleep(0.004) FROM longest")
    ask(counted, 90, "SELECT 1 FROM commonest")
    for order, first in (("total", "longest"), ("mean", "slowest"), ("calls", "commonest")):
        assert first in (slow.statements(reports, sort=order)[0].query or "")  # type: ignore[arg-type]
    assert len(slow.statements(reports, limit=2)) == 2
    (row,) = slow.statements(reports, over=19)
    assert "slowest" in (row.query or "")


def test_utility_statements_are_left_out_unless_asked_for_and_show_no_literal(
    counted: Database, reports: Database
) -> None:
    for number in range(6):
        counted.execute("ALTER ROLE postgres PASSWORD 'hush-hush-5ecret'")
        counted.execute(f"/* why */ -- and how\n  SET application_name = 'n{number % 1}'")
    assert of(slow.statements(reports, limit=1000), "PASSWORD") == []
    rows = slow.statements(reports, limit=1000, utility=True)
    assert of(rows, "PASSWORD '…'") and of(rows, "application_name")
    assert "hush" not in "".join(row.query or "" for row in rows)


def test_secrets_in_texts_are_masked(counted: Database, reports: Database) -> None:
    for _time in range(5):
        counted.execute("DO $$ BEGIN PERFORM 'postgresql://u:hunter2@h/d'; END $$")
        counted.value("SELECT 1 AS api_key, '/* password=hunter2 */' IS NULL /* password=hunter2 */")
    assert "hunter2" not in repr(slow.statements(reports, limit=1000, utility=True))


def test_our_own_reports_are_left_out(counted: Database, reports: Database) -> None:
    for _time in range(6):
        slow.statements(reports)
        ping.ping(reports, pool=1)
    assert of(slow.statements(reports, limit=1000), "clock_timestamp") == []
    assert of(slow.statements(reports, limit=1000), "shared_blks_hit") == []


def test_the_share_is_of_all_time_of_this_database(counted: Database, reports: Database) -> None:
    ask(counted, 5, "SELECT pg_sleep(0.02) FROM messages WHERE id = 1")
    ask(counted, 1, "SELECT pg_sleep(0.1)")
    (row,) = of(slow.statements(reports), "WHERE id")
    assert 0.25 < row.share < 0.6


def test_it_says_since_when_it_counts_and_what_was_forgotten(counted: Database, reports: Database) -> None:
    assert "Counted since 20" in (slow.statements(reports).reading or "")


def test_a_server_that_does_not_load_it_names_the_setting(cluster: Cluster) -> None:
    cluster.settings["shared_preload_libraries"] = "auto_explain,pg_prewarm"
    cluster.start()
    admin = Database(cluster.url)
    admin.execute("CREATE EXTENSION pg_stat_statements")
    with pytest.raises(Misconfigured) as refused:
        slow.statements(admin)
    assert slow.state(admin).name == "not_loaded"
    statement = "SET shared_preload_libraries = 'auto_explain', 'pg_prewarm', 'pg_stat_statements';"
    assert statement in refused.value.hint and "restart" in refused.value.hint
    with seen_by_a_role(admin) as plain:
        assert slow.state(plain).name == "not_loaded"
        assert "…, 'pg_stat_statements'" in slow.state(plain).remedy  # it may not read what is set
    admin.close()


def test_a_database_without_the_extension_names_the_statement(reports: Database) -> None:
    with pytest.raises(Misconfigured) as refused:
        slow.statements(reports)
    assert refused.value.hint == "CREATE EXTENSION pg_stat_statements;"
    assert slow.state(reports).name == "not_created"


def test_a_server_without_the_extensions_files_names_the_package(any_database: Database, reports: Database) -> None:
    if any_database.value("SELECT current_setting('extension_control_path', true)") is None:
        pytest.skip("The files can be hidden since PostgreSQL 18.")
    set_for_the_database(any_database, "extension_control_path = '/nowhere'")
    with pytest.raises(Misconfigured) as refused:
        slow.statements(reports)
    assert (slow.state(reports).name, refused.value.hint) == ("not_installed", "apt install postgresql-contrib")


def test_a_role_that_may_not_read_it_is_told_the_grant(counted: Database) -> None:
    with seen_by_a_role(counted) as plain:
        role = plain.value("SELECT current_user::text")
        with pytest.raises(AccessRefused) as refused:
            slow.statements(plain)
        assert slow.state(plain).name == "unreadable"
        assert f'GRANT USAGE ON SCHEMA "Мои Расширения" TO "{role}";' in refused.value.hint


def test_texts_that_a_role_cannot_see_are_unknown_and_the_grant_is_said(counted: Database) -> None:
    ask(counted, 50, "SELECT pg_sleep(0.002) AS secret_plan")
    with seen_by_a_role(counted) as plain:
        role = plain.value("SELECT current_user::text")
        counted.execute(f'GRANT USAGE ON SCHEMA "Мои Расширения" TO "{role}"')
        rows = slow.statements(plain)
        assert (rows[0].query, rows[0].queryid, rows[0].calls >= 50) == (None, None, True)
        assert rows[0].begins
        assert f'GRANT pg_read_all_stats TO "{role}";' in (rows.reading or "")
        assert slow.state(plain).name == "hidden"
    with seen_by_a_role(counted, "pg_monitor") as monitor:
        counted.execute('GRANT USAGE ON SCHEMA "Мои Расширения" TO pg_monitor')
        assert slow.state(monitor).name == "ready"
        assert of(slow.statements(monitor), "secret_plan")


@pytest.mark.parametrize("version", ["1.4", "1.8", "1.9"])
def test_an_outdated_extension_answers_and_is_named(any_database: Database, reports: Database, version: str) -> None:
    any_database.execute(f"CREATE EXTENSION pg_stat_statements VERSION '{version}'")
    ask(any_database, 6, "SELECT 6 AS asked, pg_sleep(0.001)")
    rows = slow.statements(reports)
    (row,) = of(rows, "asked")
    assert row.calls == 6 and row.total_ms >= 6 and row.share > 0
    assert "ALTER EXTENSION pg_stat_statements UPDATE;" in (rows.reading or "")
    assert slow.state(reports).name == "outdated"


@pytest.mark.parametrize("setting", ["compute_query_id = off", "pg_stat_statements.track = none"])
def test_a_server_that_records_nothing_is_no_fast_server(
    any_database: Database, reports: Database, setting: str
) -> None:
    any_database.execute("CREATE EXTENSION pg_stat_statements")
    set_for_the_database(any_database, setting)
    with pytest.raises(Misconfigured) as refused:
        slow.statements(reports)
    assert setting.split()[0] in refused.value.hint
    assert slow.state(reports).name == "not_recording"


def test_what_was_forgotten_for_want_of_room_is_said(cluster: Cluster) -> None:
    cluster.settings["pg_stat_statements.max"] = "100"
    cluster.start()
    admin, reader = Database(cluster.url), Database(cluster.url, settings=READ_ONLY)
    admin.execute("CREATE EXTENSION pg_stat_statements")
    for number in range(250):
        admin.value(f"SELECT 1{', 1' * number}")
    assert "pg_stat_statements.max" in (slow.statements(reader).reading or "")
    admin.close()
    reader.close()


def test_nested_statements_do_not_count_twice(counted: Database, reports: Database) -> None:
    set_for_the_database(counted, "pg_stat_statements.track = 'all'")
    counted.execute(
        "CREATE FUNCTION outside() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.1) AS inside; END $$"
    )
    counted.close()
    ask(counted, 5, "SELECT outside()")
    rows = slow.statements(reports)
    (outer,), (inner,) = of(rows, "outside"), of(rows, "inside")
    assert 1 >= outer.share > 0.8 and 1 >= inner.share > 0.8
    assert (outer.top_level, inner.top_level) == (True, False)
