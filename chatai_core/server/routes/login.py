"""Logging in."""

import math
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from fastapi.security import OAuth2PasswordRequestForm
from pydantic import BaseModel

from chatai_core.accounts import limits, logins, sessions
from chatai_core.accounts.logins import LoginRefused
from chatai_core.server import wording
from chatai_core.server.deps import Chatai, Visiting
from chatai_core.server.visits import Visit

router = APIRouter(tags=["accounts"])

_ANSWERS = {
    "user_not_found": (401, wording.WRONG_LOGIN),
    "wrong_password": (401, wording.WRONG_LOGIN),
    "user_blocked": (403, wording.BLOCKED),
    "email_not_confirmed": (403, wording.NOT_CONFIRMED),
}


class Bearer(BaseModel):
    """The token for the header ``Authorization``."""

    access_token: str
    token_type: str = "bearer"  # noqa: S105  no password


@router.post("/api/login", responses={401: {}, 403: {}, 429: {}})
def login(
    request: Request,
    response: Response,
    chatai: Chatai,
    visit: Visiting,
    form: Annotated[OAuth2PasswordRequestForm, Depends()],
) -> Bearer:
    """Exchange e-mail address and password for a bearer token."""
    left = _limited(request.app.state.limiter, visit)
    response.headers.update(left)
    try:
        session = logins.log_in(chatai.database, form.username, form.password)
    except LoginRefused as refused:
        raise _refusal(refused, form.username, visit, left) from refused
    visit.user = session.user.id
    visit.audit("user_login", email=session.user.email)
    made = sessions.issue(
        session.user,
        session.hashed_password,
        key=chatai.secret_key,
        minutes=chatai.settings.server.token_minutes,
    )
    return Bearer(access_token=made.token)


def _limited(limiter: limits.Limiter, visit: Visit) -> dict[str, str]:
    """The headers that say how many attempts are left. Raises 429, audited, when there is none."""
    verdict = limiter.attempt(limits.LOGIN, limits.network_of(visit.ip))
    wait = max(1, math.ceil(verdict.reset_after))
    headers = {
        "X-RateLimit-Limit": str(verdict.limit),
        "X-RateLimit-Remaining": str(verdict.remaining),
        "X-RateLimit-Reset": str(verdict.reset_at),
    }
    if verdict.allowed:
        return headers
    visit.audit("rate_limit_exceeded", "failed", limit=limits.LOGIN.name)
    minutes = math.ceil(wait / 60)
    raise HTTPException(429, wording.TOO_MANY.format(minutes=minutes), headers={**headers, "Retry-After": str(wait)})


def _refusal(refused: LoginRefused, email: str, visit: Visit, left: dict[str, str]) -> HTTPException:
    visit.audit("user_login", "failed", email=email[:254], reason=refused.reason)
    status, sentence = _ANSWERS[refused.reason]
    return HTTPException(
        status, sentence, headers={**left, **({"WWW-Authenticate": "Bearer"} if status == 401 else {})}
    )
