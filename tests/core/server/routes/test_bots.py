"""Bots over HTTP: their owners' wishes, and the manager that carries them out."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.core.server.conftest import INTERNAL_KEY
from tests.servers import bots as fleet
from tests.servers.backend import Backend, Person, running
from tests.servers.bots import World

KEPT = "The bot manager does not answer; what is wanted is kept, and done when it is back."
SYSTEM = {"X-Chatai-Key": INTERNAL_KEY}


def secret() -> str:
    """A bot token that no other bot has."""
    return f"{uuid.uuid4().int % 10**9 + 10**9}:{uuid.uuid4().hex}abc"


def add(backend: Backend, person: Person, **more: Any) -> dict[str, Any]:
    """Add a bot."""
    response = backend.post("/api/bot-instances", person, json={"bot_token": secret(), **more})
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def _of(backend: Backend, id: int) -> dict[str, Any]:
    [found] = [bot for bot in backend.get("/api/bot-instances-all", headers=SYSTEM).json() if bot["id"] == id]
    return dict(found)


def test_a_bot_is_added_listed_and_forgotten(backend: Backend, ann: Person) -> None:
    added = add(backend, ann)

    assert set(added) >= {"id", "platform", "assistant_id", "assistant_name", "is_active", "created_at"}
    assert (added["platform"], added["is_active"]) == ("telegram", True)
    assert backend.get("/api/bot-instances", ann).json() == [added]

    gone = backend("DELETE", f"/api/bot-instances/{added['id']}", ann)
    assert (gone.status_code, gone.json()["success"]) == (200, True)
    assert backend.get("/api/bot-instances", ann).json() == []


def test_no_answer_and_no_log_holds_the_token(backend: Backend, ann: Person) -> None:
    token, other = secret(), secret()
    answers = [backend.post("/api/bot-instances", ann, json={"bot_token": token}) for _ in range(2)]
    id = answers[0].json()["id"]
    answers.append(backend("PATCH", f"/api/bot-instances/{id}", ann, json={"bot_token": other}))
    answers.append(backend.get("/api/bot-instances", ann))
    answers.append(backend.get("/api/bot-instances-all", headers=SYSTEM))

    assert [answer.status_code for answer in answers] == [200, 409, 200, 200, 200]
    for word in (token, other):
        assert all(word not in answer.text for answer in answers)
        assert all(word not in log.read_text() for log in backend.logs.iterdir())


def test_a_bot_is_changed_only_where_it_is_told(backend: Backend, ann: Person) -> None:
    bot = add(backend, ann, name="first")

    paused = backend("PATCH", f"/api/bot-instances/{bot['id']}", ann, json={"is_active": False}).json()
    renamed = backend("PATCH", f"/api/bot-instances/{bot['id']}", ann, json={"name": "second"}).json()

    assert paused == {**bot, "is_active": False}
    assert renamed == {**paused, "name": "second"}


@pytest.mark.parametrize(
    ("new", "status"),
    [
        ({"bot_token": "x"}, 400),
        ({"bot_token": ""}, 400),
        ({}, 422),
        ({"platform": "fax"}, 400),
        ({"assistant_id": 2147483647}, 404),
        ({"assistant_id": 10**12}, 404),
        ({"assistant_id": -1}, 404),
    ],
)
def test_what_makes_no_bot_is_refused(new: dict[str, Any], status: int, backend: Backend, ann: Person) -> None:
    whole = {"bot_token": secret(), **new} if new else {}

    assert backend.post("/api/bot-instances", ann, json=whole).status_code == status
    assert backend.get("/api/bot-instances", ann).json() == []


def test_somebody_elses_assistant_is_not_there(backend: Backend, ann: Person, bob: Person) -> None:
    hers = add(backend, ann)["assistant_id"]

    assert (
        backend.post("/api/bot-instances", bob, json={"bot_token": secret(), "assistant_id": hers}).status_code == 404
    )
    his = add(backend, bob)["id"]
    assert backend("PATCH", f"/api/bot-instances/{his}", bob, json={"assistant_id": hers}).status_code == 404


def test_everybodys_bots_are_for_administrators_and_our_own_processes(
    backend: Backend, ann: Person, admin: Person
) -> None:
    id = add(backend, ann, is_active=False)["id"]

    assert _of(backend, id)["is_active"] is False
    assert set(_of(backend, id)) == {"id", "user_id", "assistant_id", "platform", "is_active"}
    assert backend.get("/api/bot-instances-all", admin).status_code == 200
    assert backend.get("/api/bot-instances-all", ann).status_code == 403
    assert backend.get("/api/bot-instances-all").status_code == 401
    assert backend.get("/api/bot-instances-all", headers={"X-Chatai-Key": "wrong"}).status_code == 401
    assert backend.get("/api/bot-instances-all", admin, headers={"X-Chatai-Key": "é".encode()}).status_code == 401


@pytest.mark.parametrize("verb", ["start", "stop"])
def test_without_the_manager_what_is_wanted_is_kept(verb: str, backend: Backend, ann: Person) -> None:
    id = add(backend, ann, is_active=verb == "stop")["id"]

    response = backend.post(f"/api/{verb}-bot/{id}", ann)

    assert (response.status_code, response.json()) == (503, {"detail": KEPT})
    assert _of(backend, id)["is_active"] is (verb == "start")
    [line] = backend.lines(f'"bot_id": {id}, "reason"', "audit.log")
    assert f" | WARNING | {ann.user.id} | bot_{verb} | failed | " in line


def test_a_bot_that_is_not_there_cannot_be_started(backend: Backend, ann: Person, admin: Person) -> None:
    for by, headers in ((ann, {}), (admin, {}), (None, SYSTEM)):
        response = backend.post("/api/start-bot/2147483647", by, headers=headers)
        assert (response.status_code, response.json()) == (404, {"detail": "Bot instance not found"})


def test_changes_are_audited(backend: Backend, ann: Person) -> None:
    id = add(backend, ann)["id"]
    backend("PATCH", f"/api/bot-instances/{id}", ann, json={"name": "x"})
    backend("DELETE", f"/api/bot-instances/{id}", ann)

    lines = [line.split(" | ") for line in backend.lines(f'"bot_id": {id}', "audit.log")]
    assert [(line[2], line[3], line[4]) for line in lines] == [
        (str(ann.user.id), operation, "success") for operation in ("bot_create", "bot_update", "bot_delete")
    ]


@pytest.fixture
def world(database_url: str, redis_url: str, home: Path) -> Iterator[World]:
    """Simulators, a manager's environment, a user with a key."""
    with fleet.installed(database_url, redis_url, home) as installed:
        yield installed


def test_a_bot_starts_answers_and_stops(world: World, logs: Path, tmp_path: Path) -> None:
    world.manager(workers=1)
    world.pair.telegram.add_bot(fleet.token(1001), username="tests_bot")
    names = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "CHATAI_INTERNAL_KEY", "CHATAI_MANAGER_URL")
    with running({name: world.environment[name] for name in names}, tmp_path, logs) as backend:
        ann = backend.person()
        added = backend.post("/api/bot-instances", ann, json={"bot_token": fleet.token(1001), "is_active": False})
        id = added.json()["id"]

        started = backend.post(f"/api/start-bot/{id}", ann)
        world.pair.telegram.say(fleet.token(1001), 77, "How are you?")
        [sent] = world.pair.telegram.sent(fleet.token(1001), 77)
        stopped = backend.post(f"/api/stop-bot/{id}", headers={"X-Chatai-Key": fleet.KEY.reveal()})

        assert (started.status_code, started.json()) == (200, {"success": True, "message": f"Bot {id} started"})
        assert (stopped.status_code, stopped.json()) == (200, {"success": True, "message": f"Bot {id} stopped"})
        assert " user=internal " in backend.access(stopped)
        [dialog] = backend.get("/api/dialogs", ann).json()["items"]
        assert dialog["last_message_text"] == sent["text"]


def test_why_a_bot_does_not_start_is_told(world: World, logs: Path, tmp_path: Path) -> None:
    world.manager(workers=1)
    names = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "CHATAI_INTERNAL_KEY", "CHATAI_MANAGER_URL")
    with running({name: world.environment[name] for name in names}, tmp_path, logs) as backend:
        ann = backend.person()
        token = fleet.token(1002)  # which Telegram does not know
        id = backend.post("/api/bot-instances", ann, json={"bot_token": token, "is_active": False}).json()["id"]

        response = backend.post(f"/api/start-bot/{id}", ann)

        assert response.status_code == 409
        assert "token" in response.json()["detail"]
        assert token not in response.text
