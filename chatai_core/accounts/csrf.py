"""CSRF tokens: proof that a request comes from a page that could read our cookie."""

import hashlib
import hmac
import secrets
import time

LIFETIME = 3600  # seconds
COOKIE = "csrftoken"
SESSION_COOKIE = "chatai_session"
HEADER = "X-CSRF-Token"
PARAMETER = "csrf_token"


def new_session() -> str:
    """A name for a browser that has none yet."""
    return secrets.token_urlsafe(24)


def issue(session: str, *, key: str, now: float | None = None) -> str:
    """A token of this session: ``<epoch>.<random>.<HMAC-SHA256 over session:epoch:random>``."""
    moment, noise = str(int(time.time() if now is None else now)), secrets.token_urlsafe(18)
    return f"{moment}.{noise}.{_signature(session, moment, noise, key)}"


def is_good(token: str, session: str, *, key: str, now: float | None = None) -> bool:
    """Whether we made this token for this session within the last hour."""
    moment, _dot, rest = token.partition(".")
    noise, _dot, signature = rest.partition(".")
    if not (moment.isascii() and moment.isdigit() and signature.isascii()):
        return False
    age = (time.time() if now is None else now) - int(moment[:12])
    expected = _signature(session, moment, noise, key)
    return hmac.compare_digest(signature, expected) and -60 <= age <= LIFETIME


def _signature(session: str, moment: str, noise: str, key: str) -> str:
    secret = hmac.new(key.encode(), b"chatai csrf", hashlib.sha256).digest()
    return hmac.new(secret, f"{session}:{moment}:{noise}".encode(), hashlib.sha256).hexdigest()
