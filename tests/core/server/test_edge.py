"""What every request gets and leaves, however it ends."""

import re
import socket
import time
from urllib.parse import urlsplit

import httpx
import pytest

from tests.servers.backend import Backend, Person

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def test_a_request_gets_an_id_and_keeps_a_well_formed_one(backend: Backend) -> None:
    assert UUID.fullmatch(backend.get("/livez").headers["x-request-id"])
    for given in ("abc-123", "A.b_c-9", "x" * 64):
        assert backend.get("/livez", headers={"X-Request-ID": given}).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a\tb", "-x", "a,b", "<x>", "é"])
def test_an_ill_formed_id_is_replaced(given: str, backend: Backend) -> None:
    response = backend.get("/livez", headers={"X-Request-ID": given.encode()})

    assert UUID.fullmatch(response.headers["x-request-id"])


@pytest.mark.parametrize("path", ["/livez", "/nothing/here", "/api/dialogs", "/test/broken", "/docs"])
def test_every_answer_carries_the_security_headers(path: str, backend: Backend) -> None:
    headers = backend.get(path).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "server" not in headers
    assert "strict-transport-security" not in headers


def test_only_the_documentation_may_load_scripts(backend: Backend) -> None:
    assert "default-src 'none'" in backend.get("/livez").headers["content-security-policy"]
    page = backend.get("/docs")
    assert page.status_code == 200
    assert "default-src 'none'" not in page.headers["content-security-policy"]


def test_tls_in_front_of_us_is_made_binding(backend: Backend) -> None:
    response = backend.get("/livez", headers={"X-Forwarded-Proto": "https"})

    assert response.headers["strict-transport-security"].startswith("max-age=")


@pytest.mark.parametrize(
    ("method", "path", "status", "level"),
    [
        ("GET", "/livez", 200, "INFO"),
        ("HEAD", "/livez", 200, "INFO"),
        ("GET", "/nothing", 404, "INFO"),
        ("DELETE", "/api/login", 405, "INFO"),
        ("POST", "/api/login", 422, "INFO"),
        ("GET", "/api/dialogs", 401, "WARNING"),
        ("GET", "/test/broken", 500, "ERROR"),
    ],
)
def test_every_request_leaves_one_line(method: str, path: str, status: int, level: str, backend: Backend) -> None:
    response = backend(method, path, headers={"X-Forwarded-For": "203.0.113.9"})

    id = response.headers["x-request-id"]
    assert response.status_code == status
    assert re.fullmatch(
        rf"[\d-]+ [\d:,]+ - api\.access - {level} - {path} {method} {status} "
        rf"user=- ip=203\.0\.113\.9 request_id={id} duration=\d+ms",
        backend.access(response),
    )


def test_the_line_names_the_user(backend: Backend, ann: Person) -> None:
    assert f" user={ann.user.id} " in backend.access(backend.get("/api/dialogs", ann))


def test_the_line_tells_the_duration(backend: Backend) -> None:
    line = backend.access(backend.get("/test/slow?seconds=0.25"))

    assert 250 <= int(line.rpartition("duration=")[2].removesuffix("ms")) < 5000


def test_a_path_cannot_forge_a_line(backend: Backend) -> None:
    response = backend.get("/x%0A2025-09-04 10:00:00,000 - api.access - ERROR - /forged GET 500%20%1b[31m")

    line = backend.access(response)
    assert response.status_code == 404
    assert " GET 404 " in line
    assert "\x1b" not in line
    assert not backend.lines("/forged")[0].startswith("2025-09-04")


def test_the_address_of_an_untrusted_peer_cannot_be_forged(backend: Backend) -> None:
    elsewhere = httpx.HTTPTransport(local_address="127.0.0.2")  # only 127.0.0.1 is a trusted proxy
    with httpx.Client(transport=elsewhere, trust_env=False) as client:
        response = client.get(f"{backend.url}/livez", headers={"X-Forwarded-For": "6.6.6.6"})

    assert " ip=127.0.0.2 " in backend.access(response)


def test_of_what_a_trusted_proxy_forwards_only_its_own_word_counts(backend: Backend) -> None:
    forwarded = [("X-Forwarded-For", "6.6.6.6"), ("X-Forwarded-For", "203.0.113.5, 127.0.0.1")]

    assert " ip=203.0.113.5 " in backend.access(backend.client.get(f"{backend.url}/livez", headers=forwarded))


def test_a_client_that_leaves_before_its_body_is_complete_leaves_a_line(backend: Backend) -> None:
    with _connected(backend) as connection:
        connection.sendall(
            b"POST /test/body HTTP/1.1\r\nHost: x\r\nX-Request-ID: left-early\r\nContent-Length: 100\r\n\r\nhalf"
        )
        time.sleep(0.1)

    assert " INFO - /test/body POST 499 " in backend.access_of("left-early")


def test_a_client_that_leaves_before_the_answer_leaves_a_line(backend: Backend) -> None:
    with _connected(backend) as connection:
        connection.sendall(b"GET /test/slow?seconds=0.3 HTTP/1.1\r\nHost: x\r\nX-Request-ID: left-late\r\n\r\n")
        time.sleep(0.1)

    assert " /test/slow GET " in backend.access_of("left-late")


def test_an_answer_that_breaks_in_the_middle_is_cut_off_and_an_error(backend: Backend) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        backend.get("/test/half", headers={"X-Request-ID": "half-way"})

    assert " - ERROR - /test/half GET 500 " in backend.access_of("half-way")


def _connected(backend: Backend) -> socket.socket:
    parts = urlsplit(backend.url)
    return socket.create_connection((str(parts.hostname), int(parts.port or 0)))
