"""Users: their addresses, who may be added, and the changes an operator makes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatai_core.accounts import logins, users
from chatai_core.accounts.users import User
from chatai_core.adapters.orm import Orm
from chatai_core.adapters.postgres import Database
from chatai_core.errors import BadData, Duplicate, NotFound
from tests.core.accounts.conftest import PASSWORD


def test_an_added_user_is_active_confirmed_and_no_administrator(ann: User, database: Database) -> None:
    found = users.show(database, "ann@example.com")

    assert found == ann
    assert (found.role, found.status, found.is_email_confirmed, found.last_activity) == ("user", "active", True, None)
    assert found.created_at.utcoffset() is not None


def test_the_case_of_an_address_does_not_matter(orm: Orm, database: Database) -> None:
    added = users.add(orm, "  Ann.Lee@Example.COM ", PASSWORD, admin=True)

    assert added.email == "ann.lee@example.com"
    assert added.is_admin
    assert users.show(database, "ANN.LEE@example.com") == added
    with pytest.raises(Duplicate):
        users.add(orm, "aNN.lee@example.com", PASSWORD)
    with pytest.raises(Duplicate):
        users.require_new(database, "aNN.lee@example.com")


def test_an_address_of_the_old_system_is_found_in_whatever_case_it_was_stored(database: Database) -> None:
    database.execute("INSERT INTO users (email, hashed_password) VALUES ('Bob@Example.com', '-')")

    assert users.show(database, "bob@example.COM").email == "Bob@Example.com"


def test_users_are_listed_the_oldest_first(orm: Orm, database: Database) -> None:
    for name in ("c", "a", "b"):
        users.add(orm, f"{name}@example.com", PASSWORD)

    assert [user.email[0] for user in users.all(database)] == ["c", "a", "b"]


def test_a_blocked_user_is_let_in_again(ann: User, orm: Orm, database: Database) -> None:
    assert users.block(orm, "ANN@example.com").is_blocked
    assert users.show(database, ann.email).is_blocked
    assert not users.unblock(orm, ann.email).is_blocked


def test_another_password_replaces_the_old_one(ann: User, orm: Orm, database: Database) -> None:
    users.set_password(orm, ann.email, "battery staple 8")

    with pytest.raises(logins.LoginRefused):
        logins.log_in(database, ann.email, PASSWORD)
    assert logins.log_in(database, ann.email, "battery staple 8").user.id == ann.id


def test_nobody_is_changed_who_is_not_there(orm: Orm) -> None:
    for change in (users.block, users.unblock, lambda orm, email: users.set_password(orm, email, PASSWORD)):
        with pytest.raises(NotFound, match=r"There is no user nobody@example\.com\."):
            change(orm, "nobody@example.com")


@pytest.mark.parametrize(
    "address",
    ["ann@example.com", "a@localhost", "a.b+c_d-e@xn--e1afmkfd.xn--p1ai", "анна@пример.рф", "o'neil@a-b.example"],
)
def test_an_address_is_accepted(address: str) -> None:
    assert users.valid(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ann",
        "@example.com",
        "ann@",
        "ann@@example.com",
        "ann@exa mple.com",
        "ann lee@example.com",
        "ann@-example.com",
        "ann@example..com",
        ".ann@example.com",
        "an..n@example.com",
        "ann@example.com\nBcc: bob@example.com",
        "<ann@example.com>",
        "a" * 65 + "@example.com",
        "ann@" + "a" * 64 + ".com",
        "a@" + "b." * 130 + "com",
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(BadData, match="is not an e-mail address"):
        users.valid(address)


@given(st.text(max_size=80))
def test_whatever_is_typed_is_an_address_or_refused(text: str) -> None:
    try:
        found = users.valid(text)
    except BadData:
        return
    assert users.valid(found) == found
    assert found.isprintable()


def test_a_nul_in_an_address_finds_nobody(database: Database) -> None:
    with pytest.raises(NotFound):
        users.show(database, "ann\0@example.com")
