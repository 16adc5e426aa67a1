"""Nobody finds anything of somebody else's, on any route, and nothing at all without credentials."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts

from tests.core.server.routes.test_bots import add
from tests.core.server.routes.test_dialogs import talk
from tests.servers.backend import Backend, Person

# What anybody may ask, and why nothing of anybody's is in it.
PUBLIC = {
    ("GET", "/health"),
    ("HEAD", "/health"),
    ("GET", "/livez"),
    ("HEAD", "/livez"),
    ("GET", "/readyz"),
    ("HEAD", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/metrics/db-size"),
    ("GET", "/api/csrf-token"),
    ("POST", "/api/login"),
    ("GET", "/docs"),
    ("GET", "/redoc"),
    ("GET", "/openapi.json"),
    ("HEAD", "/openapi.json"),
}
# Bodies that the routes understand, so that they get as far as asking whose it is.
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", "/api/admin/ai-tokens"): {"name": "x", "token": "sk-0123456789abcdefghij"},
    ("PUT", "/api/admin/ai-tokens/{id}"): {"priority": 9},
    ("POST", "/api/bot-instances"): {"bot_token": "1000000001:abcdefghijklmnopqrstuvwxyz012345678"},
    ("PATCH", "/api/bot-instances/{id}"): {"is_active": False, "name": "stolen"},
}


@dataclass(frozen=True, slots=True)
class Route:
    """One way to ask."""

    method: str
    path: str


def _routes(backend: Backend) -> list[Route]:
    found = [
        Route(method, context.path)
        for context in iter_route_contexts(backend.api.routes)
        for method in sorted(context.methods or ())
        if not str(context.path).startswith("/test/")
    ]
    documented = {
        (method.upper(), path)
        for path, methods in backend.api.openapi()["paths"].items()
        for method in methods
        if not path.startswith("/test/")
    }
    assert documented <= {(route.method, route.path) for route in found}
    assert len(found) >= 25
    return found


def _private(backend: Backend) -> Iterator[Route]:
    for route in _routes(backend):
        if (route.method, route.path) not in PUBLIC:
            yield route


def _ask(backend: Backend, route: Route, by: Person | None, ids: list[int], **headers: str) -> Iterator[Any]:
    """The answers of a route, with each of these ids where it takes one."""
    for id in ids if "{" in route.path else ids[:1]:
        path = re.sub(r"\{\w+\}", str(id), route.path)
        body = BODIES.get((route.method, route.path))
        yield backend(route.method, path, by, json=body, headers=headers)


def test_every_route_that_is_not_public_wants_credentials(backend: Backend) -> None:
    for route in _private(backend):
        for headers in ({}, {"Authorization": "Bearer x.y.z"}, {"Authorization": "Basic YTpi"}, {"X-Chatai-Key": "x"}):
            for response in _ask(backend, route, None, [1], **headers):
                assert response.status_code == 401, route
                assert response.headers["www-authenticate"] == "Bearer"
                assert set(response.json()) == {"detail"}


def test_a_second_user_finds_nothing_of_the_first(backend: Backend, ann: Person, bob: Person) -> None:
    bot = add(backend, ann, name="ann-secret-bot")
    dialog = talk(backend, ann, chat="77007700", name="ann-secret-guest")
    ids = [bot["id"], dialog.id, dialog.owner.bot_id, ann.user.id]
    hers = _of_ann(backend, ann)

    for route in _private(backend):
        # One of the routes gives Bob a bot, and its id may be that of Ann's dialog or of Ann.
        own = {bot["id"] for bot in backend.get("/api/bot-instances", bob).json()}
        for response in _ask(backend, route, bob, [id for id in ids if id not in own]):
            text = response.text
            assert response.status_code in {200, 403, 404}, (route, response.status_code, text)
            assert "ann-secret" not in text, route
            assert ann.user.email not in text, route
            assert "77007700" not in text, route
            if response.status_code == 200 and "{" in route.path:
                pytest.fail(f"{route} answers a stranger: {text}")

    assert _of_ann(backend, ann) == hers


def _of_ann(backend: Backend, ann: Person) -> list[Any]:
    paths = ("/api/bot-instances", "/api/dialogs")
    return [backend.get(path, ann).json() for path in paths]


def test_a_user_is_no_administrator_anywhere(backend: Backend, ann: Person) -> None:
    for route in _private(backend):
        if "/admin/" in route.path or route.path == "/api/bot-instances-all":
            for response in _ask(backend, route, ann, [1]):
                assert (response.status_code, response.json()) == (403, {"detail": "Недостаточно прав доступа"})


def test_a_blocked_user_gets_nothing_anywhere(backend: Backend, ann: Person) -> None:
    backend.chatai.database.execute("UPDATE users SET status = 'blocked' WHERE id = %(id)s", id=ann.user.id)

    for route in _private(backend):
        for response in _ask(backend, route, ann, [1]):
            assert response.status_code == 401, route
