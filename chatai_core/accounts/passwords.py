"""Passwords: the rule for new ones, argon2id hashes, and the old system's bcrypt hashes while they last."""

import functools
import hmac
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from chatai_core.errors import BadData
from chatai_core.i18n import _

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST, LONGEST = 8, 128
# bcrypt reads 72 bytes; since bcrypt 5 a longer password is refused, while the old system cut it off.
_BCRYPT_BYTES = 72
_BCRYPT_DUMMY = b"$2b$12$abcdefghijklmnopqrstuuyhQP.D4BQP8rGxwIb2ZCrW7CZYkqoPa"
# A hash takes 19 MiB and a core: more at once than there are cores would only cost memory.
_at_once = threading.BoundedSemaphore(max(2, os.cpu_count() or 1))


def require_strong(password: str, *, email: str = "") -> None:
    """Refuse a new password that is too short, too long or too easy to guess. Raises BadData."""
    if not SHORTEST <= len(password) <= LONGEST:
        why = _("It must have {shortest} to {longest} characters.").format(shortest=SHORTEST, longest=LONGEST)
    elif not any(map(str.isalpha, password)) or not any(map(str.isdigit, password)):
        why = _("It must have at least one letter and one digit.")
    elif password.casefold() in _guessed_first() | {email.casefold()}:
        why = _("It is among the first that an attacker tries.")
    else:
        return
    raise BadData(_("This password cannot be taken."), why=why)


def hashed(password: str) -> str:
    """The argon2id hash of a password, as it is stored."""
    with _at_once:
        return _argon2().hash(password)


def matches(password: str, stored: str) -> bool:
    """Whether this is the password behind a stored hash; False for a hash of an unknown kind."""
    from argon2.exceptions import InvalidHashError, VerificationError

    if is_old(stored):
        return _matches_old(password, stored)
    try:
        with _at_once:
            return _argon2().verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def is_old(stored: str) -> bool:
    """Whether a hash is the old system's bcrypt."""
    return stored.startswith(("$2a$", "$2b$", "$2y$"))


def wants_rehash(stored: str) -> bool:
    """Whether a hash is weaker than what ``hashed`` makes now."""
    return is_old(stored) or _argon2().check_needs_rehash(stored)


def spend_the_same(password: str, stored: str | None, *, old_hashes: bool) -> None:
    """Do the work that the failed check of ``stored`` (None: no such user) has not done.

    Every failed login then takes as long as any other, and its time does not tell which addresses exist.
    """
    if stored is None or is_old(stored):
        matches(password, _dummy())
    if old_hashes and (stored is None or not is_old(stored)):
        _matches_old(password, _BCRYPT_DUMMY.decode())


def _matches_old(password: str, stored: str) -> bool:
    import bcrypt  # only installations that were adopted pay for it

    try:
        with _at_once:
            found = bcrypt.hashpw(password.encode()[:_BCRYPT_BYTES], stored.encode())
    except ValueError:
        return False
    return hmac.compare_digest(found, stored.encode())


@functools.cache
def _guessed_first() -> frozenset[str]:
    return frozenset(Path(__file__).with_name("guessed_first.txt").read_text("utf-8").split())


@functools.cache
def _argon2() -> "PasswordHasher":
    from argon2 import PasswordHasher  # 50 ms, cffi

    # OWASP's choice for logins: 19 MiB, two passes, one lane.
    return PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


@functools.cache
def _dummy() -> str:
    return hashed("nobody has this password 0")
