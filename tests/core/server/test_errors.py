"""How errors are answered."""

import inspect

import pytest

from chatai_core import errors
from chatai_core.errors import ChataiError
from chatai_core.server.errors import STATUSES, status_of
from tests.core.server.conftest import BODY_LIMIT
from tests.servers.backend import Backend, Person

KINDS = [kind for _name, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, ChataiError)]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_error_has_a_status(kind: type[ChataiError]) -> None:
    assert kind in STATUSES


def test_a_servers_refusal_is_not_the_clients_fault() -> None:
    assert status_of(errors.AccessRefused()) == status_of(errors.DatabaseMissing()) == 503
    assert status_of(errors.NotPermitted()) == 403


def test_a_bug_is_answered_without_details_and_written_with_its_traceback(backend: Backend) -> None:
    response = backend.get("/test/broken")

    body = response.json()
    assert response.status_code == 500
    assert set(body) == {"error", "message", "request_id", "timestamp"}
    assert body["error"] == "INTERNAL_ERROR"
    assert body["request_id"] == response.headers["x-request-id"]
    assert "hunter2" not in response.text
    line = backend.access(response)
    log = (backend.logs / "api.log").read_text()
    assert "RuntimeError" in log
    assert "hunter2" not in log
    assert " - ERROR - /test/broken GET 500 user=- " in line


def test_wrong_input_is_named_and_not_repeated(backend: Backend, admin: Person) -> None:
    response = backend.post(
        "/api/admin/ai-tokens", admin, json={"name": 1, "token": {"sk": "sk-secret-secret"}, "priority": "x"}
    )

    assert response.status_code == 422
    assert {tuple(problem["loc"]) for problem in response.json()["detail"]} == {
        ("body", "name"),
        ("body", "token"),
        ("body", "priority"),
    }
    assert "sk-secret" not in response.text


@pytest.mark.parametrize("id", ["0", "-1", "2147483648", "9" * 30, "x", "1%00"])
def test_an_id_that_no_row_can_have_is_wrong_input(id: str, backend: Backend, admin: Person) -> None:
    assert backend.get(f"/api/admin/ai-tokens/{id}/usage", admin).status_code == 422
    assert backend.get(f"/api/dialogs/{id}", admin).status_code == 422
    assert backend.post(f"/api/start-bot/{id}", admin).status_code == 422


def test_a_nul_in_a_text_is_wrong_input(backend: Backend, admin: Person) -> None:
    new = {"name": "a\0b", "token": "sk-0123456789abcdef"}

    assert backend.post("/api/admin/ai-tokens", admin, json=new).status_code == 422
    assert backend.get("/api/dialogs?search=%00", admin).status_code == 422


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_may_be_as_large_as_the_limit_and_no_larger(chunked: bool, backend: Backend) -> None:
    def body(size: int) -> object:
        return iter([b"x" * 1000] * (size // 1000)) if chunked else b"x" * size

    fits = backend.post("/test/body", content=body(BODY_LIMIT))
    too_large = backend.post("/test/body", content=body(BODY_LIMIT + 1000))

    assert (fits.status_code, fits.json()) == (200, BODY_LIMIT)
    assert too_large.status_code == 413
    assert " /test/body POST 413 " in backend.access(too_large)


def test_a_login_with_a_large_body_is_refused_before_it_is_read(backend: Backend) -> None:
    response = backend.post("/api/login", data={"username": "a", "password": "x" * (BODY_LIMIT + 1)})

    assert response.status_code == 413


def test_damaged_json_is_wrong_input(backend: Backend, ann: Person) -> None:
    response = backend.post(
        "/api/bot-instances", ann, content=b'{"bot_token": "12', headers={"Content-Type": "application/json"}
    )

    assert response.status_code == 422
