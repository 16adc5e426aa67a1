"""The port: taken before anything else, and its holder named."""

import os
import socket

import pytest

from chatai_core.errors import Busy, Misconfigured
from chatai_core.server import listening


def test_a_taken_port_names_its_holder_and_the_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(Busy, match=f"Port {port} of 127.0.0.1 is taken.") as error:
            listening.listen("127.0.0.1", port)

    assert f"Process {os.getpid()} listens there: " in error.value.why
    assert error.value.hint == f"chatai serve --port {port + 1}"


def test_whoever_connects_early_waits() -> None:
    with listening.listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _address = listener.accept()
        accepted.close()


def test_a_port_is_free_again_at_once() -> None:
    with listening.listen("127.0.0.1", 0) as listener:
        address = listener.getsockname()
        with socket.create_connection(address) as client:
            accepted, _address = listener.accept()
            accepted.close()
            client.recv(1)
    listening.listen(*address).close()


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:"),
        ("localhost", "http://"),
        ("0.0.0.0", "http://127.0.0.1:"),
        ("::", "http://[::1]:"),
    ],
)
def test_the_address_is_shown_as_it_is_reached_from_here(host: str, url: str) -> None:
    with listening.listen(host, 0) as listener:
        assert listening.url_of(listener).startswith(url)


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host", "host.invalid"])
def test_what_is_no_address_of_this_machine_is_refused(host: str) -> None:
    with pytest.raises(Misconfigured, match="is no address of this machine"):
        listening.listen(host, 0)
