"""A small HTTP server for processes that already have an event loop (the bot manager)."""

import errno
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
from aiohttp import web

from chatai_core.adapters import processes
from chatai_core.errors import Busy, CannotCreate
from chatai_core.i18n import _


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks: the ``{names}`` of the path, and the headers (found whatever their case)."""

    path: str
    parameters: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What it gets: ``body`` is text as it stands, or anything that becomes JSON."""

    body: Any
    status: int = 200
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Route:
    """Who answers which path."""

    method: str
    path: str
    answer: Callable[[Request], Awaitable[Answer]]


@asynccontextmanager
async def serving(routes: Sequence[Route], *, host: str, port: int) -> AsyncIterator[int]:
    """Answer while the block runs; the port (chosen when 0 was asked). Raises Busy when it is taken."""
    application = web.Application(client_max_size=64 * 1024)
    for route in routes:
        application.router.add_route(route.method, route.path, _adapted(route))
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    try:
        yield await _listen(runner, host, port)
    finally:
        await runner.cleanup()


def _adapted(route: Route) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(asked: web.Request) -> web.Response:
        got = await route.answer(Request(asked.path, dict(asked.match_info), asked.headers))
        body = got.body.encode() if isinstance(got.body, str) else msgspec.json.encode(got.body)
        return web.Response(
            body=body, status=got.status, headers={"Content-Type": got.content_type, "Cache-Control": "no-store"}
        )

    return answer


async def _listen(runner: web.AppRunner, host: str, port: int) -> int:
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise _taken(host, port) from error
        raise CannotCreate(
            _("Nothing can listen on port {port} of {host}.").format(port=port, host=host),
            why=f"{error.strerror or error}.",
        ) from error
    return int(runner.addresses[0][1])


def _taken(host: str, port: int) -> Busy:
    holder = processes.holder(port, host)
    known = (
        _("Process {pid} listens there: {program}.").format(pid=holder.pid, program=holder.program) if holder else ""
    )
    return Busy(
        _("Port {port} of {host} is taken.").format(port=port, host=host),
        why=known or _("Another program listens there, perhaps another user's."),
        hint=f"ps -fp {holder.pid}" if holder else f"ss -ltnp sport = :{port}",
    )
