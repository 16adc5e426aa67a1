"""Refuses changes that another site's page sends with our visitor's cookies."""

from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from chatai_core.accounts import csrf
from chatai_core.server import wording

_CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_EXEMPT = frozenset({"/health", "/metrics", "/docs", "/openapi.json", "/redoc"})


class Csrf:
    """Checks changes that rely on cookies; a header that no other site can set is proof enough."""

    def __init__(self, app: ASGIApp, *, key: str, origins: Collection[str]) -> None:
        self._app = app
        self._key = key
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] in _CHANGING and scope["path"] not in _EXEMPT:
            headers = Headers(scope=scope)
            problem = self._problem(headers) if _relies_on_cookies(headers) else None
            if problem:
                scope["state"]["visit"].audit("csrf_violation", "failed", path=scope["path"], reason=problem)
                await JSONResponse({"detail": problem}, status_code=403)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _problem(self, headers: Mapping[str, str]) -> str | None:
        origin = headers.get("origin")
        if origin and origin not in self._origins and urlsplit(origin).netloc != headers.get("host"):
            return wording.ORIGIN_WRONG
        token = headers.get(csrf.HEADER)
        if not token:
            return wording.CSRF_MISSING
        session = cookie_parser(headers["cookie"]).get(csrf.SESSION_COOKIE)
        good = session and csrf.is_good(token, session, key=self._key)
        return None if good else wording.CSRF_WRONG


def _relies_on_cookies(headers: Mapping[str, str]) -> bool:
    return "cookie" in headers and "authorization" not in headers and "x-chatai-key" not in headers
