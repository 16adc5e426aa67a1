"""How an error is answered over HTTP: its status, and as much of its sentence as a client may read."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from chatai_core import errors
from chatai_core.errors import ChataiError
from chatai_core.i18n import _

logger = logging.getLogger("api.errors")

STATUSES: dict[type[ChataiError], int] = {
    errors.ChataiError: 500,
    errors.Misused: 400,
    errors.BadData: 400,
    errors.Duplicate: 409,
    errors.NotFound: 404,
    errors.DatabaseMissing: 503,
    errors.Unavailable: 503,
    errors.CannotCreate: 503,
    errors.Busy: 503,
    errors.ServerFull: 503,
    errors.NotPermitted: 403,
    errors.Unauthenticated: 401,
    errors.AccessRefused: 503,
    errors.Misconfigured: 503,
    errors.Declined: 409,
    errors.Interrupted: 409,
    errors.ProgramFailed: 502,
}
_HEADERS = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "5"}}


def status_of(error: ChataiError) -> int:
    """The status of the error's nearest kind."""
    return next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)


def install(app: FastAPI) -> None:
    """Answer our errors and refused input in one shape, ``{"detail": …}``, and bugs in another."""
    app.add_exception_handler(ChataiError, _ours)
    app.add_exception_handler(RequestValidationError, _not_understood)
    app.add_exception_handler(Exception, _bug)


@contextmanager
def missing_is(sentence: str) -> Iterator[None]:
    """Answer 404 with the old API's sentence when there is no such thing."""
    try:
        yield
    except errors.DatabaseMissing:
        raise
    except errors.NotFound as error:
        raise HTTPException(404, sentence) from error


async def _ours(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ChataiError)
    status = status_of(error)
    if status >= 500:
        path, id = request.scope["path"], request.state.visit.id
        logger.error("%s %s: %s request_id=%s", request.method, path, error, id)
    return JSONResponse({"detail": _readable(error, status)}, status_code=status, headers=_HEADERS.get(status))


def _readable(error: ChataiError, status: int) -> str:
    """The sentence for a client: no addresses of servers, nothing that a database said."""
    if status >= 500:
        return type(error)().what
    return str(error) if error.__cause__ is None else error.what


async def _not_understood(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    # Without what was sent: it may be a password.
    detail = [{"loc": e["loc"], "msg": e["msg"], "type": e["type"]} for e in error.errors()]
    return JSONResponse({"detail": detail}, status_code=422)


async def _bug(request: Request, _error: Exception) -> JSONResponse:
    """What a bug is answered with; the edge writes its traceback to api.log, under the same id."""
    return JSONResponse(
        {
            "error": "INTERNAL_ERROR",
            "message": _("Something went wrong on our side."),
            "request_id": request.state.visit.id,
            "timestamp": datetime.now(UTC).isoformat(),
        },
        status_code=500,
    )
