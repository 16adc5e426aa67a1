"""CSRF tokens over HTTP, where the protection is switched on."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.servers.backend import Backend, running


@pytest.fixture(scope="module")
def protected(settings: dict[str, str], logs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """A backend with ENABLE_CSRF_PROTECTION."""
    more = {"ENABLE_CSRF_PROTECTION": "true", "CORS_ORIGINS": "https://app.example.com, https://other.example.com/"}
    with running({**settings, **more}, tmp_path_factory.mktemp("protected"), logs) as backend:
        yield backend


@pytest.fixture
def browser(protected: Backend) -> Iterator[httpx.Client]:
    """A client that keeps cookies."""
    with httpx.Client(base_url=protected.url, trust_env=False) as client:
        yield client


def _login(browser: httpx.Client, **headers: str) -> httpx.Response:
    return browser.post("/api/login", data={"username": "x", "password": "y"}, headers=headers)


def test_the_token_has_the_contracts_shape(browser: httpx.Client) -> None:
    response = browser.get("/api/csrf-token")

    body = response.json()
    assert body.keys() == {"csrf_token", "expires_in", "token_name", "header_name"}
    assert (body["expires_in"], body["token_name"], body["header_name"]) == (3600, "csrf_token", "X-CSRF-Token")
    session, token = sorted(response.headers.get_list("set-cookie"))
    assert token.startswith(f"csrftoken={body['csrf_token']}; Max-Age=3600; ")
    assert "SameSite=strict" in token
    assert "HttpOnly" not in token
    assert "HttpOnly" in session
    assert "SameSite=strict" in session


def test_a_token_of_this_session_lets_a_change_through(browser: httpx.Client) -> None:
    for _ in range(20):
        token = browser.get("/api/csrf-token").json()["csrf_token"]
        assert _login(browser, **{"X-CSRF-Token": token}).status_code == 401  # it reached the login


def test_a_change_with_cookies_and_without_token_is_refused_and_audited(
    browser: httpx.Client, protected: Backend
) -> None:
    browser.get("/api/csrf-token")

    response = _login(browser, **{"X-Forwarded-For": "198.51.100.44"})

    assert (response.status_code, response.json()) == (403, {"detail": "CSRF токен обязателен"})
    [line] = protected.lines("198.51.100.44", "audit.log")
    assert " | WARNING | anonymous | csrf_violation | failed | " in line


def test_a_token_of_another_session_is_refused(browser: httpx.Client, protected: Backend) -> None:
    token = protected.client.get(f"{protected.url}/api/csrf-token").json()["csrf_token"]
    protected.client.cookies.clear()
    browser.get("/api/csrf-token")

    for wrong in (token, "x.y.z", token[:-1]):
        response = _login(browser, **{"X-CSRF-Token": wrong})
        assert (response.status_code, response.json()) == (403, {"detail": "Неверный CSRF токен"})


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://app.example.com", 401),
        ("https://other.example.com", 401),
        ("https://evil.example.com", 403),
        ("null", 403),
    ],
)
def test_the_origin_must_be_ours(origin: str, status: int, browser: httpx.Client) -> None:
    token = browser.get("/api/csrf-token").json()["csrf_token"]

    response = _login(browser, **{"X-CSRF-Token": token, "Origin": origin})

    assert response.status_code == status
    assert status == 401 or response.json() == {"detail": "Неверный Origin header"}


def test_our_own_origin_needs_no_list(browser: httpx.Client, protected: Backend) -> None:
    token = browser.get("/api/csrf-token").json()["csrf_token"]

    assert _login(browser, **{"X-CSRF-Token": token, "Origin": protected.url}).status_code == 401


def test_a_bearer_token_needs_none(browser: httpx.Client, protected: Backend) -> None:
    browser.get("/api/csrf-token")
    ann = protected.person()

    assert browser.post("/api/start-bot/1", headers=ann.headers).status_code == 404


def test_without_cookies_nothing_is_asked(protected: Backend) -> None:
    assert protected.post("/api/login", data={"username": "x", "password": "y"}).status_code == 401


def test_reading_needs_no_token(browser: httpx.Client) -> None:
    browser.get("/api/csrf-token")

    assert browser.get("/api/dialogs").status_code == 401


def test_without_the_setting_nothing_is_asked(backend: Backend) -> None:
    with httpx.Client(base_url=backend.url, trust_env=False) as browser:
        browser.get("/api/csrf-token")
        assert _login(browser).status_code == 401


def test_only_listed_origins_may_read_answers(protected: Backend) -> None:
    ours = protected.get("/livez", headers={"Origin": "https://app.example.com"}).headers
    theirs = protected.get("/livez", headers={"Origin": "https://evil.example.com"}).headers
    asked = {"Origin": "https://evil.example.com", "Access-Control-Request-Method": "POST"}

    assert ours["access-control-allow-origin"] == "https://app.example.com"
    assert "access-control-allow-origin" not in theirs
    assert protected("OPTIONS", "/api/login", headers=asked).status_code == 400
    assert protected("OPTIONS", "/api/login", headers={**asked, "Origin": "https://app.example.com"}).status_code == 200
