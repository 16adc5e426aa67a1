"""The outermost layer: every request gets an id, a client address, safe headers, a line in api.log and a count."""

import logging
import re
import uuid
from collections.abc import Callable

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chatai_core.server.documentation import PAGES
from chatai_core.server.visits import CLIENT_GONE, Visit

logger = logging.getLogger("api.errors")

_REQUEST_ID = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_ALWAYS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
]
_FOR_DATA = [
    *_ALWAYS,
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
]
# The documentation's pages hold a script that starts theirs, and workers.
_FOR_PAGES = [
    *_ALWAYS,
    (
        b"content-security-policy",
        b"default-src 'self' data: 'unsafe-inline'; worker-src blob:; frame-ancestors 'none'",
    ),
]
_OVER_TLS = (b"strict-transport-security", b"max-age=63072000")


class Edge:
    """Wraps the whole application, so that nothing is answered, refused or broken without a trace."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        client: Callable[[str, str], str],
        count: Callable[[str, str, int, float], None],
    ) -> None:
        """``client`` reads an address from peer and X-Forwarded-For; ``count`` takes method, path, status, seconds."""
        self._app = app
        self._client = client
        self._count = count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        visit, extra = self._arrived(scope)

        async def answered(message: Message) -> None:
            if message["type"] == "http.response.start":
                visit.status = message["status"]
                message["headers"] = [*message.get("headers", ()), *extra]
            await send(message)

        try:
            await self._app(scope, receive, answered)
        except ClientDisconnect:
            visit.status = CLIENT_GONE
        except Exception:  # the outermost edge of the server
            visit.status = 500  # also when the first half of an answer is on its way
            logger.exception("%s %s failed, request_id=%s", scope["method"], scope["path"], visit.id)
        finally:
            self._left(scope, visit)

    def _arrived(self, scope: Scope) -> tuple[Visit, list[tuple[bytes, bytes]]]:
        given: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            given[name] = given[name] + b"," + value if name in given else value
        asked = given.get(b"x-request-id", b"")
        peer = scope["client"][0] if scope["client"] else ""
        visit = Visit(
            id=asked.decode() if _REQUEST_ID.fullmatch(asked) else str(uuid.uuid4()),
            ip=self._client(peer, given.get(b"x-forwarded-for", b"").decode("latin-1")),
            agent=given.get(b"user-agent", b"").decode("latin-1"),
            # Whoever makes this up gets a header that browsers ignore outside of TLS.
            over_tls=scope["scheme"] == "https" or given.get(b"x-forwarded-proto") == b"https",
        )
        scope.setdefault("state", {})["visit"] = visit
        base = _FOR_PAGES if scope["path"] in PAGES else _FOR_DATA
        return visit, [*base, (b"x-request-id", visit.id.encode()), *([_OVER_TLS] if visit.over_tls else ())]

    def _left(self, scope: Scope, visit: Visit) -> None:
        visit.leave(scope["path"], scope["method"])
        template = getattr(scope.get("route"), "path", "")
        self._count(scope["method"], template, visit.status or CLIENT_GONE, visit.seconds)
