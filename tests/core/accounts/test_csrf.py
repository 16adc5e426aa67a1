"""CSRF tokens: they verify, for their session, for an hour."""

import hashlib
import hmac

import pytest

from chatai_core.accounts import csrf

KEY = "k" * 64
NOW = 1_756_980_000.0


def test_a_token_is_good_for_its_session_for_an_hour() -> None:
    token = csrf.issue("session", key=KEY, now=NOW)

    assert csrf.is_good(token, "session", key=KEY, now=NOW)
    assert csrf.is_good(token, "session", key=KEY, now=NOW + 3600)
    assert not csrf.is_good(token, "session", key=KEY, now=NOW + 3602)
    assert not csrf.is_good(token, "session", key=KEY, now=NOW - 3600)
    assert not csrf.is_good(token, "other", key=KEY, now=NOW)
    assert not csrf.is_good(token, "session", key="z" * 64, now=NOW)


def test_ten_thousand_tokens_all_verify() -> None:
    sessions = [csrf.new_session() for _ in range(100)]

    assert all(csrf.is_good(csrf.issue(s, key=KEY), s, key=KEY) for s in sessions for _ in range(100))


def test_a_token_signs_session_time_and_noise() -> None:
    moment, noise, signature = csrf.issue("session", key=KEY, now=NOW).split(".")

    secret = hmac.new(KEY.encode(), b"chatai csrf", hashlib.sha256).digest()
    expected = hmac.new(secret, f"session:{moment}:{noise}".encode(), hashlib.sha256).hexdigest()
    assert (moment, signature) == ("1756980000", expected)


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "1.2.3", "1756980000", "²²².x.y", "1756980000.x.подпись"])
def test_what_is_no_token_is_refused(token: str) -> None:
    assert not csrf.is_good(token, "session", key=KEY, now=NOW)


def test_a_token_whose_parts_are_moved_is_refused() -> None:
    moment, noise, signature = csrf.issue("session", key=KEY, now=NOW).split(".")

    assert not csrf.is_good(f"{moment}.{noise}:x.{signature}", "session", key=KEY, now=NOW)
    assert not csrf.is_good(f"{int(moment) + 1}.{noise}.{signature}", "session", key=KEY, now=NOW)
