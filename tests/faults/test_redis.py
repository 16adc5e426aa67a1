"""Redis: without it the backend starts, says so, works, and takes it up when it comes."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from chatai_core.accounts import users
from chatai_core.adapters.orm import Orm
from chatai_core.settings import Database
from tests.faults.errors import read
from tests.servers.command import Command
from tests.servers.gate import Gate
from tests.servers.secured import PASSWORD
from tests.servers.serving import Serving

LOGIN = {"username": "ann@example.com", "password": "correct horse 7"}


@pytest.fixture
def ann(database_url: str) -> None:
    """A user who may log in."""
    with closing(Orm(database_url, Database())) as orm:
        users.add(orm, LOGIN["username"], LOGIN["password"])


def _log_in(backend: Serving) -> httpx.Response:
    return httpx.post(f"{backend.url}/api/login", data=LOGIN, trust_env=False, timeout=20)


def _assert_degraded(backend: Serving) -> None:
    assert backend.said[0].startswith("Starting without Redis: Redis ")
    health = backend.get("/health")
    assert health.status_code == 503
    assert health.json()["components"]["redis"]["status"] == "unhealthy"
    assert backend.get("/readyz").status_code == 200
    assert _log_in(backend).status_code == 200
    assert PASSWORD not in backend.stderr + health.text


@pytest.mark.usefixtures("ann")
def test_redis_down_is_a_degraded_start(serve: Callable[..., Serving]) -> None:
    backend = serve(REDIS_URL=f"redis://:{PASSWORD}@127.0.0.1:1/0").ready()
    _assert_degraded(backend)
    assert backend.stop() == 0


@pytest.mark.usefixtures("ann")
def test_redis_that_never_answers_is_a_degraded_start(serve: Callable[..., Serving]) -> None:
    gate = Gate(("127.0.0.1", 1))
    gate.fall_silent()
    backend = serve(REDIS_URL=f"redis://:{PASSWORD}@127.0.0.1:{gate.port}/0").ready()
    _assert_degraded(backend)
    gate.close()


@pytest.mark.usefixtures("ann")
@pytest.mark.parametrize("credentials", [f":not-{PASSWORD}@", ""])
def test_a_wrong_password_is_a_degraded_start_that_names_the_reason(
    credentials: str, serve: Callable[..., Serving], secured_redis_url: str
) -> None:
    backend = serve(REDIS_URL=secured_redis_url.replace(f":{PASSWORD}@", credentials)).ready()
    assert backend.said[0].startswith("Starting without Redis: Redis refuses the login at redis://127.0.0.1:")
    _assert_degraded(backend)


def test_the_right_password_is_taken(serve: Callable[..., Serving], secured_redis_url: str, database_url: str) -> None:
    backend = serve(REDIS_URL=secured_redis_url).ready()
    assert backend.get("/health").status_code == 200
    assert PASSWORD not in backend.stderr


def test_the_embedded_one_that_cannot_read_its_data_is_named(chatai: Command, used: Path) -> None:
    for file in (used / "valkey" / "appendonlydir").glob("*.manifest"):
        file.write_text("nonsense\n")
    told = read(chatai("serve", "--port", "0"), 69)
    assert told.what == "The embedded valkey does not start."
    assert told.hint == f"tail {used}/run/valkey.log"
