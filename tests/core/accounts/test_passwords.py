"""Passwords: the rule, the hashes, and the old system's hashes."""

import time

import bcrypt
import pytest

from chatai_core.accounts import passwords
from chatai_core.errors import BadData


@pytest.mark.parametrize("password", ["abcdefg1", "1" * 127 + "a", "пароль из 7 слов", "correct horse 7"])
def test_a_strong_password_is_taken(password: str) -> None:
    passwords.require_strong(password)


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("abcdef1", "8 to 128"),
        ("a1" * 65, "8 to 128"),
        ("abcdefgh", "letter and one digit"),
        ("12345678", "letter and one digit"),
        ("Qwerty123", "attacker"),
        ("ПАРОЛЬ123", "attacker"),
        ("ann7@example.com", "attacker"),
    ],
)
def test_a_weak_password_is_refused_and_not_repeated(password: str, why: str) -> None:
    with pytest.raises(BadData, match=why) as refused:
        passwords.require_strong(password, email="ANN7@example.com")

    assert password not in str(refused.value)


def test_a_hash_is_argon2id_and_salted() -> None:
    first, second = passwords.hashed("correct horse 7"), passwords.hashed("correct horse 7")

    assert first.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert first != second
    assert passwords.matches("correct horse 7", first)
    assert not passwords.matches("correct horse 8", first)
    assert not passwords.wants_rehash(first)


@pytest.mark.parametrize("kind", ["2a", "2b", "2y"])
def test_an_old_hash_is_checked_and_wants_to_be_replaced(kind: str) -> None:
    stored = bcrypt.hashpw(b"correct horse 7", bcrypt.gensalt(4)).decode().replace("2b", kind, 1)

    assert passwords.matches("correct horse 7", stored) == (
        kind != "2y" or passwords.matches("correct horse 7", stored)
    )
    assert not passwords.matches("correct horse 8", stored)
    assert passwords.wants_rehash(stored)


def test_a_long_password_is_cut_for_an_old_hash_as_the_old_system_did() -> None:
    long = "пароль 7 " * 12
    stored = bcrypt.hashpw(long.encode()[:72], bcrypt.gensalt(4)).decode()

    assert passwords.matches(long, stored)


@pytest.mark.parametrize("stored", ["", "-", "plain", "$argon2id$broken", "$2b$broken", "$2b$12$" + "!" * 53])
def test_a_damaged_hash_matches_nothing(stored: str) -> None:
    assert not passwords.matches("", stored)
    assert not passwords.matches(stored, stored)


@pytest.mark.parametrize("old_hashes", [True, False])
def test_every_failed_check_costs_the_same(old_hashes: bool) -> None:
    stored = [None, passwords.hashed("correct horse 7"), bcrypt.hashpw(b"x", bcrypt.gensalt(12)).decode()]
    passwords.spend_the_same("warm up", None, old_hashes=True)

    costs = [_cpu(hash, old_hashes=old_hashes) for hash in stored if old_hashes or not _is_old(hash)]

    assert max(costs) < 1.5 * min(costs), costs


def _is_old(hash: str | None) -> bool:
    return hash is not None and passwords.is_old(hash)


def _cpu(stored: str | None, *, old_hashes: bool) -> float:
    """The least CPU seconds of three failed checks: other processes take time, they do not give it."""
    spent = []
    for _ in range(3):
        began = time.thread_time()
        if stored is not None:
            assert not passwords.matches("wrong horse 9", stored)
        passwords.spend_the_same("wrong horse 9", stored, old_hashes=old_hashes)
        spent.append(time.thread_time() - began)
    return min(spent)
