"""Heads of requests that are too long, on a real server."""

import re
import socket
from urllib.parse import urlsplit

import pytest

from chatai_core.server import heads
from tests.servers.backend import Backend

LIVEZ = b"GET /livez HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    "head",
    [
        LIVEZ + b"X: " + b"a" * (heads.LONGEST + 1),  # it never ends
        LIVEZ + b"X: " + b"a" * heads.LONGEST + b"\r\n\r\n",
        LIVEZ + b"".join(b"X%d: aaaa\r\n" % number for number in range(10_000)) + b"\r\n",
        b"GET /" + b"a" * heads.LONGEST + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        LIVEZ + b"\r\n" + LIVEZ + b"X: " + b"a" * (5 * heads.LONGEST),  # the second of one connection
    ],
    ids=["endless", "one header", "many headers", "path", "second request"],
)
def test_a_head_that_is_too_long_is_refused(head: bytes, backend: Backend) -> None:
    with _connected(backend) as connection:
        assert b" 200 OK" not in _said(connection, head).rpartition(b"HTTP/1.1")[2]

    assert backend.get("/livez").status_code == 200


def test_the_refusal_says_why(backend: Backend) -> None:
    with _connected(backend) as connection:
        answer = _said(connection, LIVEZ + b"X: " + b"a" * (heads.LONGEST + 1))

    assert answer.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
    assert backend.lines("A request's head is longer than 65536 bytes")


def test_the_end_of_a_body_is_bounded_too(backend: Backend) -> None:
    with _connected(backend) as connection:
        body = b"4\r\nhalf\r\n0\r\nX-Trailer: "
        head = b"POST /test/body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        assert _said(connection, head + body + b"a" * (5 * heads.LONGEST)) == b""


def test_a_long_head_within_the_limit_is_answered(backend: Backend) -> None:
    response = backend.get("/livez", headers={"X": "a" * (heads.LONGEST - 1000)})

    assert response.status_code == 200


def test_many_requests_of_one_connection_do_not_add_up(backend: Backend) -> None:
    with _connected(backend) as connection:
        said = _said(
            connection, (LIVEZ + b"X: " + b"a" * 20_000 + b"\r\n\r\n") * 7 + LIVEZ + b"Connection: close\r\n\r\n"
        )

    assert len(re.findall(rb"HTTP/1\.1 200 OK", said)) == 8


def test_a_body_that_comes_in_pieces_is_no_head(backend: Backend) -> None:
    pieces = iter([b"a" * 900] * 20)

    assert backend.post("/test/body", content=pieces).json() == 18_000


def _connected(backend: Backend) -> socket.socket:
    parts = urlsplit(backend.url)
    return socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=10)


def _said(connection: socket.socket, what: bytes) -> bytes:
    """Everything that is answered until the server closes the connection."""
    answer = b""
    try:
        connection.sendall(what)
        while part := connection.recv(65536):
            answer += part
    except ConnectionError:  # closed with something unread
        pass
    return answer
