"""Where a request really comes from: X-Forwarded-For is believed only as far as trusted proxies wrote it."""

import functools
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from chatai_core.errors import Misconfigured
from chatai_core.i18n import _

Network = IPv4Network | IPv6Network
NOWHERE = "-"
_REMEMBERED = 256  # characters; a longer X-Forwarded-For is read each time, so that nobody can fill the memory


def networks(setting: str) -> tuple[Network, ...]:
    """The addresses and networks in CHATAI_TRUSTED_PROXIES, separated by commas. Raises Misconfigured."""
    found: list[Network] = []
    for part in filter(None, map(str.strip, setting.split(","))):
        try:
            found.append(ip_network(part, strict=False))
        except ValueError as error:
            raise Misconfigured(
                _("CHATAI_TRUSTED_PROXIES cannot hold {part}.").format(part=repr(part)),
                why=_("It takes addresses and networks: 127.0.0.1, 10.0.0.0/8."),
                hint="chatai config show --origin",
            ) from error
    return tuple(found)


def reader(trusted: Sequence[Network]) -> Callable[[str, str], str]:
    """A function from the peer's address and the X-Forwarded-For header to the client's address."""

    @functools.lru_cache(maxsize=4096)
    def client(peer: str, forwarded: str) -> str:
        nearest = _address(peer)
        if nearest is None:
            return NOWHERE
        for hop in reversed(forwarded.split(",")) if forwarded else ():
            if not any(nearest in network for network in trusted):
                break
            beyond = _address(hop)
            if beyond is None:
                break  # what a proxy did not write, or wrote as "unknown", tells nothing
            nearest = beyond
        return str(nearest)

    def bounded(peer: str, forwarded: str) -> str:
        return client(peer, forwarded) if len(forwarded) <= _REMEMBERED else client.__wrapped__(peer, forwarded)

    return bounded


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """An address as proxies write it: alone, with a port, or in brackets."""
    word = text.strip().strip('"')
    if word.startswith("["):
        word = word[1:].partition("]")[0]
    elif word.count(":") == 1:
        word = word.partition(":")[0]
    try:
        parsed = ip_address(word.partition("%")[0])  # a zone is of no use elsewhere, and may be any text
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return mapped or parsed
