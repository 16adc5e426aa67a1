"""Whose address a request has, whatever it says of itself."""

import pytest

from chatai_core.errors import Misconfigured
from chatai_core.server import addresses

TRUSTED = addresses.networks("127.0.0.1, 10.0.0.0/8,,::1")


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.7", "", "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "6.6.6.6, 198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "6.6.6.6, 198.51.100.1, 10.1.2.3", "198.51.100.1"),
        ("127.0.0.1", "10.0.0.9, 10.1.2.3", "10.0.0.9"),
        ("127.0.0.1", "6.6.6.6, unknown, 10.1.2.3", "10.1.2.3"),
        ("127.0.0.1", "6.6.6.6, <script>", "127.0.0.1"),
        ("127.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
        ("127.0.0.1", '"[2001:db8::1]:4711"', "2001:db8::1"),
        ("::1", "2001:db8::1", "2001:db8::1"),
        ("::ffff:127.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "fe80::1%eth0 forged", "fe80::1"),
        ("127.0.0.1", "6.6.6.6, " * 1000 + "198.51.100.1", "198.51.100.1"),
        ("", "198.51.100.1", "-"),
    ],
)
def test_only_what_a_trusted_proxy_wrote_is_believed(peer: str, forwarded: str, client: str) -> None:
    assert addresses.reader(TRUSTED)(peer, forwarded) == client


def test_without_trusted_proxies_nobody_is_believed() -> None:
    assert addresses.reader(())("127.0.0.1", "6.6.6.6") == "127.0.0.1"


def test_a_wrong_network_is_named() -> None:
    with pytest.raises(Misconfigured, match=r"CHATAI_TRUSTED_PROXIES cannot hold '10\.0\.0\.0/99'"):
        addresses.networks("127.0.0.1,10.0.0.0/99")
