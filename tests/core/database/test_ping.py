"""A ping: who answers, as whom we speak, over what, and what of it will make trouble."""

import os
import uuid
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from chatai_core.adapters.embedded.owner import owner
from chatai_core.adapters.postgres import READ_ONLY, Database
from chatai_core.database import ping
from chatai_core.errors import Unavailable
from chatai_core.plans import Explained
from tests.core.database.roles import seen_by_a_role
from tests.servers.clusters import Cluster


def test_who_answers_and_as_whom_we_speak(any_database: Database, reports: Database) -> None:
    found = ping.ping(reports, pool=35)
    assert found.version == any_database.value("SHOW server_version")
    assert found.database == any_database.value("SELECT current_database()")
    assert (found.role, found.is_superuser, found.server, found.encoding) == ("postgres", True, "primary", "UTF8")
    assert {"CONNECT", "CREATE", "TEMPORARY", "CREATE ON SCHEMA public"} <= set(found.privileges)
    assert (found.encryption, found.address, found.tls_version) == ("socket", None, None)
    assert abs(found.clock_skew_seconds) < 0.5


def test_connecting_and_a_round_trip_are_told_apart(reports: Database) -> None:
    found = ping.ping(reports, pool=1)
    assert 0 < found.latency_ms < found.connect_ms < 5000
    again = ping.ping(reports, pool=1)  # over a new connection
    assert again.latency_ms < again.connect_ms


def test_what_a_plain_role_may_do_is_listed(any_database: Database) -> None:
    name = any_database.value("SELECT current_database()")
    any_database.execute("REVOKE CREATE ON SCHEMA public FROM public")
    any_database.execute(f"REVOKE TEMPORARY ON DATABASE {name} FROM public")
    with seen_by_a_role(any_database, "pg_monitor", attributes="CREATEDB") as plain:
        found = ping.ping(plain, pool=1)
        assert (found.role, found.is_superuser) == (plain.value("SELECT current_user::text"), False)
        assert {"CONNECT", "USAGE ON SCHEMA public", "CREATEDB", "pg_monitor"} <= set(found.privileges)
        assert not {"CREATE", "TEMPORARY", "CREATE ON SCHEMA public", "CREATEROLE"} & set(found.privileges)


def test_a_pool_that_is_larger_than_what_the_role_can_have_is_said(any_database: Database) -> None:
    with seen_by_a_role(any_database, attributes="CONNECTION LIMIT 4") as plain:
        found = ping.ping(plain, pool=35)
        assert (found.pool, found.usable, found.used >= 1) == (35, 4, True)
        assert "lower DB_POOL_SIZE" in (found.reading or "")
        assert ping.ping(plain, pool=3).reading is None


def test_a_wrong_clock_and_an_open_network_are_said(reports: Database) -> None:
    found = ping.ping(reports, pool=1)
    assert found.reading is None
    assert "1 min 30 s apart" in (replace(found, clock_skew_seconds=-90.0).reading or "")
    assert "not encrypted" in (replace(found, encryption="none", address="10.0.0.5").reading or "")
    assert replace(found, encryption="none", address="::1").reading is None


def test_a_role_without_schema_public_is_no_obstacle(any_database: Database, reports: Database) -> None:
    any_database.execute("DROP SCHEMA public CASCADE")
    assert "CREATE" in ping.ping(reports, pool=1).privileges


def test_pgvector_is_installed_available_or_missing(any_database: Database, reports: Database) -> None:
    available = any_database.value("SELECT default_version FROM pg_available_extensions WHERE name = 'vector'")
    found = ping.ping(reports, pool=1)
    assert (found.vector, found.vector_available) == (None, available)
    if available:
        any_database.execute("CREATE EXTENSION vector")
        assert ping.ping(reports, pool=1).vector == available


def test_a_server_that_is_down_is_unavailable() -> None:
    with closing(Database("postgresql://postgres@127.0.0.1:1/chatai")) as nobody, pytest.raises(Unavailable):
        ping.ping(nobody, pool=1)


def test_explaining_connects_to_nothing() -> None:
    explained: list[str] = []
    with pytest.raises(Explained):
        ping.ping(Database("postgresql://postgres@127.0.0.1:1/chatai", explained=explained), pool=1)
    assert len(explained) == 1


def test_over_the_network_it_says_whether_it_is_encrypted(cluster: Cluster) -> None:
    address = f"127.{uuid.uuid4().int % 200 + 10}.{os.getpid() % 250}.{int(cluster.major)}"
    cluster.settings["listen_addresses"] = address
    cluster.start()
    with closing(Database(cluster.url)) as admin:
        with_tls = admin.value("SHOW ssl_library") != ""
    with closing(Database(f"postgresql://postgres@{address}/postgres", settings=READ_ONLY)) as plain:
        found = ping.ping(plain, pool=1)
        assert (found.encryption, found.address, found.port, found.tls_version) == ("none", address, 5432, None)
        assert found.reading is None  # a loopback address is no network
    if not with_tls:
        return  # the embedded server is built without OpenSSL
    cluster.stop()
    certify(cluster.directory / "data")
    cluster.settings["ssl"] = "on"
    cluster.start()
    with closing(Database(f"postgresql://postgres@{address}/postgres?sslmode=require")) as encrypted:
        found = ping.ping(encrypted, pool=1)
        assert found.encryption == "tls"
        assert (found.tls_version or "").startswith("TLSv1.") and found.tls_cipher


def certify(directory: Path) -> None:
    """A key and a certificate signed by itself, where PostgreSQL looks for them."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]), datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem, no = serialization.Encoding.PEM, serialization.NoEncryption()
    for file, content in (
        ("server.key", key.private_bytes(pem, serialization.PrivateFormat.PKCS8, no)),
        ("server.crt", signed.public_bytes(pem)),
    ):
        (directory / file).write_bytes(content)
        (directory / file).chmod(0o600)
        os.chown(directory / file, owner().uid, owner().gid)
