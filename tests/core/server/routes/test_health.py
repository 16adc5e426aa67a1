"""Whether the backend works, as told over HTTP, with its databases up, down and silent."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from chatai_core.adapters import embedded
from tests.servers.backend import Backend, running
from tests.servers.databases import Databases
from tests.servers.gate import Gate

HEALTHY = {name: {"status": "healthy"} for name in ("database", "redis", "ai_token_manager")}


class Gated:
    """A backend whose databases stand behind gates."""

    def __init__(self, database: Gate, redis: Gate) -> None:
        self.database = database
        self.redis = redis
        self.backend: Backend

    def health(self) -> tuple[int, dict[str, Any]]:
        """Status and components of /health."""
        response = self.backend.get("/health")
        body = response.json()
        assert list(body) == ["status", "timestamp", "components"]
        assert abs(body["timestamp"] - time.time()) < 10
        assert body["status"] == ("healthy" if response.status_code == 200 else "unhealthy")
        return response.status_code, body["components"]


@pytest.fixture
def gated(
    databases: Databases,
    database_url: str,
    servers: embedded.Lease,
    settings: dict[str, str],
    logs: Path,
    tmp_path: Path,
) -> Iterator[Gated]:
    """A backend whose databases can be taken away."""
    directory = parse_qs(urlsplit(database_url).query)["host"][0]
    gates = Gated(Gate(Path(directory) / ".s.PGSQL.5432"), Gate(Path(urlsplit(servers.redis_url).path)))
    name = urlsplit(database_url).path
    urls = {
        "DATABASE_URL": f"postgresql://postgres@127.0.0.1:{gates.database.port}{name}",
        "REDIS_URL": f"redis://127.0.0.1:{gates.redis.port}/0",
    }
    with running({**settings, **urls}, tmp_path, logs) as gates.backend:
        yield gates
    gates.database.close()
    gates.redis.close()


def test_a_healthy_system_answers_as_the_runbook_shows(gated: Gated) -> None:
    assert gated.health() == (200, HEALTHY)


def test_without_redis_it_is_unhealthy_until_redis_is_back(gated: Gated) -> None:
    gated.redis.close()
    assert gated.health() == (503, {**HEALTHY, "redis": {"status": "unhealthy", "error": "A server does not answer."}})

    gated.redis.open()
    assert gated.health() == (200, HEALTHY)


def test_without_the_database_it_is_unhealthy_until_it_is_back(gated: Gated) -> None:
    gated.database.close()
    status, components = gated.health()
    assert status == 503
    assert components["database"] == {"status": "unhealthy", "error": "A server does not answer."}
    assert components["redis"] == {"status": "healthy"}
    assert gated.backend.get("/readyz").status_code == 503
    assert gated.backend.get("/livez").status_code == 200

    gated.database.open()
    assert gated.health() == (200, HEALTHY)
    assert gated.backend.get("/readyz").status_code == 200


def test_servers_that_hang_are_waited_for_two_seconds_together(gated: Gated) -> None:
    gated.database.fall_silent()
    gated.redis.fall_silent()
    began = time.monotonic()

    status, components = gated.health()

    assert status == 503
    assert {component["status"] for component in components.values()} == {"unhealthy"}
    assert time.monotonic() - began < 4


def test_many_probes_of_a_hanging_server_wait_together(gated: Gated) -> None:
    gated.database.fall_silent()
    began = time.monotonic()

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: gated.backend.get("/health").status_code, range(12)))

    assert answers == [503] * 12
    assert time.monotonic() - began < 6


def test_the_reason_is_in_the_log_and_not_in_the_answer(gated: Gated) -> None:
    gated.redis.close()

    text = gated.backend.get("/health").text

    assert str(gated.redis.port) not in text
    assert any(str(gated.redis.port) in line for line in gated.backend.lines("component redis is critical"))


def test_requests_fail_without_details_while_the_database_is_away(gated: Gated) -> None:
    ann = gated.backend.person()
    gated.database.close()

    response = gated.backend.get("/api/dialogs", ann)

    assert (response.status_code, response.json()) == (503, {"detail": "A server does not answer."})
    assert "retry-after" in response.headers
    gated.database.open()
    assert gated.backend.get("/api/dialogs", ann).status_code == 200


def test_a_login_works_without_redis(gated: Gated) -> None:
    ann = gated.backend.person()
    gated.redis.close()

    response = gated.backend.post("/api/login", data={"username": ann.user.email, "password": "correct horse 7"})

    assert response.status_code == 200
    assert response.headers["x-ratelimit-limit"] == "100"


def test_a_pool_whose_keys_are_all_broken_is_unhealthy(gated: Gated) -> None:
    admin = gated.backend.person(admin=True)
    new = {"name": "only", "token": "sk-0123456789abcdefghij"}
    id = gated.backend.post("/api/admin/ai-tokens", admin, json=new).json()["id"]
    assert gated.health() == (200, HEALTHY)

    gated.backend("PUT", f"/api/admin/ai-tokens/{id}", admin, json={"is_active": False})

    status, components = gated.health()
    assert status == 503
    assert components["ai_token_manager"]["status"] == "unhealthy"
    assert "only" in components["ai_token_manager"]["error"]


def test_a_schema_of_another_version_is_not_ready(gated: Gated) -> None:
    gated.backend.chatai.database.execute("UPDATE alembic_version SET version_num = '0000'")

    response = gated.backend.get("/readyz")

    assert response.status_code == 503
    assert response.json() == {"status": "unavailable", "error": "The database's schema is of another version."}


@pytest.mark.parametrize("path", ["/health", "/livez", "/readyz"])
def test_load_balancers_may_ask_for_the_head_alone(path: str, backend: Backend) -> None:
    response = backend("HEAD", path)

    # Other tests share this backend's pool of keys, so that it may be unhealthy.
    assert (response.status_code, response.content) == (backend.get(path).status_code, b"")
