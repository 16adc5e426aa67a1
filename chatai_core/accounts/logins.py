"""Logging in with a password: who may, and why somebody may not."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from chatai_core.accounts import passwords
from chatai_core.accounts.users import User, known_form
from chatai_core.adapters.postgres import Database, question
from chatai_core.errors import Unauthenticated

Reason = Literal["user_not_found", "wrong_password", "email_not_confirmed", "user_blocked"]

_ANY_OLD_HASH = "SELECT EXISTS (SELECT 1 FROM users WHERE hashed_password LIKE '$2%%')"
_LOGGED_IN = """
UPDATE users SET last_activity = now(), hashed_password = coalesce(%(rehashed)s, hashed_password)
WHERE id = %(id)s AND hashed_password = %(stored)s
"""


class LoginRefused(Unauthenticated):
    """The address or the password is wrong, or this user may not log in."""

    def __init__(self, reason: Reason, user: User | None = None) -> None:
        """``reason`` is for the audit log; whoever tried learns less."""
        super().__init__()
        self.reason = reason
        self.user = user


@dataclass(frozen=True, slots=True)
class Session:
    """Who logged in, and the hash that their tokens are bound to."""

    user: User
    hashed_password: str


def log_in(database: Database, email: str, password: str) -> Session:
    """Check address and password; an old hash is replaced by argon2id. Raises LoginRefused.

    Blocked and unconfirmed accounts are told so only after the right password.
    """
    found = database.one(_row, question(__file__), email=known_form(email))
    if found is None or not passwords.matches(password, found.hashed_password):
        stored, user = (found.hashed_password, found.user) if found else (None, None)
        old_hashes = bool(database.value(_ANY_OLD_HASH))
        passwords.spend_the_same(password, stored, old_hashes=old_hashes)
        raise LoginRefused("wrong_password" if found else "user_not_found", user)
    if found.user.is_blocked:
        raise LoginRefused("user_blocked", found.user)
    if not (found.user.is_email_confirmed or found.user.is_admin):
        raise LoginRefused("email_not_confirmed", found.user)
    return _entered(database, found, password)


def _entered(database: Database, session: Session, password: str) -> Session:
    stored = session.hashed_password
    rehashed = passwords.hashed(password) if passwords.wants_rehash(stored) else None
    changed = database.execute(_LOGGED_IN, id=session.user.id, stored=stored, rehashed=rehashed)
    # Nothing changed: somebody set another password meanwhile, so this session is bound to the old one and ends.
    return Session(session.user, rehashed or stored) if changed else session


def _row(hashed_password: str, **columns: int | str | bool | datetime | None) -> Session:
    return Session(User(**columns), hashed_password)  # type: ignore[arg-type]
