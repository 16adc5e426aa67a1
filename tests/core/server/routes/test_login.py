"""Logging in over HTTP: what is answered, what is audited, how often it may be tried."""

import json
import uuid
from itertools import count
from typing import Any

import bcrypt
import httpx
import pytest

from chatai_core.accounts import limits, users
from tests.servers.backend import PASSWORD, Backend, Person

_hosts = count(1)


@pytest.fixture
def address() -> str:
    """A client's address that no other test tries from."""
    number = next(_hosts)
    return f"198.18.{number // 250}.{number % 250 + 1}"


def _try(backend: Backend, address: str, email: str, password: str) -> httpx.Response:
    return backend.post(
        "/api/login",
        data={"username": email, "password": password},
        headers={"X-Forwarded-For": address, "User-Agent": "test/1"},
    )


def _audited(backend: Backend, address: str) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Level, user, status and details of an address's lines in audit.log, the address being their last word."""
    found = []
    for line in backend.lines(f'"ip_address": "{address}"', "audit.log"):
        _time, level, user, operation, status, rest = line.split(" | ", 5)
        written, _bar, last = rest.rpartition(" | ")
        assert (operation, last) == ("user_login", address) or operation == "rate_limit_exceeded"
        assert json.loads(written)["user_agent"] == "test/1"
        found.append((level, user, status, json.loads(written)["details"]))
    return found


def test_address_and_password_become_a_bearer_token(backend: Backend, ann: Person, address: str) -> None:
    response = _try(backend, address, ann.user.email.upper(), PASSWORD)

    body = response.json()
    assert response.status_code == 200
    assert set(body) == {"access_token", "token_type"}
    assert body["token_type"] == "bearer"
    token = {"Authorization": f"Bearer {body['access_token']}"}
    assert backend.get("/api/dialogs", headers=token).status_code == 200
    assert _audited(backend, address) == [("INFO", str(ann.user.id), "success", {"email": ann.user.email})]
    assert f" user={ann.user.id} " in backend.access(response)


def test_an_unknown_address_and_a_wrong_password_look_the_same(backend: Backend, ann: Person, address: str) -> None:
    nobody = f"{uuid.uuid4().hex}@example.com"
    answers = [_try(backend, address, nobody, PASSWORD), _try(backend, address, ann.user.email, "wrong horse 7")]

    for answer in answers:
        assert answer.status_code == 401
        assert answer.json() == {"detail": "Неверный email или пароль"}
        assert answer.headers["www-authenticate"] == "Bearer"
    assert _audited(backend, address) == [
        ("WARNING", "anonymous", "failed", {"email": nobody, "reason": "user_not_found"}),
        ("WARNING", "anonymous", "failed", {"email": ann.user.email, "reason": "wrong_password"}),
    ]


def test_blocked_and_unconfirmed_users_are_told_so_and_audited(backend: Backend, ann: Person, address: str) -> None:
    email = ann.user.email
    backend.chatai.database.execute("UPDATE users SET is_email_confirmed = false WHERE email = %(email)s", email=email)
    unconfirmed = _try(backend, address, email, PASSWORD)
    users.block(backend.chatai.orm, email)
    blocked = _try(backend, address, email, PASSWORD)

    assert (unconfirmed.status_code, unconfirmed.json()) == (403, {"detail": "Email не подтверждён"})
    assert (blocked.status_code, blocked.json()) == (403, {"detail": "Аккаунт заблокирован"})
    assert [details["reason"] for _level, _user, _status, details in _audited(backend, address)] == [
        "email_not_confirmed",
        "user_blocked",
    ]


def test_the_password_is_in_no_log(backend: Backend, ann: Person, address: str) -> None:
    for password in (PASSWORD, "wrong-Horse-77"):
        _try(backend, address, ann.user.email, password)
        _try(backend, address, f"{password}@example.com", password)

    written = "".join(log.read_text() for log in backend.logs.iterdir())
    assert f": {PASSWORD}" not in written
    assert written.count("wrong-Horse-77") == written.count("wrong-Horse-77@example.com")


def test_an_old_hash_is_replaced(backend: Backend, ann: Person, address: str) -> None:
    old = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    backend.chatai.database.execute(
        "UPDATE users SET hashed_password = %(old)s WHERE id = %(id)s", old=old, id=ann.user.id
    )

    assert _try(backend, address, ann.user.email, PASSWORD).status_code == 200
    assert backend.chatai.database.value(
        "SELECT hashed_password FROM users WHERE id = %(id)s", id=ann.user.id
    ).startswith("$argon2id$")


def test_too_many_attempts_of_one_address_are_refused(backend: Backend, address: str) -> None:
    first = _try(backend, address, "x", "y")
    assert first.status_code == 401
    for _ in range(limits.LOGIN.attempts - 1):
        backend.api.state.limiter.attempt(limits.LOGIN, address)

    refused = _try(backend, address, "x", "y")

    assert refused.status_code == 429
    assert refused.json() == {"detail": "Слишком много попыток. Попробуйте через 5 минут."}
    assert refused.headers["x-ratelimit-limit"] == "100"
    assert refused.headers["x-ratelimit-remaining"] == "0"
    assert 290 < int(refused.headers["retry-after"]) <= 300
    assert int(refused.headers["x-ratelimit-reset"]) > 1_700_000_000
    assert _audited(backend, address)[-1] == ("WARNING", "anonymous", "failed", {"limit": "login"})
    assert _try(backend, "198.51.100.200", "x", "y").status_code == 401


def test_attempts_left_are_told(backend: Backend, ann: Person, address: str) -> None:
    left = [int(_try(backend, address, ann.user.email, PASSWORD).headers["x-ratelimit-remaining"]) for _ in range(3)]

    assert left == [99, 98, 97]
