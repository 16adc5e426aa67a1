"""The token that a page sends back to show that it is ours."""

from typing import Annotated

from fastapi import APIRouter, Cookie, Response
from pydantic import BaseModel

from chatai_core.accounts import csrf
from chatai_core.server.deps import Chatai, Visiting

router = APIRouter(tags=["accounts"])


class CsrfToken(BaseModel):
    """The token, and where it is sent back."""

    csrf_token: str
    expires_in: int = csrf.LIFETIME
    token_name: str = csrf.PARAMETER
    header_name: str = csrf.HEADER


@router.get("/api/csrf-token")
async def csrf_token(
    chatai: Chatai,
    visit: Visiting,
    response: Response,
    session: Annotated[str | None, Cookie(alias=csrf.SESSION_COOKIE, max_length=128)] = None,
) -> CsrfToken:
    """A token for this browser, good for an hour."""
    secure = visit.over_tls
    if not session:
        session = csrf.new_session()
        response.set_cookie(csrf.SESSION_COOKIE, session, samesite="strict", httponly=True, secure=secure)
    token = csrf.issue(session, key=chatai.secret_key)
    response.set_cookie(csrf.COOKIE, token, max_age=csrf.LIFETIME, samesite="strict", secure=secure)
    return CsrfToken(csrf_token=token)
