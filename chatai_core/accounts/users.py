"""The people who may log in: who they are, whether they are blocked, and the changes to both."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from chatai_core.accounts import passwords
from chatai_core.adapters.postgres import Database, question
from chatai_core.errors import BadData, Duplicate, NotFound
from chatai_core.i18n import _

if TYPE_CHECKING:
    from chatai_core import models
    from chatai_core.adapters.orm import Orm

_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_EMAIL = re.compile(rf"[^\s@\"(),:;<>\[\\\]\x00-\x1f\x7f]{{1,64}}@{_LABEL}(?:\.{_LABEL})*")


@dataclass(frozen=True, slots=True)
class User:
    """One account; ``role`` is user, operator or admin, ``status`` active or blocked."""

    id: int
    email: str
    role: str
    status: str
    is_email_confirmed: bool
    first_name: str | None
    created_at: datetime
    last_activity: datetime | None

    @property
    def is_admin(self) -> bool:
        """Whether this user may see and change what belongs to others."""
        return self.role == "admin"

    @property
    def is_blocked(self) -> bool:
        """Whether this user is kept out."""
        return self.status == "blocked"


def all(database: Database) -> list[User]:
    """Every user, the oldest first."""
    return database.rows(User, question(__file__), email=None)


def show(database: Database, email: str) -> User:
    """The user with this address, whatever the case of its letters. Raises NotFound."""
    found = database.one(User, question(__file__), email=known_form(email))
    if found is None:
        raise _nobody(email)
    return found


def require_new(database: Database, email: str) -> str:
    """The address as it would be stored, when nobody has it yet. Raises BadData, Duplicate."""
    address = valid(email)
    if database.one(User, question(__file__), email=address) is not None:
        raise _taken(address)
    return address


def add(orm: "Orm", email: str, password: str, *, admin: bool = False) -> User:
    """Make an account; whoever an operator adds needs no confirmation by mail. Raises BadData, Duplicate."""
    from sqlalchemy.exc import IntegrityError

    from chatai_core import models

    address = valid(email)
    passwords.require_strong(password, email=address)
    row = models.User(
        email=address,
        hashed_password=passwords.hashed(password),
        role="admin" if admin else "user",
        is_email_confirmed=True,
    )
    try:
        with orm.session() as session:
            session.add(row)
            session.flush()
            session.refresh(row)
            return _user(row)
    except IntegrityError as error:
        raise _taken(address) from error


def set_password(orm: "Orm", email: str, password: str) -> User:
    """Give a user a new password; every bearer token of the old one ends. Raises NotFound, BadData."""
    passwords.require_strong(password, email=known_form(email))
    new = passwords.hashed(password)
    return _changed(orm, email, lambda row: setattr(row, "hashed_password", new))


def block(orm: "Orm", email: str) -> User:
    """Keep a user out: no login, and the tokens already given are refused. Raises NotFound."""
    return _changed(orm, email, lambda row: setattr(row, "status", "blocked"))


def unblock(orm: "Orm", email: str) -> User:
    """Let a blocked user in again. Raises NotFound."""
    return _changed(orm, email, lambda row: setattr(row, "status", "active"))


def valid(email: str) -> str:
    """The address as it is stored: trimmed, in small letters. Raises BadData when it is none.

    >>> valid(" Ann.Lee@Example.COM ")
    'ann.lee@example.com'
    """
    address = known_form(email)
    local, _at, domain = address.partition("@")
    if (
        not (_EMAIL.fullmatch(address) and address.isprintable())
        or len(address) > 254
        or ".." in local
        or local[:1] == "."
        or local[-1:] == "."
    ):
        raise BadData(
            _("{email} is not an e-mail address.").format(email=repr(email[:254])),
            why=_("It must look like name@example.com."),
        )
    return f"{local}@{domain}"


def known_form(email: str) -> str:
    """The address as it is looked up: Unicode composed, small letters; PostgreSQL takes no NUL, and nobody has one."""
    return unicodedata.normalize("NFC", email.strip()).lower().replace("\0", "\N{REPLACEMENT CHARACTER}")


def _changed(orm: "Orm", email: str, change: "Callable[[models.User], None]") -> User:
    from sqlalchemy import func, select

    from chatai_core import models

    with orm.session() as session:
        where = func.lower(models.User.email) == func.lower(known_form(email))
        row = session.scalars(select(models.User).where(where).with_for_update()).one_or_none()
        if row is None:
            raise _nobody(email)
        change(row)
        return _user(row)


def _user(row: "models.User") -> User:
    return User(
        id=row.id,
        email=row.email,
        role=row.role,
        status=row.status,
        is_email_confirmed=row.is_email_confirmed,
        first_name=row.first_name,
        created_at=row.created_at,
        last_activity=row.last_activity,
    )


def _nobody(email: str) -> NotFound:
    return NotFound(_("There is no user {email}.").format(email=email), hint="chatai users list")


def _taken(email: str) -> Duplicate:
    return Duplicate(_("There is a user {email} already.").format(email=email), hint=f"chatai users show {email}")
