"""The pool's keys over HTTP: the contract's shapes, administrators only, no secret in any answer."""

import uuid
from typing import Any

import pytest

from tests.servers.backend import Backend, Person

ITEM = {
    "id", "name", "is_active", "priority", "models", "daily_usage", "daily_limit", "daily_usage_percent",
    "monthly_usage", "monthly_limit", "monthly_usage_percent", "error_count", "last_used", "last_error",
}  # fmt: skip
PATH = "/api/admin/ai-tokens"


@pytest.fixture
def secret() -> str:
    """A key that is in no pool."""
    return f"sk-{uuid.uuid4().hex}"


def _add(backend: Backend, admin: Person, secret: str, **more: Any) -> dict[str, Any]:
    response = backend.post(PATH, admin, json={"name": f"key of {secret[-4:]}", "token": secret, **more})
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def _item(backend: Backend, admin: Person, id: int) -> dict[str, Any]:
    [found] = [item for item in backend.get(PATH, admin).json() if item["id"] == id]
    return dict(found)


def test_a_key_is_added_with_the_contracts_defaults(backend: Backend, admin: Person, secret: str) -> None:
    added = _add(backend, admin, secret)

    assert added == {
        "id": added["id"],
        "name": f"key of {secret[-4:]}",
        "model_access": "gpt-4o,gpt-4o-mini",
        "daily_limit": 10000,
        "monthly_limit": 300000,
        "priority": 1,
        "is_active": True,
        "notes": None,
    }
    item = _item(backend, admin, added["id"])
    assert set(item) >= ITEM
    assert item["models"] == ["gpt-4o", "gpt-4o-mini"]
    assert (item["daily_usage"], item["daily_usage_percent"], item["last_used"]) == (0, 0.0, None)


def test_percentages_have_one_decimal_and_no_limit_is_zero(backend: Backend, admin: Person, secret: str) -> None:
    id = _add(backend, admin, secret, daily_limit=300, monthly_limit=0)["id"]
    backend.chatai.database.execute(
        "UPDATE ai_token_pool SET current_daily_usage = 100, current_monthly_usage = 100, last_used = now()"
        " WHERE id = %(id)s",
        id=id,
    )

    item = _item(backend, admin, id)
    assert (item["daily_usage_percent"], item["monthly_usage_percent"]) == (33.3, 0.0)
    assert item["last_used"].endswith("Z")


def test_no_answer_and_no_log_holds_the_secret(backend: Backend, admin: Person, secret: str) -> None:
    answers = [backend.post(PATH, admin, json={"name": "a", "token": secret}) for _ in range(2)]
    answers.append(backend.get(PATH, admin))

    assert [answer.status_code for answer in answers] == [200, 409, 200]
    assert all(secret not in answer.text for answer in answers)
    assert all(secret not in log.read_text() for log in backend.logs.iterdir())


def test_a_key_is_changed_only_where_it_is_told(backend: Backend, admin: Person, secret: str) -> None:
    id = _add(backend, admin, secret, notes="first")["id"]

    response = backend(
        "PUT", f"{PATH}/{id}", admin, json={"priority": 5, "model_access": ["gpt-4o"], "is_active": False}
    )

    assert (response.status_code, response.json()) == (200, {"message": "AI token updated successfully"})
    item = _item(backend, admin, id)
    assert (item["priority"], item["models"], item["is_active"], item["daily_limit"]) == (5, ["gpt-4o"], False, 10000)
    assert backend("PUT", f"{PATH}/{id}", admin, json={}).status_code == 200


def test_a_new_token_for_an_old_key_is_refused_rather_than_ignored(
    backend: Backend, admin: Person, secret: str
) -> None:
    id = _add(backend, admin, secret)["id"]
    response = backend("PUT", f"{PATH}/{id}", admin, json={"token": "sk-another-0123456789", "priority": 2})
    assert response.status_code == 422
    assert "sk-another" not in response.text
    assert _item(backend, admin, id)["priority"] == 1


def test_a_removed_key_is_gone(backend: Backend, admin: Person, secret: str) -> None:
    id = _add(backend, admin, secret)["id"]

    gone = backend("DELETE", f"{PATH}/{id}", admin)

    assert (gone.status_code, gone.json()) == (200, {"message": "AI token deleted successfully"})
    for again in (
        backend("DELETE", f"{PATH}/{id}", admin),
        backend("PUT", f"{PATH}/{id}", admin, json={"priority": 2}),
        backend("PUT", f"{PATH}/{id}", admin, json={}),
        backend.get(f"{PATH}/{id}/usage", admin),
    ):
        assert (again.status_code, again.json()) == (404, {"detail": "AI token not found"})


def test_usage_is_told_by_day(backend: Backend, admin: Person, secret: str) -> None:
    id = _add(backend, admin, secret)["id"]
    for number, (success, seconds) in enumerate([(True, 0.5), (True, 1.0), (False, 0.251)]):
        backend.chatai.database.execute(
            "INSERT INTO ai_token_usage (request_id, token_id, user_id, model_used, total_tokens,"
            " response_time, success) VALUES (%(request)s, %(id)s, %(user)s, 'gpt-4o', 10, %(seconds)s, %(success)s)",
            request=f"{secret[3:30]}-{number}",
            id=id,
            user=admin.user.id,
            seconds=seconds,
            success=success,
        )

    [day] = backend.get(f"{PATH}/{id}/usage", admin).json()

    assert len(day.pop("date")) == len("2025-09-04")
    assert day == {
        "requests": 3,
        "tokens": 30,
        "avg_response_time": 0.58,
        "successful_requests": 2,
        "failed_requests": 1,
        "success_rate": 66.7,
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"priority": 0},
        {"daily_limit": -1},
        {"monthly_limit": 2**31},
        {"model_access": ""},
        {"name": ""},
        {"token": "x y"},
        {"token": ""},
    ],
)
def test_what_makes_no_key_is_refused(wrong: dict[str, Any], backend: Backend, admin: Person, secret: str) -> None:
    response = backend.post(PATH, admin, json={"name": "a", "token": secret, **wrong})

    assert response.status_code in {400, 422}
    assert response.json()["detail"]


def test_changes_are_audited(backend: Backend, admin: Person, secret: str) -> None:
    id = _add(backend, admin, secret)["id"]
    backend("PUT", f"{PATH}/{id}", admin, json={"priority": 2})
    backend("DELETE", f"{PATH}/{id}", admin)

    lines = backend.lines(f'"token_id": {id},', "audit.log")
    assert [line.split(" | ")[2:5] for line in lines] == [
        [str(admin.user.id), operation, "success"] for operation in ("token_create", "token_update", "token_delete")
    ]


def test_others_are_refused_and_that_is_audited(backend: Backend, ann: Person) -> None:
    response = backend.get(PATH, ann, headers={"X-Forwarded-For": "198.51.100.55"})

    assert (response.status_code, response.json()) == (403, {"detail": "Недостаточно прав доступа"})
    assert " - WARNING - " in backend.access(response)
    [line] = backend.lines("198.51.100.55", "audit.log")
    assert f" | WARNING | {ann.user.id} | unauthorized_access | failed | " in line
