"""Checks of what sessions do: too many, too long, idle, waiting."""

import time

from chatai_core.adapters.postgres import Database
from chatai_core.findings import Finding
from chatai_core.health.database import connections, locks, long
from tests.core.database.roles import seen_by_a_role
from tests.core.health.database.conftest import Looking
from tests.core.health.database.sessions import idle_in_transaction, running


def test_a_fresh_server_has_room(looking: Looking) -> None:
    found = connections.check(looking())
    assert (found.status, found.remedy) == ("ok", None)
    assert found.evidence["usable"] < found.evidence["max"]


def test_few_places_left_are_a_warning_and_then_critical(looking: Looking) -> None:
    crowded = {"connections_warning": 0.001, "connections_critical": 1.0}
    assert connections.check(looking(**crowded)).status == "warning"
    assert connections.check(looking(connections_warning=0.001, connections_critical=0.001)).status == "critical"


def test_a_role_at_its_own_limit_is_critical_though_the_server_has_room(
    looking: Looking, any_database: Database
) -> None:
    with seen_by_a_role(any_database, attributes="CONNECTION LIMIT 1") as seen:
        found = connections.check(looking(seen.url))
    assert (found.status, found.evidence["share"]) == ("critical", 1)


def settled(check: "object", look: "object", status: str) -> Finding:
    """The finding once it has this status: sessions need a moment to begin."""
    end = time.monotonic() + 5
    while (found := check(look)).status != status:  # type: ignore[operator]
        assert time.monotonic() < end, found
        time.sleep(0.05)
    return found  # type: ignore[no-any-return]


def test_a_long_query_is_found_and_named(looking: Looking, any_url: str) -> None:
    with running(any_url, "SELECT pg_sleep(20)") as pid:
        found = settled(long.queries, looking(query_warning=0.2, query_critical=60), "warning")
        assert f"pid {pid}" in found.summary
        assert found.evidence["sessions"][0]["pid"] == pid
        settled(long.queries, looking(query_warning=0.1, query_critical=0.2), "critical")
        assert long.idle(looking(idle_warning=0.1)).status == "ok"
    assert long.queries(looking(query_warning=0.1)).status == "ok"


def test_a_backup_is_no_long_query(looking: Looking, any_url: str) -> None:
    with running(any_url, "SELECT pg_sleep(20)", application="pg_dump"):
        time.sleep(0.4)
        assert long.queries(looking(query_warning=0.2)).status == "ok"


def test_an_idle_transaction_is_told_apart_from_a_query(looking: Looking, any_url: str) -> None:
    with idle_in_transaction(any_url) as pid:
        found = settled(long.idle, looking(idle_warning=0.2, idle_critical=60), "warning")
        assert f"pid {pid}" in found.summary
        assert long.queries(looking(query_warning=0.2)).status == "ok"


def test_what_a_role_cannot_see_is_unknown_and_names_the_grant(looking: Looking, any_database: Database) -> None:
    with seen_by_a_role(any_database) as seen, running(any_database.url, "SELECT pg_sleep(20)"):
        found = long.queries(looking(seen.url, query_warning=0.1))
        assert found.status == "unknown"
        assert (found.remedy or "").startswith('GRANT pg_monitor TO "Роль ')
        assert long.idle(looking(seen.url)).status == "unknown"
    with seen_by_a_role(any_database, "pg_monitor") as seen:
        assert long.queries(looking(seen.url)).status == "ok"


def test_nobody_waits(looking: Looking) -> None:
    assert locks.check(looking()).status == "ok"


def test_a_queue_behind_a_ddl_is_found_with_who_stands_before_it(looking: Looking, any_database: Database) -> None:
    any_database.execute("CREATE TABLE t (a int)")
    url = any_database.url
    with idle_in_transaction(url, "SELECT * FROM t") as root, running(url, "ALTER TABLE t ADD b int"):
        until_so_many_wait(looking, 1)
        with running(url, "SELECT * FROM t"):
            until_so_many_wait(looking, 2)
            found = settled(locks.check, looking(blocked_warning=0.1, blocked_critical=60), "warning")
            assert found.evidence["root_pid"] == root
            assert f"pid {root} stands before it" in found.summary
            assert settled(locks.check, looking(blocked_warning=0.05, blocked_critical=0.1), "critical").remedy


def until_so_many_wait(looking: Looking, number: int) -> None:
    end = time.monotonic() + 5
    while locks.check(looking()).evidence.get("waiting") != number:
        assert time.monotonic() < end
        time.sleep(0.05)
