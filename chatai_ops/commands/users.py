"""People who may log in, their tokens and passwords."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from chatai_core.accounts import sessions, users
from chatai_core.accounts.sessions import BearerToken
from chatai_core.accounts.users import User
from chatai_core.i18n import _
from chatai_ops import ask, options
from chatai_ops.app import Commands
from chatai_ops.ask import Planned

if TYPE_CHECKING:
    from chatai_core.installation import Installation

app = Commands(_("People who may log in, their tokens and passwords."))

Email = Annotated[str, typer.Argument(metavar="EMAIL", help=_("The user's e-mail address."))]
Admin = Annotated[bool, typer.Option("--admin", help=_("May see and change what belongs to others."))]


@app.command(name="list", empty=_("There are no users."), examples=["chatai users list"])
def list_(chatai: "Installation") -> list[User]:
    """Every user, the oldest first."""
    return users.all(chatai.database)


@app.command(examples=["chatai users show ann@example.com"])
def show(chatai: "Installation", email: Email) -> User:
    """One user."""
    return users.show(chatai.database, email)


@app.command(
    changes=True,
    examples=["chatai users add ann@example.com --admin", "chatai users add bob@example.com --password-stdin < FILE"],
)
def add(
    chatai: "Installation", email: Email, admin: Admin = False, password_stdin: options.PasswordStdin = False
) -> Planned[User]:
    """Add a user; the password is asked for, or read from standard input."""
    address = users.require_new(chatai.database, email)
    summary = _("{email} becomes an administrator.") if admin else _("{email} becomes a user.")
    password = partial(_password, stdin=password_stdin)
    return ask.change(summary.format(email=address), lambda: users.add(chatai.orm, address, password(), admin=admin))


@app.command(changes=True, examples=["chatai users token ann@example.com --json"])
def token(chatai: "Installation", email: Email) -> Planned[BearerToken]:
    """Issue a bearer token for a user, as the API's login does; the backend need not run."""
    user = users.show(chatai.database, email)
    minutes = chatai.settings.server.token_minutes
    return ask.change(
        _("{email} gets a bearer token for {minutes} minutes.").format(email=user.email, minutes=minutes),
        lambda: sessions.for_operator(chatai.database, user, key=chatai.secret_key, minutes=minutes),
    )


@app.command(changes=True, examples=["chatai users password ann@example.com"])
def password(chatai: "Installation", email: Email, password_stdin: options.PasswordStdin = False) -> Planned[User]:
    """Give a user another password; the tokens given for the old one end."""
    user = users.show(chatai.database, email)
    return ask.change(
        _("{email} gets another password.").format(email=user.email),
        lambda: users.set_password(chatai.orm, user.email, _password(stdin=password_stdin)),
    )


@app.command(changes=True, examples=["chatai users block ann@example.com"])
def block(chatai: "Installation", email: Email) -> Planned[User]:
    """Keep a user out: no login, and no token is good any more; the user's bots stop."""
    user = users.show(chatai.database, email)
    return ask.change(_("{email} is blocked.").format(email=user.email), lambda: users.block(chatai.orm, user.email))


@app.command(changes=True, examples=["chatai users unblock ann@example.com"])
def unblock(chatai: "Installation", email: Email) -> Planned[User]:
    """Let a blocked user in again."""
    user = users.show(chatai.database, email)
    return ask.change(
        _("{email} is let in again.").format(email=user.email), lambda: users.unblock(chatai.orm, user.email)
    )


def _password(*, stdin: bool) -> str:
    return ask.secret(_("Password"), stdin=stdin, option="--password-stdin", repeat=True)
