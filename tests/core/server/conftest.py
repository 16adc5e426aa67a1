"""One backend for all tests of the server: each makes users of its own."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from fastapi import Request
from fastapi.responses import StreamingResponse

from chatai_core import journal
from chatai_core.adapters import embedded
from chatai_core.server.app import Api
from tests.servers.backend import Backend, Person, running
from tests.servers.databases import Databases

INTERNAL_KEY = "i" * 64
BODY_LIMIT = 20_000


@pytest.fixture(scope="session")
def settings(databases: Databases, servers: embedded.Lease) -> Iterator[dict[str, str]]:
    """What the shared backend is told: a database of its own, a manager that is not there."""
    with databases.migrated() as url:
        yield {
            "DATABASE_URL": url,
            "REDIS_URL": servers.redis_url,
            "SECRET_KEY": "s" * 64,
            "CHATAI_INTERNAL_KEY": INTERNAL_KEY,
            "CHATAI_MANAGER_URL": "http://127.0.0.1:1",
            "CHATAI_TRUSTED_PROXIES": "127.0.0.1",
            "CHATAI_BODY_LIMIT": str(BODY_LIMIT),
        }


@pytest.fixture(scope="session")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where all backends of this process write: a process has one journal."""
    directory = tmp_path_factory.mktemp("logs")
    yield directory
    journal.close()


@pytest.fixture(autouse=True)
def _journal(logs: Path) -> None:
    """Other tests open the journal elsewhere, or close it."""
    journal.open(logs, service="backend")


@pytest.fixture(scope="session")
def backend(settings: dict[str, str], logs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """The shared backend, with a few routes that misbehave."""
    with running(settings, tmp_path_factory.mktemp("backend"), logs, _misbehaving) as shared:
        yield shared


@pytest.fixture
def ann(backend: Backend) -> Person:
    """A user."""
    return backend.person()


@pytest.fixture
def bob(backend: Backend) -> Person:
    """Another user."""
    return backend.person()


@pytest.fixture
def admin(backend: Backend) -> Person:
    """An administrator."""
    return backend.person(admin=True)


def _misbehaving(api: Api) -> None:
    @api.get("/test/broken")
    def broken() -> None:
        raise RuntimeError("password=hunter2 in postgresql://user:hunter2@db/x")

    @api.get("/test/half")
    def half() -> StreamingResponse:
        async def body() -> AsyncIterator[str]:
            yield "half"
            await asyncio.sleep(0)
            raise RuntimeError("the other half is missing")

        return StreamingResponse(body())

    @api.get("/test/slow")
    def slow(seconds: float) -> str:
        time.sleep(seconds)
        return "done"

    @api.post("/test/body")
    async def size(request: Request) -> int:
        return len(await request.body())
