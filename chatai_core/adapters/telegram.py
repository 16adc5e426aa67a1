"""The Bot API under python-telegram-bot: all bots of a process share one aiohttp session.

Its own HTTP layer opens two TLS contexts for each bot and writes every URL, and so every token, at INFO.
"""

from typing import TYPE_CHECKING, Any, cast

import aiohttp
from telegram._utils.defaultvalue import DefaultValue
from telegram.error import NetworkError, TimedOut
from telegram.ext import ExtBot
from telegram.request import BaseRequest, RequestData

from chatai_core.adapters.http import is_loopback

if TYPE_CHECKING:
    from telegram._utils.types import ODVInput

Session = aiohttp.ClientSession

_CONNECT = 5.0  # seconds
_READ = 10.0  # seconds; a long poll adds its own


def session(api_url: str) -> Session:
    """The session of one process, for any number of bots; proxies of the environment are used but for loopback."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=300), trust_env=not is_loopback(api_url)
    )


class SharedRequest(BaseRequest):
    """Carries one bot's calls over the shared session. Files are not sent."""

    __slots__ = ("_session",)

    def __init__(self, shared: Session) -> None:
        self._session = shared

    @property
    def read_timeout(self) -> float:
        """Seconds to wait for an answer when the call names none."""
        return _READ

    async def initialize(self) -> None:
        """Nothing to open: the session is the process's."""

    async def shutdown(self) -> None:
        """Nothing to close: the session is the process's."""

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: "ODVInput[float]" = BaseRequest.DEFAULT_NONE,
        write_timeout: "ODVInput[float]" = BaseRequest.DEFAULT_NONE,
        connect_timeout: "ODVInput[float]" = BaseRequest.DEFAULT_NONE,
        pool_timeout: "ODVInput[float]" = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """One call; status and body. Raises TimedOut and NetworkError, whose texts hold no URL."""
        read = _READ if isinstance(read_timeout, DefaultValue) or read_timeout is None else read_timeout
        limits = aiohttp.ClientTimeout(total=_CONNECT + read, sock_connect=_CONNECT)
        try:
            async with self._session.request(
                method, url, data=request_data.json_parameters if request_data else None, timeout=limits
            ) as response:
                return response.status, await response.read()
        except TimeoutError:
            raise TimedOut from None
        except aiohttp.ClientConnectorError as error:
            raise NetworkError(f"{error.host}:{error.port}: {error.strerror or 'no connection'}") from None
        except aiohttp.ClientError as error:
            raise NetworkError(type(error).__name__) from None


class Bot(ExtBot[None]):
    """One bot over the shared session."""

    __slots__ = ()

    def __init__(self, token: str, *, api_url: str, shared: Session) -> None:
        """``api_url`` is TELEGRAM_API_URL."""
        base = api_url.rstrip("/")
        super().__init__(
            token,
            base_url=f"{base}/bot",
            base_file_url=f"{base}/file/bot",
            request=SharedRequest(shared),
            get_updates_request=SharedRequest(shared),
        )

    async def initialize(self) -> None:
        """Ask who this bot is. The library's own way puts the token into the text of its error."""
        await self.get_me()

    async def raw_updates(self, *, offset: int | None, timeout: int) -> list[dict[str, Any]]:
        """Poll: updates as they come, so that a strange one spoils only itself; confirms all below ``offset``."""
        data = {"offset": offset, "timeout": timeout, "allowed_updates": ["message"]}
        return cast("list[dict[str, Any]]", await self._post("getUpdates", data, read_timeout=_READ + timeout))
