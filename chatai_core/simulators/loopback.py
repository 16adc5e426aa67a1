"""One HTTP server on the loopback interface, and the form of every control request.

A control request carries its fields in the query or in a JSON object; its answer is JSON. What does not fit the
fields is answered with 400 and a sentence, what does not exist with 404.
"""

import errno
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
from aiohttp import web

from chatai_core import errors
from chatai_core.i18n import _

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Shape = TypeVar("Shape")
Question = Callable[[web.Request, Shape], Awaitable[object]]

_BODY_LIMIT = 16 * 1024 * 1024
_LONGEST_URL = 65536


class Refusal(Exception):
    """A control request that cannot be done: an HTTP status and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """A control request without fields."""


class LocalServer:
    """An HTTP server that starts on a free port unless told which."""

    def __init__(self) -> None:
        self.app = web.Application(client_max_size=_BODY_LIMIT)
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def start(self, port: int = 0, host: str = "127.0.0.1") -> None:
        """Listen; afterwards ``url`` is the address. Raises Busy when the port is taken."""
        self._runner = web.AppRunner(
            self.app,
            access_log=None,
            handler_cancellation=True,  # a client that left must not keep its long poll
            shutdown_timeout=0.2,
            max_line_size=_LONGEST_URL,
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, backlog=4096, reuse_address=True)
        try:
            await site.start()
        except OSError as error:
            await self.stop()
            raise _not_listening(host, port, error) from error
        self.url = f"http://{host}:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Close the port and every connection."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None


def _not_listening(host: str, port: int, error: OSError) -> errors.ChataiError:
    what = _("The simulator cannot listen on {host}:{port}.").format(host=host, port=port)
    hint = _("Choose another port, or 0 for a free one.")
    if error.errno == errno.EADDRINUSE:
        return errors.Busy(what, why=_("Another program has this port."), hint=hint)
    return errors.Unavailable(what, why=error.strerror or str(error), hint=hint)


def control(shape: type[Shape], question: Question[Shape]) -> Handler:
    """Make a request handler of a question: its fields are read into the shape, its result is sent as JSON."""

    async def answer(request: web.Request) -> web.Response:
        try:
            result = await question(request, await _fields(request, shape))
        except Refusal as refusal:
            return json_response({"error": str(refusal)}, status=refusal.status)
        except msgspec.ValidationError as error:
            return json_response({"error": str(error)}, status=400)
        return json_response(result)

    return answer


async def _fields(request: web.Request, shape: type[Shape]) -> Shape:
    try:
        body = msgspec.json.decode(await request.read() or b"{}")
        return msgspec.convert({**request.query, **body}, shape, strict=False)
    except (msgspec.MsgspecError, TypeError) as error:
        raise Refusal(400, str(error)) from error


def json_response(content: object, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """An answer with a JSON body; bytes are taken as JSON already."""
    body = content if isinstance(content, bytes) else msgspec.json.encode(content)
    return web.Response(body=body, status=status, headers=headers, content_type="application/json")


def cut(request: web.Request) -> web.Response:
    """Reset the connection without a word more."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def numbers(request: web.Request, name: str) -> int:
    """The whole number in the path."""
    return int(request.match_info[name])
