"""HTTP of the command line and the core: one client, and its failures in the operator's words.

Errors name the server's address, never the path: a path may hold a bot's token.
"""

import ipaddress
import logging
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from chatai_core.errors import (
    BadData,
    Busy,
    ChataiError,
    Misconfigured,
    NotFound,
    NotPermitted,
    Unauthenticated,
    Unavailable,
)
from chatai_core.i18n import _


class NoAnswer(Unavailable):
    """Nobody answers at the address."""


class Client:
    """Speaks JSON with one server. Close it, or use it in ``with``."""

    def __init__(self, base_url: str, *, headers: Mapping[str, str] | None = None, timeout: float = 5.0) -> None:
        """``timeout`` is in seconds, for connecting and for every silence of the server."""
        logging.getLogger("httpx").setLevel(logging.WARNING)  # at INFO it writes every URL, tokens included
        self.base_url = base_url.rstrip("/")
        self._timeout = timeout
        try:
            self._http = httpx.Client(
                base_url=self.base_url,
                headers=dict(headers or {}),
                timeout=timeout,
                trust_env=not is_loopback(base_url),
                verify=base_url.lower().startswith("https:"),  # else 20 ms for certificates that nobody reads
            )
        except (httpx.InvalidURL, ValueError) as error:
            raise Misconfigured(
                _("{url} is not an address.").format(url=base_url),
                why=f"{error}.",
                hint="chatai config show --origin",
            ) from error

    def get(self, path: str, **query: Any) -> Any:
        """What the server answers, from JSON. Raises NoAnswer, Unavailable, NotFound, NotPermitted, Busy, BadData."""
        return self._asked("GET", path, params=query)

    def post(self, path: str, body: Any = None) -> Any:
        """Send JSON; what the server answers, from JSON. Raises as ``get``."""
        return self._asked("POST", path, json=body)

    def close(self) -> None:
        """End the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _asked(self, method: str, path: str, **what: Any) -> Any:
        try:
            response = self._http.request(method, path, **what)
        except httpx.TimeoutException as error:
            why = _("It was silent for {seconds} seconds.").format(seconds=f"{self._timeout:g}")
            raise self._silent(why) from error
        except httpx.HTTPError as error:
            raise self._silent(f"{str(error) or type(error).__name__}.") from error
        if response.is_success:
            return self._read(response)
        raise self._refused(response)

    def _read(self, response: httpx.Response) -> Any:
        try:
            return response.json()
        except ValueError as error:
            raise BadData(
                _("{url} does not answer as expected.").format(url=self.base_url),
                why=_("What it sends is no JSON. Perhaps another program listens there."),
                hint="chatai config show --origin",
            ) from error

    def _silent(self, why: str) -> NoAnswer:
        return NoAnswer(
            _("{url} does not answer.").format(url=self.base_url), why=why, hint="chatai config show --origin"
        )

    def _refused(self, response: httpx.Response) -> ChataiError:
        """The server's own words, as the kind of error that its status means."""
        try:
            body = response.json()
        except ValueError:
            body = {}
        said = body if isinstance(body, dict) else {}
        what = said.get("detail") or said.get("description") or said.get("message")
        if not isinstance(what, str):
            what = _("{url} refused with status {status}.").format(url=self.base_url, status=response.status_code)
        return kind_of(response.status_code)(what, why=str(said.get("why") or ""), hint=str(said.get("hint") or ""))


_KINDS: Mapping[int, type[ChataiError]] = {
    400: BadData,
    401: Unauthenticated,
    403: NotPermitted,
    404: NotFound,
    409: Busy,
    422: BadData,
    423: Busy,
    429: Busy,
}


def kind_of(status: int) -> type[ChataiError]:
    """The kind of error that an HTTP status (300 and above) means."""
    return _KINDS.get(status, Unavailable if status >= 500 else BadData)


def is_loopback(url: str) -> bool:
    """Whether the address is this machine: then no proxy stands between.

    >>> is_loopback("http://127.0.0.1:3001"), is_loopback("http://[::1]/"), is_loopback("https://api.telegram.org")
    (True, True, False)
    """
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
