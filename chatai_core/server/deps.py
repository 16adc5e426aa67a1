"""What a route may ask for: the installation, who is calling, and that they may."""

import hmac
from typing import Annotated

from fastapi import Depends, HTTPException, Path, Request
from fastapi.security import APIKeyHeader, OAuth2PasswordBearer

from chatai_core.accounts import sessions
from chatai_core.accounts.users import User
from chatai_core.errors import Unauthenticated
from chatai_core.installation import Installation
from chatai_core.server import wording
from chatai_core.server.visits import Visit

_bearer = OAuth2PasswordBearer(tokenUrl="/api/login", auto_error=False)
_internal_key = APIKeyHeader(name="X-Chatai-Key", auto_error=False, description="CHATAI_INTERNAL_KEY")

# A number that a row may have: larger ones do not fit the column.
Id = Annotated[int, Path(ge=1, le=2_147_483_647)]


async def installation(request: Request) -> Installation:
    """The installation that this process serves."""
    found: Installation = request.app.state.installation
    return found


async def visit(request: Request) -> Visit:
    """This request's id and client address."""
    found: Visit = request.state.visit
    return found


async def writable(chatai: "Annotated[Installation, Depends(installation)]") -> None:
    """Refuse a change under CHATAI_READONLY. Raises NotPermitted."""
    chatai.must_be_writable()


Chatai = Annotated[Installation, Depends(installation)]
Visiting = Annotated[Visit, Depends(visit)]


def user(chatai: Chatai, visit: Visiting, token: Annotated[str | None, Depends(_bearer)]) -> User:
    """The user whose bearer token came along. Raises Unauthenticated."""
    if not token:
        raise Unauthenticated()
    found = sessions.bearer(chatai.database, token, key=chatai.secret_key)
    visit.user = found.id
    return found


def user_or_system(
    chatai: Chatai,
    visit: Visiting,
    token: Annotated[str | None, Depends(_bearer)],
    key: Annotated[str | None, Depends(_internal_key)],
) -> User | None:
    """The calling user; None for our own processes, which hold the internal key. Raises Unauthenticated."""
    if key is None:
        return user(chatai, visit, token)
    if not hmac.compare_digest(key.encode(), chatai.internal_key.encode()):
        raise Unauthenticated()
    visit.user = "internal"
    return None


Caller = Annotated[User, Depends(user)]
CallerOrSystem = Annotated[User | None, Depends(user_or_system)]


def admin(caller: Caller, visit: Visiting, request: Request) -> User:
    """The calling administrator; everybody else is refused, and the refusal is audited."""
    _require_admin(caller, visit, request)
    return caller


def admin_or_system(caller: CallerOrSystem, visit: Visiting, request: Request) -> User | None:
    """An administrator, or one of our own processes."""
    if caller is not None:
        _require_admin(caller, visit, request)
    return caller


def _require_admin(caller: User, visit: Visit, request: Request) -> None:
    if caller.is_admin:
        return
    visit.audit("unauthorized_access", "failed", path=request.scope["path"])
    raise HTTPException(403, wording.NOT_ALLOWED)


Admin = Annotated[User, Depends(admin)]
AdminOrSystem = Annotated[User | None, Depends(admin_or_system)]
