"""The backend on a real port, in a thread of the test's process; and the people who call it."""

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from uvicorn import Config

from chatai_core import settings
from chatai_core.accounts import sessions, users
from chatai_core.accounts.users import User
from chatai_core.installation import Installation
from chatai_core.server import app, heads, listening, supervision

PASSWORD = "correct horse 7"


@dataclass(frozen=True, slots=True)
class Backend:
    """A running backend; ``get`` and the like take a path."""

    url: str
    chatai: Installation
    api: app.Api
    logs: Path
    client: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False, timeout=30))

    def __call__(self, method: str, path: str, by: "Person | None" = None, **options: Any) -> httpx.Response:
        headers = {**(by.headers if by else {}), **options.pop("headers", {})}
        return self.client.request(method, f"{self.url}{path}", headers=headers, **options)

    def get(self, path: str, by: "Person | None" = None, **options: Any) -> httpx.Response:
        """GET a path."""
        return self("GET", path, by, **options)

    def post(self, path: str, by: "Person | None" = None, **options: Any) -> httpx.Response:
        """POST to a path."""
        return self("POST", path, by, **options)

    def person(self, *, admin: bool = False) -> "Person":
        """A new user with a bearer token."""
        user = users.add(self.chatai.orm, f"{uuid.uuid4().hex}@example.com", PASSWORD, admin=admin)
        token = sessions.for_operator(self.chatai.database, user, key=self.chatai.secret_key, minutes=60)
        return Person(user, token.token)

    def lines(self, word: str, log: str = "api.log") -> list[str]:
        """The lines of a log with this word in them."""
        path = self.logs / log  # made with its first line
        return [line for line in path.read_text().splitlines() if word in line] if path.exists() else []

    def access(self, response: httpx.Response) -> str:
        """The line in api.log of an answered request."""
        return self.access_of(response.headers["x-request-id"])

    def access_of(self, id: str) -> str:
        """The line in api.log of the request with this id; it is written when the answer is on its way already."""
        for _ in range(250):
            if lines := [line for line in self.lines(f"request_id={id} ") if "api.access" in line]:
                [line] = lines
                return line
            time.sleep(0.02)
        pytest.fail(f"request {id} left no line")


@dataclass(frozen=True, slots=True)
class Person:
    """A user and their bearer token."""

    user: User
    token: str

    @property
    def headers(self) -> dict[str, str]:
        """What their requests carry."""
        return {"Authorization": f"Bearer {self.token}"}


@contextmanager
def running(
    overrides: Mapping[str, str], directory: Path, logs: Path, prepare: Callable[[app.Api], None] = lambda api: None
) -> Iterator[Backend]:
    """A backend of these settings alone; ``prepare`` may add routes to it. The journal in ``logs`` is open already."""
    with Installation({**overrides, "CHATAI_HOME": str(directory / "home")}, pooled=True) as chatai:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(directory)
            for definition in settings.definitions():
                patch.delenv(definition.name, raising=False)
            chatai.settings  # noqa: B018  read in a clean environment, and kept
        api = app.create(chatai)
        prepare(api)
        with _serving(api) as url:
            backend = Backend(url, chatai, api, logs)
            with backend.client:
                yield backend


@contextmanager
def _serving(api: app.Api) -> Iterator[str]:
    ready = threading.Event()
    config = Config(
        api, loop="uvloop", http=heads.Bounded, ws="none", lifespan="on", log_config=None, access_log=False,
        proxy_headers=False, server_header=False, timeout_graceful_shutdown=5,
    )  # fmt: skip
    server = supervision.Alone(config, ready.set)
    with listening.listen("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            assert ready.wait(20)
            yield listening.url_of(listener)
        finally:
            server.should_exit = True
            thread.join(20)
