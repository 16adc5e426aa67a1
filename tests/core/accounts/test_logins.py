"""Logging in: who may, who may not, and what an old hash becomes."""

import bcrypt
import pytest

from chatai_core.accounts import logins, passwords, users
from chatai_core.accounts.users import User
from chatai_core.adapters.orm import Orm
from chatai_core.adapters.postgres import Database
from tests.core.accounts.conftest import PASSWORD


def _refused(database: Database, email: str, password: str) -> tuple[str, int | None]:
    with pytest.raises(logins.LoginRefused) as error:
        logins.log_in(database, email, password)
    return error.value.reason, error.value.user and error.value.user.id


def test_the_right_password_lets_in_whatever_the_case_of_the_address(ann: User, database: Database) -> None:
    session = logins.log_in(database, " ANN@example.com", PASSWORD)

    assert session.user.id == ann.id
    assert users.show(database, ann.email).last_activity is not None


def test_each_refusal_has_its_reason(ann: User, orm: Orm, database: Database) -> None:
    assert _refused(database, "nobody@example.com", PASSWORD) == ("user_not_found", None)
    assert _refused(database, ann.email, PASSWORD + "!") == ("wrong_password", ann.id)
    database.execute("UPDATE users SET is_email_confirmed = false")
    assert _refused(database, ann.email, PASSWORD) == ("email_not_confirmed", ann.id)
    users.block(orm, ann.email)
    assert _refused(database, ann.email, PASSWORD) == ("user_blocked", ann.id)


def test_the_state_of_an_account_is_told_only_after_the_right_password(ann: User, orm: Orm, database: Database) -> None:
    users.block(orm, ann.email)

    assert _refused(database, ann.email, "wrong horse 7") == ("wrong_password", ann.id)


def test_an_administrator_needs_no_confirmation(orm: Orm, database: Database) -> None:
    admin = users.add(orm, "root@example.com", PASSWORD, admin=True)
    database.execute("UPDATE users SET is_email_confirmed = false")

    assert logins.log_in(database, admin.email, PASSWORD).user.id == admin.id


def test_an_old_hash_becomes_argon2id_with_the_first_login(ann: User, database: Database) -> None:
    old = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    database.execute("UPDATE users SET hashed_password = %(old)s", old=old)

    session = logins.log_in(database, ann.email, PASSWORD)

    stored = database.value("SELECT hashed_password FROM users")
    assert stored == session.hashed_password
    assert not passwords.wants_rehash(stored)
    assert logins.log_in(database, ann.email, PASSWORD).hashed_password == stored


def test_a_failed_login_changes_nothing(ann: User, database: Database) -> None:
    before = database.rows(lambda **row: row, "SELECT * FROM users")

    _refused(database, ann.email, "wrong horse 7")

    assert database.rows(lambda **row: row, "SELECT * FROM users") == before


def test_an_odd_address_is_nobody(ann: User, database: Database) -> None:
    for email in ("", "\0", "' OR 1=1 --", "%", "ann@example.com'", f"\0{ann.email}"):
        assert _refused(database, email, PASSWORD) == ("user_not_found", None)
