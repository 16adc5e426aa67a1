"""The keys of the pool: sealed, masked, checked, and with the usage of the window that it is now."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from chatai_core.adapters.crypto import Cipher
from chatai_core.adapters.orm import Orm
from chatai_core.adapters.postgres import Database
from chatai_core.errors import BadData, ChataiError, Duplicate, Misused, NotFound
from chatai_core.settings import Database as Settings
from chatai_core.tokens import keys

TOKEN = "sk-proj-abcdefghijklmnopqrstuvwxyz123456"


@pytest.fixture
def unreachable() -> Orm:
    """A database that is never asked: what makes no sense is refused before."""
    return Orm("postgresql://127.0.0.1:1/none", Settings())


@contextmanager
def refused(kind: type[ChataiError]) -> Iterator[pytest.ExceptionInfo[ChataiError]]:
    """The block fails with this kind of error, which does not tell the token."""
    with pytest.raises(kind) as caught:
        yield caught
    error = caught.value
    assert error.what.endswith(".")
    assert TOKEN not in f"{error!r} {error} {error.why} {error.hint}"


def sql(database: Database, text: str, **parameters: Any) -> None:
    database.execute(text, **parameters)


def test_an_added_key_is_listed_with_its_token_masked(orm: Orm, database: Database, cipher: Cipher) -> None:
    key = keys.add(orm, cipher, "main", TOKEN)
    assert keys.all(database) == [key] == [keys.show(database, key.id)]
    assert (key.name, key.token, key.models) == ("main", "sk-…3456", ["gpt-4o", "gpt-4o-mini"])
    assert (key.priority, key.daily_limit, key.monthly_limit) == (1, 10_000, 300_000)
    assert (key.daily_usage, key.monthly_usage, key.state, key.is_active) == (0, 0, "ready", True)
    assert (key.error_count, key.last_used, key.last_error, key.ready_at) == (0, None, None, None)


def test_the_token_is_stored_sealed_for_its_row(orm: Orm, database: Database, cipher: Cipher) -> None:
    key = keys.add(orm, cipher, "main", TOKEN)
    row = database.one(dict[str, Any], "SELECT ai_token_pool::text AS stored, token FROM ai_token_pool")
    assert row is not None
    assert TOKEN not in row["stored"]
    assert cipher.open(row["token"], row=f"ai_token_pool:{key.id}") == TOKEN
    assert key.sealed_with == cipher.key_id
    with pytest.raises(BadData):
        cipher.open(row["token"], row=f"ai_token_pool:{key.id + 1}")


def test_the_same_key_is_taken_once(orm: Orm, database: Database, cipher: Cipher) -> None:
    first = keys.add(orm, cipher, "main", TOKEN)
    with refused(Duplicate) as error:
        keys.add(orm, cipher, "again", TOKEN)
    assert "as main" in error.value.what
    assert error.value.hint == f"chatai tokens show {first.id}"
    assert len(keys.all(database)) == 1


@pytest.mark.parametrize(
    "token", ["", "sk-short", "sk-with blank-abcdefghijkl", "sk-line\nend-abcdefghijkl", "sk-ключ-abcdefghijklmn"]
)
def test_what_cannot_be_a_key_is_refused(unreachable: Orm, cipher: Cipher, token: str) -> None:
    with refused(BadData):
        keys.add(unreachable, cipher, "main", token)


@pytest.mark.parametrize(
    "properties",
    [
        {"priority": 0},
        {"priority": -1},
        {"daily_limit": -1},
        {"monthly_limit": -5},
        {"daily_limit": 2**31},
        {"models": []},
        {"models": [" ", ""]},
        {"models": ["gpt 4o"]},
        {"base_url": "api.openai.com"},
        {"base_url": "ftp://api.openai.com/v1"},
        {"base_url": "https://a b.example/v1"},
        {"base_url": "http://ann:secret@127.0.0.1/v1"},
        {"base_url": "http://[::1/v1"},
        {"base_url": "http://localhost:99999/v1"},
    ],
    ids=str,
)
def test_properties_that_make_no_sense_are_refused(
    unreachable: Orm, cipher: Cipher, properties: dict[str, Any]
) -> None:
    with refused(Misused):
        keys.add(unreachable, cipher, "main", TOKEN, **properties)
    with refused(Misused):
        keys.update(unreachable, 1, **properties)


@pytest.mark.parametrize("name", ["", "  ", "two\nlines"])
def test_a_key_needs_a_name_of_one_line(unreachable: Orm, cipher: Cipher, name: str) -> None:
    with refused(Misused):
        keys.add(unreachable, cipher, name, TOKEN)


def test_what_is_said_of_a_key_is_kept(orm: Orm, cipher: Cipher) -> None:
    key = keys.add(
        orm,
        cipher,
        " резерв ",
        TOKEN,
        models=[" gpt-4o* ", "o3", "o3"],
        priority=3,
        daily_limit=0,
        monthly_limit=7,
        base_url="http://127.0.0.1:9/v1/",
        notes="paid\0 by Ann \ud83d",
    )
    assert (key.name, key.models, key.priority) == ("резерв", ["gpt-4o*", "o3"], 3)
    assert (key.daily_limit, key.monthly_limit) == (0, 7)
    assert (key.base_url, key.notes) == ("http://127.0.0.1:9/v1", "paid by Ann ?")


def test_an_update_changes_only_what_was_said(orm: Orm, database: Database, cipher: Cipher) -> None:
    before = keys.add(orm, cipher, "main", TOKEN, notes="old", base_url="http://127.0.0.1:9/v1")
    after = keys.update(orm, before.id, name="first", daily_limit=5, base_url="")
    assert (after.name, after.daily_limit, after.base_url, after.notes) == ("first", 5, None, "old")
    assert keys.show(database, before.id) == after
    with refused(Misused):
        keys.update(orm, before.id)


def test_an_unknown_key_is_not_found(orm: Orm, database: Database) -> None:
    for ask in (
        lambda: keys.show(database, 77),
        lambda: keys.usage(database, 77),
        lambda: keys.update(orm, 77, priority=2),
        lambda: keys.remove(orm, 77),
    ):
        with pytest.raises(NotFound, match="no key 77") as caught:
            ask()
        assert caught.value.hint == "chatai tokens list"


def test_the_usage_of_a_removed_key_stays(orm: Orm, database: Database, cipher: Cipher) -> None:
    key = keys.add(orm, cipher, "main", TOKEN)
    sql(database, "INSERT INTO ai_token_usage (request_id, token_id, model_used) VALUES ('r', %(id)s, 'm')", id=key.id)
    assert keys.remove(orm, key.id) == key
    assert keys.all(database) == []
    assert database.value("SELECT token_id IS NULL FROM ai_token_usage") is True


def test_after_midnight_nothing_is_used_although_no_request_came(orm: Orm, database: Database, cipher: Cipher) -> None:
    key = keys.add(orm, cipher, "main", TOKEN, daily_limit=10, monthly_limit=1000)
    sql(database, "UPDATE ai_token_pool SET current_daily_usage = 10, current_monthly_usage = 10")
    today = keys.show(database, key.id)
    assert (today.daily_usage, today.monthly_usage, today.state) == (10, 10, "exhausted")
    assert today.ready_at == database.value("SELECT date_trunc('day', now()) + interval '1 day'")
    sql(database, "UPDATE ai_token_pool SET last_reset_daily = date_trunc('day', now()) - interval '1 second'")
    tomorrow = keys.show(database, key.id)
    assert (tomorrow.daily_usage, tomorrow.monthly_usage, tomorrow.state) == (0, 10, "ready")
    assert keys.stats(database)[0].daily_usage == 0
    sql(database, "UPDATE ai_token_pool SET last_reset_monthly = date_trunc('month', now()) - interval '1 second'")
    assert keys.show(database, key.id).monthly_usage == 0


def test_a_used_up_month_ends_with_the_month(orm: Orm, database: Database, cipher: Cipher) -> None:
    key = keys.add(orm, cipher, "main", TOKEN, daily_limit=1, monthly_limit=1)
    sql(database, "UPDATE ai_token_pool SET current_daily_usage = 1, current_monthly_usage = 1")
    next_month = database.value("SELECT date_trunc('month', now()) + interval '1 month'")
    assert keys.show(database, key.id).ready_at == next_month


def test_a_limit_of_zero_is_no_limit(orm: Orm, database: Database, cipher: Cipher) -> None:
    key = keys.add(orm, cipher, "main", TOKEN, daily_limit=0, monthly_limit=0)
    sql(database, "UPDATE ai_token_pool SET current_daily_usage = 1000000, current_monthly_usage = 1000000")
    assert keys.show(database, key.id).state == "ready"


def test_a_state_is_the_gravest_that_holds(orm: Orm, database: Database, cipher: Cipher) -> None:
    key = keys.add(orm, cipher, "main", TOKEN, daily_limit=1)
    for change, state in (
        ("cooling_until = now() + interval '1 minute'", "cooling"),
        ("current_daily_usage = 1", "exhausted"),
        ("quarantined_at = now(), quarantine_reason = 'refused'", "quarantined"),
        ("is_active = false", "disabled"),
    ):
        sql(database, f"UPDATE ai_token_pool SET {change}")
        assert keys.show(database, key.id).state == state


def test_enabling_ends_quarantine_and_rest(orm: Orm, database: Database, cipher: Cipher) -> None:
    key = keys.add(orm, cipher, "main", TOKEN)
    sql(
        database,
        "UPDATE ai_token_pool SET quarantined_at = now(), quarantine_reason = 'refused', error_count = 4,"
        " cooling_until = now() + interval '1 hour'",
    )
    assert keys.show(database, key.id).reason == "refused"
    assert keys.update(orm, key.id, is_active=False).state == "disabled"
    enabled = keys.update(orm, key.id, is_active=True)
    assert (enabled.state, enabled.error_count, enabled.reason) == ("ready", 0, None)


def test_usage_counts_the_last_thirty_days_by_day(orm: Orm, database: Database, cipher: Cipher) -> None:
    key = keys.add(orm, cipher, "main", TOKEN)
    insert = (
        "INSERT INTO ai_token_usage (request_id, token_id, model_used, total_tokens, response_time, success,"
        " created_at) VALUES (%(request)s, %(id)s, 'm', %(tokens)s, %(seconds)s, %(success)s,"
        " now() - %(days)s * interval '1 day')"
    )
    for number, (days, tokens, seconds, success) in enumerate(
        [(0, 10, 1.0, True), (0, 20, 2.0, True), (0, 0, 0.333, False), (1, 5, 0.5, True), (40, 9, 1.0, True)]
    ):
        sql(
            database,
            insert,
            request=f"r{number}",
            id=key.id,
            tokens=tokens,
            seconds=seconds,
            success=success,
            days=days,
        )
    sql(database, insert, request="env", id=None, tokens=7, seconds=1.0, success=True, days=0)
    yesterday, today = keys.usage(database, key.id)
    assert (yesterday.requests, yesterday.tokens, yesterday.success_rate) == (1, 5, 100.0)
    assert (today.requests, today.tokens, today.avg_response_time) == (3, 30, 1.11)
    assert (today.successful_requests, today.failed_requests, today.success_rate) == (2, 1, 66.7)
    assert today.date == database.value("SELECT now()::date")
    assert keys.usage(database)[-1].requests == 4
    assert keys.stats(database)[0].total_requests == 5
    assert keys.stats(database)[0].avg_response_time == 0.967


def test_listing_keys_imports_neither_sqlalchemy_nor_cryptography(orm: Orm, database: Database, cipher: Cipher) -> None:
    keys.add(orm, cipher, "main", TOKEN)
    program = (
        "import sys\n"
        "from chatai_core.adapters.postgres import Database\n"
        "from chatai_core.tokens import keys\n"
        "assert len(keys.all(Database(sys.argv[1]))) == 1\n"
        "print(sorted({'sqlalchemy', 'cryptography', 'openai', 'asyncio'} & set(sys.modules)))\n"
    )
    ran = subprocess.run([sys.executable, "-c", program, database.url], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
