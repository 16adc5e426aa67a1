"""The database: down, silent, behind a wrong password, and away for a while."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.faults.errors import refused
from tests.servers.command import Command
from tests.servers.gate import Gate
from tests.servers.secured import PASSWORD
from tests.servers.serving import Serving

DOWN = f"postgresql://chatai:{PASSWORD}@127.0.0.1:1/chatai"
COMMANDS = [
    "serve --port 0",
    "serve --port 0 --json",
    "tokens list --json",
    "users block ann@example.com",
    "migrate upgrade",
    "db backup --json",
]


@pytest.mark.parametrize("line", COMMANDS)
def test_a_database_that_is_down_is_69(line: str, chatai: Command, home: Path) -> None:
    told = refused(chatai, line, 69, {"DATABASE_URL": DOWN, "REDIS_URL": "redis://127.0.0.1:1"})
    assert told.what == "PostgreSQL does not answer at postgresql://chatai@127.0.0.1:1/chatai."
    assert "Connection refused" in told.why
    assert not (home / "backups").exists()


@pytest.mark.parametrize("line", COMMANDS)
def test_a_wrong_password_is_77(line: str, chatai: Command, secured_database_url: str) -> None:
    wrong = secured_database_url.replace(PASSWORD, f"not-{PASSWORD}")
    told = refused(chatai, line, 77, {"DATABASE_URL": wrong, "REDIS_URL": "redis://127.0.0.1:1"})
    assert told.what == f"PostgreSQL refuses the login at {wrong.replace(f':not-{PASSWORD}', '')}."
    assert 'password authentication failed for user "postgres"' in told.why


def test_a_database_that_does_not_exist_is_66(chatai: Command, secured_database_url: str) -> None:
    told = refused(chatai, "tokens list", 66, {"DATABASE_URL": f"{secured_database_url}_of_another"})
    assert 'database "postgres_of_another" does not exist' in told.why


@pytest.fixture
def silent() -> Iterator[str]:
    """The URL of a server that accepts and never answers."""
    gate = Gate(("127.0.0.1", 1))
    gate.fall_silent()
    yield f"postgresql://chatai:{PASSWORD}@127.0.0.1:{gate.port}/chatai"
    gate.close()


@pytest.mark.parametrize("line", ["tokens list", "serve --port 0 --json"])
def test_a_server_that_never_answers_is_given_up(line: str, chatai: Command, silent: str) -> None:
    began = time.monotonic()
    told = refused(chatai, line, 69, {"DATABASE_URL": silent, "DB_CONNECT_TIMEOUT": "2"})
    assert "timeout" in told.why
    assert time.monotonic() - began < 4


@pytest.fixture
def gate(database_url: str) -> Iterator[Gate]:
    """A port before the test's database."""
    directory = parse_qs(urlsplit(database_url).query)["host"][0]
    gate = Gate(Path(directory) / ".s.PGSQL.5432")
    yield gate
    gate.close()


def test_a_backend_outlives_its_database(
    serve: Callable[..., Serving], gate: Gate, database_url: str, redis_url: str
) -> None:
    name = urlsplit(database_url).path
    backend = serve(DATABASE_URL=f"postgresql://postgres@127.0.0.1:{gate.port}{name}", REDIS_URL=redis_url).ready()
    assert backend.get("/health").status_code == 200
    gate.close()
    assert backend.get("/livez").status_code == 200
    assert backend.get("/readyz").status_code == 503
    sick = backend.get("/health")
    assert sick.status_code == 503
    assert sick.json()["components"]["database"]["status"] == "unhealthy"
    assert not re.search(r"127\.0\.0\.1|postgres@", sick.text)  # strangers read it
    gate.open()
    assert backend.get("/health").status_code == 200
    assert backend.stop() == 0
