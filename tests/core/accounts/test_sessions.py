"""Bearer tokens: what they carry, and when they end."""

import time
from datetime import UTC, datetime, timedelta

import jwt
import pytest

from chatai_core.accounts import sessions, users
from chatai_core.accounts.users import User
from chatai_core.adapters.orm import Orm
from chatai_core.adapters.postgres import Database
from chatai_core.errors import Unauthenticated

KEY = "k" * 64


@pytest.fixture
def token(ann: User, database: Database) -> str:
    """A good token of Ann's."""
    return sessions.for_operator(database, ann, key=KEY, minutes=60).token


def test_a_token_carries_the_contracts_claims(ann: User, database: Database) -> None:
    made = sessions.for_operator(database, ann, key=KEY, minutes=60)

    claims = jwt.decode(made.token, KEY, algorithms=["HS256"])
    assert jwt.get_unverified_header(made.token)["alg"] == "HS256"
    assert (claims["sub"], claims["email"]) == (str(ann.id), ann.email)
    assert claims["exp"] - claims["iat"] == 3600
    assert made.expires_at == datetime.fromtimestamp(claims["exp"], UTC)
    assert abs(made.expires_at - datetime.now(UTC) - timedelta(hours=1)) < timedelta(seconds=5)


def test_a_token_names_its_user_as_the_database_knows_them_now(token: str, ann: User, database: Database) -> None:
    database.execute("UPDATE users SET role = 'admin'")

    assert sessions.bearer(database, token, key=KEY).is_admin


def _changed(token: str, **claims: object) -> str:
    return jwt.encode({**jwt.decode(token, KEY, algorithms=["HS256"]), **claims}, KEY, algorithm="HS256")


def test_a_forged_token_is_refused(token: str, database: Database) -> None:
    claims = jwt.decode(token, KEY, algorithms=["HS256"])
    forged = {
        "nothing": "",
        "three words": "x.y.z",
        "cut": token[:-2],
        "other key": jwt.encode(claims, "z" * 64, algorithm="HS256"),
        "unsigned": jwt.encode(claims, None, algorithm="none"),
        "other algorithm": jwt.encode(claims, KEY, algorithm="HS512"),
        "run out": _changed(token, exp=int(time.time()) - 1),
        "no number": _changed(token, sub="1 OR 1=1"),
        "number of nobody": _changed(token, sub="99999999"),
        "number too large": _changed(token, sub="9" * 30),
        "other password": _changed(token, pwd="0" * 12),
        "no end": jwt.encode({"sub": claims["sub"], "pwd": claims["pwd"]}, KEY, algorithm="HS256"),
    }

    for how, text in forged.items():
        with pytest.raises(Unauthenticated):
            sessions.bearer(database, text, key=KEY)
            pytest.fail(how)


def test_a_token_ends_when_its_user_is_blocked_and_lives_again_when_let_in(
    token: str, ann: User, orm: Orm, database: Database
) -> None:
    users.block(orm, ann.email)
    with pytest.raises(Unauthenticated):
        sessions.bearer(database, token, key=KEY)

    users.unblock(orm, ann.email)
    assert sessions.bearer(database, token, key=KEY).id == ann.id


def test_a_token_ends_with_its_password(token: str, ann: User, orm: Orm, database: Database) -> None:
    users.set_password(orm, ann.email, "battery staple 8")

    with pytest.raises(Unauthenticated):
        sessions.bearer(database, token, key=KEY)


def test_a_token_ends_with_its_user(token: str, database: Database) -> None:
    database.execute("DELETE FROM users")

    with pytest.raises(Unauthenticated):
        sessions.bearer(database, token, key=KEY)
