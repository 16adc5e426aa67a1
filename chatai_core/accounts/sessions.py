"""Bearer tokens: who the caller is, signed with SECRET_KEY (JWT, HS256), good for a limited time."""

import hashlib
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chatai_core.accounts.users import User
from chatai_core.adapters.postgres import Database, question
from chatai_core.errors import Unauthenticated
from chatai_core.i18n import _

_ALGORITHM = "HS256"
_BEARER = "SELECT hashed_password FROM users WHERE id = %(id)s"


@dataclass(frozen=True, slots=True)
class BearerToken:
    """A token for the header ``Authorization: Bearer …`` and when it ends."""

    token: str
    expires_at: datetime


def issue(user: User, hashed_password: str, *, key: str, minutes: int) -> BearerToken:
    """A token of this user; it ends with its time, with a new password, or when the user is blocked."""
    import jwt  # 40 ms

    now = int(time.time())
    ends = now + minutes * 60
    claims = {
        "sub": str(user.id),
        "email": user.email,
        "iat": now,
        "exp": ends,
        "pwd": _mark(hashed_password),
    }
    return BearerToken(jwt.encode(claims, _signing(key), algorithm=_ALGORITHM), datetime.fromtimestamp(ends, UTC))


def for_operator(database: Database, user: User, *, key: str, minutes: int) -> BearerToken:
    """A token that an operator hands out without knowing the password."""
    return issue(user, str(database.value(_BEARER, id=user.id)), key=key, minutes=minutes)


def bearer(database: Database, token: str, *, key: str) -> User:
    """The user whose token this is, as the database knows them now. Raises Unauthenticated."""
    claims = _verified(token, key)
    found = database.one(_row, question(__file__), id=_number(claims["sub"]))
    if found is None or found[0].is_blocked or claims.get("pwd") != _mark(found[1]):
        raise Unauthenticated(_("This token is no longer good."))
    return found[0]


def _verified(token: str, key: str) -> dict[str, Any]:
    import jwt

    try:
        return jwt.decode(token, _signing(key), algorithms=[_ALGORITHM], options={"require": ["sub", "exp"]})
    except jwt.ExpiredSignatureError as error:
        raise Unauthenticated(_("This token has run out.")) from error
    except jwt.InvalidTokenError as error:
        raise Unauthenticated(_("This token is not valid.")) from error


def _signing(key: str) -> bytes:
    """The key as HMAC pads it anyway; PyJWT would warn of a short one with every token (``config check`` does)."""
    return key.encode().ljust(32, b"\0")


def _number(subject: str) -> int:
    try:
        return int(subject)
    except ValueError as error:
        raise Unauthenticated(_("This token is not valid.")) from error


def _mark(hashed_password: str) -> str:
    """A short mark of the password's hash: a token of another password has another one."""
    return hashlib.sha256(hashed_password.encode()).hexdigest()[:12]


def _row(hashed_password: str, **columns: Any) -> tuple[User, str]:
    return User(**columns), hashed_password
