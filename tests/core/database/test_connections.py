"""How many are connected and how many can be: counted against PostgreSQL's own refusals."""

import dataclasses
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import psycopg2
import psycopg2.extras
import pytest

from chatai_core.adapters.postgres import READ_ONLY, Database, libpq, name_of
from chatai_core.database import connections
from chatai_core.database.connections import Connections
from chatai_core.errors import Busy
from tests.core.database.busy import connected, idle_in_transaction, tell, until
from tests.core.database.roles import seen_by_a_role
from tests.servers.clusters import Cluster
from tests.servers.databases import PostgreSQL


@pytest.fixture
def small(cluster: Cluster) -> Cluster:
    """A server with twelve places, of which three are for superusers."""
    cluster.settings.update(max_connections="12", superuser_reserved_connections="3", max_wal_senders="4")
    return cluster.start()


@contextmanager
def asked(url: str) -> Iterator[Database]:
    """The reports' database."""
    with closing(Database(url, settings=READ_ONLY)) as database:
        yield database


def as_role(url: str, role: str) -> str:
    """The same address for another role."""
    return url.replace("//postgres@", f"//{role}@")


def settled(reports: Database, used: int) -> Connections:
    """What is counted once connections that were closed are gone in the server, too."""
    until(lambda: connections.count(reports).used == used)
    return connections.count(reports)


def clients(connection: psycopg2.extensions.connection) -> int:
    """How many there are, asked without one more."""
    connection.rollback()
    return int(tell(connection, "SELECT count(*) FROM pg_stat_activity WHERE datid IS NOT NULL"))


def statement(url: str, *statements: str) -> None:
    """Carry out, each for itself, by the superuser."""
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for each in statements:
                cursor.execute(each)


def test_clients_are_counted_by_what_they_are_and_the_servers_own_apart(small: Cluster) -> None:
    factory = psycopg2.extras.PhysicalReplicationConnection
    with (
        connected(small.url, "a"),
        idle_in_transaction(small.url, application="a"),
        connected(small.url, ""),
        connected(small.url, "replica", connection_factory=factory),
        asked(small.url) as reports,
    ):
        found = settled(reports, 4)
    assert (found.used, found.usable, found.max, found.reserved) == (4, 9, 12, 3)
    assert found.by_state == {"idle": 2, "active": 1, "idle in transaction": 1}
    assert found.by_application == {"a": 2, "(none)": 1, "chatai": 1}
    assert (found.by_user, found.by_database) == ({"postgres": 4}, {"postgres": 4})
    assert found.used_share == pytest.approx(4 / 9)
    assert (found.walsenders, found.max_walsenders) == (1, 4)
    assert found.background >= 3
    assert found.reading is None


def test_places_reserved_for_a_group_are_not_usable(small: Cluster) -> None:
    small.stop()
    with closing(psycopg2.connect(small.start().url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('reserved_connections', true)")
        if cursor.fetchone() == (None,):
            pytest.skip("before PostgreSQL 16 there are none")
    small.stop()
    small.settings["reserved_connections"] = "2"
    with asked(small.start().url) as reports:
        found = connections.count(reports)
    assert (found.reserved, found.usable) == (5, 7)
    statement(small.url, "CREATE ROLE app LOGIN", "CREATE ROLE plain LOGIN", "GRANT pg_use_reserved_connections TO app")
    for role, promised in (("plain", 7), ("app", 9)):
        with ExitStack() as stack:
            usable = settled(stack.enter_context(asked(as_role(small.url, role))), 1).usable
            count = 1
            with pytest.raises(psycopg2.OperationalError, match="remaining connection slots"):
                while count < 13:
                    stack.enter_context(connected(as_role(small.url, role)))
                    count += 1
            assert count == usable == promised


def test_the_limits_of_role_and_database_count_where_they_come_first(small: Cluster) -> None:
    statement(small.url, "CREATE ROLE shop LOGIN CONNECTION LIMIT 3", "GRANT pg_monitor TO shop")
    with connected(small.url, "other"), connected(small.url, "other"), asked(as_role(small.url, "shop")) as reports:
        found = settled(reports, 3)
        assert (found.role_used, found.role_limit) == (1, 3)
        assert found.usable == 5  # two more of its own beside the others
        assert found.used_share == pytest.approx(1 / 3)
        statement(small.url, "ALTER DATABASE postgres CONNECTION LIMIT 4")
        found = settled(reports, 3)
        assert (found.database_used, found.database_limit, found.usable) == (3, 4, 4)
        assert found.used_share == pytest.approx(3 / 4)
    with asked(small.url) as reports:  # a superuser is subject to neither
        found = connections.count(reports)
        assert (found.role_limit, found.database_limit, found.usable) == (None, None, 9)


def test_usable_is_where_postgresql_really_refuses(small: Cluster) -> None:
    statement(small.url, "CREATE ROLE plain LOGIN", "CREATE ROLE few LOGIN CONNECTION LIMIT 2")
    with ExitStack() as stack:
        usable = settled(stack.enter_context(asked(as_role(small.url, "few"))), 1).usable
        count = 1
        with pytest.raises(psycopg2.OperationalError, match="too many connections for role"):
            while count < 12:
                stack.enter_context(connected(as_role(small.url, "few")))
                count += 1
        assert count == usable == 2
    with ExitStack() as stack:
        usable = settled(stack.enter_context(asked(as_role(small.url, "plain"))), 1).usable
        count = 1
        with pytest.raises(psycopg2.OperationalError, match="remaining connection slots"):
            while count < 13:
                stack.enter_context(connected(as_role(small.url, "plain")))
                count += 1
        assert count == usable == 9


def test_a_server_at_its_limit_is_busy_and_a_superuser_still_sees_why(small: Cluster) -> None:
    statement(small.url, "CREATE ROLE plain LOGIN")
    with ExitStack() as stack:
        for _number in range(9):
            leak = stack.enter_context(connected(as_role(small.url, "plain"), "leak"))
        with asked(as_role(small.url, "plain")) as reports, pytest.raises(Busy, match="has no free connection"):
            connections.count(reports)
        with asked(small.url) as reports:
            found = settled(reports, 10)
        assert (found.used, found.usable, found.by_application["leak"]) == (10, 9, 9)
        until(lambda: clients(leak) == 9)
        with pytest.raises(psycopg2.OperationalError, match="too many clients"):
            for _number in range(4):
                stack.enter_context(connected(small.url, "admin"))
        with asked(small.url) as reports, pytest.raises(Busy):
            connections.count(reports)


def test_a_plain_role_counts_all_and_is_told_whose_state_is_hidden(server: PostgreSQL) -> None:
    with server.empty() as url, closing(Database(url)) as database, idle_in_transaction(url):
        with seen_by_a_role(database) as seen:
            found = connections.count(seen)
            assert found.by_database[name_of(url)] == 3
            assert found.by_state["hidden"] >= 2 and found.by_state["active"] == 1
            assert found.reading is not None and f'GRANT pg_monitor TO "{found.role}"' in found.reading
        with seen_by_a_role(database, "pg_monitor") as seen:
            found = connections.count(seen)
            assert ("hidden" in found.by_state, found.reading) == (False, None)


def test_a_role_without_any_place_left_has_no_share(server: PostgreSQL) -> None:
    """CONNECTION LIMIT 0, set while somebody of the role is connected."""
    role = f"no_more_{uuid.uuid4().hex[:8]}"
    with server.empty() as url:
        server.execute("CREATE ROLE {} LOGIN", role)
        try:
            with asked(as_role(libpq(url), role)) as reports:
                connections.count(reports)
                server.execute("ALTER ROLE {} CONNECTION LIMIT 0", role)
                found = connections.count(reports)
        finally:
            server.execute("DROP ROLE {}", role)
    assert (found.role_limit, found.usable) == (0, found.used - 1)
    assert found.used_share is not None


def test_the_promised_fields_come_first() -> None:
    names = [field.name for field in dataclasses.fields(connections.Connections)]
    assert names[:6] == ["used", "usable", "max", "reserved", "by_state", "by_application"]
