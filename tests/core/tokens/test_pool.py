"""The pool: who is picked, that limits are exact, and what each outcome means for a key."""

import dataclasses
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from chatai_core.adapters.completions import Blame, Completion, Failed
from chatai_core.adapters.crypto import Cipher
from chatai_core.adapters.orm import Orm
from chatai_core.adapters.postgres import Database
from chatai_core.errors import Unavailable
from chatai_core.settings import Secret
from chatai_core.tokens import keys, pool
from chatai_core.tokens.keys import Key
from chatai_core.tokens.pool import Attempt, Lease, NoKey

MODEL = "gpt-4o-mini"
ANSWER = Completion("Hello", MODEL, 12, 5)
Add = Callable[..., Key]
A_KEY = Key(
    id=1,
    name="main",
    token="sk-…cdef",
    models=[MODEL],
    priority=1,
    daily_usage=0,
    daily_limit=0,
    monthly_usage=0,
    monthly_limit=0,
    is_active=True,
    state="ready",
    error_count=0,
    last_used=None,
    last_error=None,
    ready_at=None,
    reason=None,
    base_url=None,
    notes=None,
    sealed_with="",
)


@pytest.fixture
def add(orm: Orm, cipher: Cipher) -> Add:
    """Add a key by its name."""
    return lambda name, **properties: keys.add(orm, cipher, name, f"sk-{name}-0123456789abcdef", **properties)


def attempt(request_id: str = "r1", number: int = 1) -> Attempt:
    return Attempt(request_id, number, MODEL, 0.25)


def failed(blame: Blame, *, retry_after: float | None = None) -> Failed:
    return Failed(blame, "It failed.", why="HTTP 500.", retry_after=retry_after)


def picked(database: Database, cipher: Cipher, times: int, model: str = MODEL) -> Counter[str]:
    return Counter(pool.pick(database, cipher, model).name for _ in range(times))


def ledger(database: Database) -> list[dict[str, Any]]:
    return database.rows(dict[str, Any], "SELECT * FROM ai_token_usage ORDER BY id")


def test_a_lease_carries_the_key_and_counts_one_request(database: Database, cipher: Cipher, add: Add) -> None:
    key = add("main", base_url="http://127.0.0.1:9/v1")
    lease = pool.pick(database, cipher, MODEL)
    assert (lease.token_id, lease.name, lease.base_url) == (key.id, "main", "http://127.0.0.1:9/v1")
    assert lease.secret.reveal() == "sk-main-0123456789abcdef"
    assert "0123456789" not in repr(lease)
    after = keys.show(database, key.id)
    assert (after.daily_usage, after.monthly_usage) == (1, 1)
    assert after.last_used == lease.reserved_at


def test_the_first_tier_is_used_up_before_the_second(database: Database, cipher: Cipher, add: Add) -> None:
    add("second", priority=2)
    add("first", priority=1, daily_limit=3)
    assert [pool.pick(database, cipher, MODEL).name for _ in range(5)] == ["first"] * 3 + ["second"] * 2


def test_in_a_tier_the_least_used_share_is_next(database: Database, cipher: Cipher, add: Add) -> None:
    add("small", daily_limit=10)
    add("large", daily_limit=30)
    assert picked(database, cipher, 20) == {"small": 5, "large": 15}


def test_equals_are_picked_at_random(database: Database, cipher: Cipher, add: Add) -> None:
    for name in ("one", "two", "three"):
        add(name, daily_limit=0, monthly_limit=0)
    assert len(picked(database, cipher, 60)) == 3


@pytest.mark.parametrize(
    ("models", "model", "serves"),
    [
        (["gpt-4o"], "gpt-4o", True),
        (["gpt-4o"], "gpt-4", False),
        (["gpt-4"], "gpt-4o", False),
        (["gpt-4o"], "GPT-4o", False),
        (["gpt-4o*"], "gpt-4o-mini", True),
        (["gpt-?o"], "gpt-4o", True),
        (["o3", "gpt-4o*"], "o3-mini", False),
        (["*"], "anything", True),
    ],
)
def test_models_are_names_or_patterns_and_never_parts_of_names(models: list[str], model: str, serves: bool) -> None:
    key = dataclasses.replace(A_KEY, models=models)
    assert pool.serves(key, model) is serves


def test_a_key_is_picked_for_its_models_only(database: Database, cipher: Cipher, add: Add) -> None:
    add("main", models=["gpt-4o*"])
    assert pool.pick(database, cipher, "gpt-4o-mini").name == "main"
    with pytest.raises(NoKey, match="can serve o3 now"):
        pool.pick(database, cipher, "o3")


def test_a_used_up_key_is_not_picked_and_says_until_when(database: Database, cipher: Cipher, add: Add) -> None:
    add("main", daily_limit=2)
    assert picked(database, cipher, 2) == {"main": 2}
    with pytest.raises(NoKey) as caught:
        pool.pick(database, cipher, MODEL)
    (blocked,) = caught.value.blocked
    midnight = database.value("SELECT date_trunc('day', now()) + interval '1 day'")
    assert (blocked.name, blocked.why, blocked.until) == ("main", "its limit is used up", midnight)
    assert caught.value.ready_at == midnight
    assert caught.value.why == f"main: its limit is used up until {midnight:%Y-%m-%d} 00:00:00 UTC."
    assert isinstance(caught.value, Unavailable)


def test_every_blocked_key_is_named_with_what_blocks_it(database: Database, orm: Orm, cipher: Cipher, add: Add) -> None:
    keys.update(orm, add("off").id, is_active=False)
    add("other", models=["o3"])
    add("sealed")
    keys.add(orm, Cipher("another installation"), "foreign", "sk-foreign-0123456789abcdef")
    quarantined, cooling = add("bad"), add("tired")
    for key, outcome in ((quarantined, failed(Blame.KEY)), (cooling, failed(Blame.RATE, retry_after=60))):
        pool.settle(database, leased(database, key), attempt(key.name), outcome)
    lease = pool.pick(database, cipher, MODEL)
    with pytest.raises(NoKey) as caught:
        pool.pick(database, cipher, MODEL, without={lease.token_id})
    blocked = {key.name: key.why for key in caught.value.blocked}
    assert blocked == {
        "off": "disabled",
        "sealed": "it was tried and failed",
        "foreign": "its secret was encrypted with another key",
        "bad": "in quarantine, It failed. HTTP 500",
        "tired": "resting",
    }
    assert caught.value.ready_at == keys.show(database, cooling.id).ready_at


def leased(database: Database, key: Key) -> Lease:
    """A lease of this key, whatever the pool would prefer."""
    return Lease(key.id, key.name, Secret("sk-x"), None, database.value("SELECT now()"))


def test_an_empty_pool_names_the_command_that_fills_it(database: Database, cipher: Cipher) -> None:
    with pytest.raises(NoKey) as caught:
        pool.pick(database, cipher, MODEL)
    assert caught.value.hint == "chatai tokens add NAME --token-stdin"
    assert caught.value.ready_at is None


def test_the_key_of_the_environment_comes_last(database: Database, cipher: Cipher, add: Add) -> None:
    env = Secret("sk-env-0123456789")
    add("main", priority=9, daily_limit=1)
    assert pool.pick(database, cipher, MODEL, env=env).name == "main"
    lease = pool.pick(database, cipher, MODEL, env=env)
    assert (lease.token_id, lease.name, lease.secret) == (None, "env", env)
    with pytest.raises(NoKey):
        pool.pick(database, cipher, MODEL, env=env, without={None})


def test_a_damaged_secret_puts_its_key_into_quarantine(database: Database, cipher: Cipher, add: Add) -> None:
    key = add("torn")
    add("whole", priority=2)
    database.execute("UPDATE ai_token_pool SET token = left(token, -4) || 'AAAA' WHERE name = 'torn'")
    assert pool.pick(database, cipher, MODEL).name == "whole"
    after = keys.show(database, key.id)
    assert (after.state, after.reason) == ("quarantined", f"The secret of ai_token_pool:{key.id} is damaged.")


def test_what_is_listed_as_ready_is_what_can_be_picked(database: Database, cipher: Cipher, add: Add) -> None:
    """The state in keys.sql and the condition in reserve.sql say the same of every row."""
    key = add("main", daily_limit=2, monthly_limit=3)
    for case in _rows_of_all_kinds():
        database.execute(f"UPDATE ai_token_pool SET {case}")
        listed = keys.show(database, key.id).state == "ready"
        try:
            pool.pick(database, cipher, MODEL)
            could = True
        except NoKey:
            could = False
        assert could is listed, case


def _rows_of_all_kinds() -> list[str]:
    return [
        f"is_active = {active}, quarantined_at = {quarantined}, cooling_until = {cooling},"
        f" current_daily_usage = {daily}, current_monthly_usage = {monthly}, last_reset_daily = {day},"
        f" last_reset_monthly = {month}, daily_limit = {limit}"
        for active in ("true", "false")
        for quarantined in ("NULL", "now()")
        for cooling in ("NULL", "now() + interval '1 minute'", "now() - interval '1 minute'")
        for daily in (1, 2)
        for monthly in (2, 3)
        for day in ("now()", "now() - interval '1 day'")
        for month in ("now()", "date_trunc('month', now()) - interval '1 day'")
        for limit in (2, 0)
    ]


def test_a_new_day_begins_counting_anew_and_the_month_goes_on(database: Database, cipher: Cipher, add: Add) -> None:
    key = add("main", daily_limit=1)
    pool.pick(database, cipher, MODEL)
    database.execute(
        "UPDATE ai_token_pool SET last_reset_daily = last_reset_daily - interval '1 day',"
        " last_reset_monthly = date_trunc('month', now())"
    )
    pool.pick(database, cipher, MODEL)
    after = keys.show(database, key.id)
    assert (after.daily_usage, after.monthly_usage) == (1, 2)


def test_a_request_that_waited_over_midnight_counts_for_the_new_day(
    database: Database, cipher: Cipher, add: Add
) -> None:
    """Its transaction began yesterday; it must not turn the window back and lose what today has counted."""
    key = add("main", daily_limit=10)
    database.execute(
        "UPDATE ai_token_pool SET last_reset_daily = date_trunc('day', now()) + interval '1 day',"
        " current_daily_usage = 4"
    )
    pool.pick(database, cipher, MODEL)
    row = database.one(dict[str, Any], "SELECT *, now() AS now FROM ai_token_pool WHERE id = %(id)s", id=key.id)
    assert row is not None
    assert row["current_daily_usage"] == 5
    assert row["last_reset_daily"] > row["now"]


HAMMER = """
import sys
from concurrent.futures import ThreadPoolExecutor
from chatai_core.adapters.crypto import Cipher
from chatai_core.adapters.orm import Orm
from chatai_core.adapters.postgres import Database
from chatai_core.settings import Database as Settings
from chatai_core.tokens import pool

orm = Orm(sys.argv[1], Settings())
database, cipher = Database(orm.url, borrow=orm.borrowed), Cipher("a key for tests")

def hammer(_thread):
    leases = 0
    while True:
        try:
            pool.pick(database, cipher, "gpt-4o-mini")
        except pool.NoKey:
            return leases
        leases += 1

with ThreadPoolExecutor(8) as threads:
    print(sum(threads.map(hammer, range(8))))
orm.close()
"""


def test_a_limit_is_exact_for_two_processes_with_eight_threads_each(database: Database, add: Add) -> None:
    key = add("main", daily_limit=100)
    assert sum(_hammered(database.url, processes=2)) == 100
    after = keys.show(database, key.id)
    assert (after.daily_usage, after.monthly_usage, after.state) == (100, 100, "exhausted")


def test_limits_of_several_keys_are_exact_together(database: Database, add: Add) -> None:
    """All keys run out at the same time: whoever finds one used up goes on to the next without waiting for a cycle."""
    limits = {"one": 40, "two": 25, "three": 35}
    for name, limit in limits.items():
        add(name, daily_limit=limit)
    assert sum(_hammered(database.url, processes=2)) == sum(limits.values())
    assert {key.name: key.daily_usage for key in keys.all(database)} == limits


def _hammered(url: str, *, processes: int) -> list[int]:
    started = [
        subprocess.Popen([sys.executable, "-c", HAMMER, url], stdout=subprocess.PIPE, text=True)
        for _ in range(processes)
    ]
    return [int(process.communicate(timeout=60)[0]) for process in started]


def test_a_success_is_one_line_in_the_ledger_and_clears_the_errors(
    database: Database, cipher: Cipher, add: Add
) -> None:
    key = add("main")
    database.execute("UPDATE ai_token_pool SET error_count = 2")
    lease = pool.pick(database, cipher, MODEL)
    assert pool.settle(database, lease, attempt(), ANSWER) is True
    (line,) = ledger(database)
    assert (line["request_id"], line["attempt"], line["token_id"]) == ("r1", 1, key.id)
    assert (line["model_used"], line["request_type"], line["success"]) == (MODEL, "chat", True)
    assert (line["prompt_tokens"], line["completion_tokens"], line["total_tokens"]) == (12, 5, 17)
    assert (line["response_time"], line["error_message"]) == (0.25, None)
    assert line["created_at"] == lease.reserved_at
    assert keys.show(database, key.id).error_count == 0


def test_settling_three_times_charges_once(database: Database, cipher: Cipher, add: Add) -> None:
    key = add("main")
    lease = pool.pick(database, cipher, MODEL)
    outcomes = [pool.settle(database, lease, attempt(), failed(Blame.PROVIDER)) for _ in range(3)]
    assert outcomes == [True, False, False]
    assert len(ledger(database)) == 1
    assert keys.show(database, key.id).error_count == 1


def test_settling_at_once_from_many_threads_charges_once(database: Database, cipher: Cipher, add: Add) -> None:
    key = add("main")
    lease = pool.pick(database, cipher, MODEL)
    with ThreadPoolExecutor(8) as threads:
        settled = threads.map(lambda _: pool.settle(database, lease, attempt(), failed(Blame.PROVIDER)), range(16))
    assert sum(settled) == 1
    assert keys.show(database, key.id).error_count == 1


@pytest.mark.parametrize("blame", [Blame.KEY, Blame.QUOTA])
def test_a_refused_or_empty_key_goes_into_quarantine_with_the_reason(
    database: Database, cipher: Cipher, add: Add, blame: Blame
) -> None:
    key = add("main")
    pool.settle(database, pool.pick(database, cipher, MODEL), attempt(), failed(blame))
    after = keys.show(database, key.id)
    assert (after.state, after.reason, after.error_count) == ("quarantined", "It failed. HTTP 500.", 1)
    assert after.last_error is not None
    with pytest.raises(NoKey, match="in quarantine"):
        pool.pick(database, cipher, MODEL)


def test_a_key_used_too_fast_rests_as_long_as_the_provider_says(database: Database, cipher: Cipher, add: Add) -> None:
    key = add("main")
    lease = pool.pick(database, cipher, MODEL)
    before = database.value("SELECT now()")
    pool.settle(database, lease, attempt(), failed(Blame.RATE, retry_after=42))
    after = keys.show(database, key.id)
    assert after.state == "cooling"
    assert after.ready_at is not None
    assert timedelta(seconds=42) <= after.ready_at - before < timedelta(seconds=47)


def test_a_later_and_shorter_rest_does_not_shorten_an_earlier_one(database: Database, cipher: Cipher, add: Add) -> None:
    key = add("main")
    lease, other = pool.pick(database, cipher, MODEL), pool.pick(database, cipher, MODEL)
    pool.settle(database, lease, attempt("r1"), failed(Blame.RATE, retry_after=60))
    long = keys.show(database, key.id).ready_at
    pool.settle(database, other, attempt("r2"), failed(Blame.RATE, retry_after=1))
    assert keys.show(database, key.id).ready_at == long
    pool.settle(database, other, attempt("r3"), ANSWER)
    assert keys.show(database, key.id).ready_at == long


def test_a_key_pauses_after_three_failures_of_the_provider_in_a_row(
    database: Database, cipher: Cipher, add: Add
) -> None:
    key = add("main")
    outcomes = [failed(Blame.PROVIDER), failed(Blame.PROVIDER), ANSWER, *[failed(Blame.PROVIDER)] * 3]
    states = []
    for number, outcome in enumerate(outcomes):
        pool.settle(database, pool.pick(database, cipher, MODEL), attempt(f"r{number}"), outcome)
        after = keys.show(database, key.id)
        states.append((after.error_count, after.state))
    assert states == [(1, "ready"), (2, "ready"), (0, "ready"), (1, "ready"), (2, "ready"), (3, "cooling")]


@pytest.mark.parametrize("blame", [Blame.REQUEST, Blame.MODEL])
def test_what_is_the_request_s_fault_touches_no_key_s_health(
    database: Database, cipher: Cipher, add: Add, blame: Blame
) -> None:
    key = add("main")
    lease = pool.pick(database, cipher, MODEL)
    before = keys.show(database, key.id)
    pool.settle(database, lease, attempt(), failed(blame))
    assert keys.show(database, key.id) == before
    (line,) = ledger(database)
    assert (line["success"], line["error_message"]) == (False, "It failed. HTTP 500.")


def test_the_environment_s_key_stands_in_the_ledger_without_a_number(database: Database, cipher: Cipher) -> None:
    lease = pool.pick(database, cipher, MODEL, env=Secret("sk-env"))
    assert pool.settle(database, lease, attempt(), ANSWER) is True
    assert [line["token_id"] for line in ledger(database)] == [None]
    assert keys.usage(database)[0].requests == 1


def test_what_was_removed_meanwhile_stays_empty_in_the_ledger(
    database: Database, orm: Orm, cipher: Cipher, add: Add
) -> None:
    lease = pool.pick(database, cipher, MODEL, env=None) if add("main") else None
    assert lease is not None
    assert lease.token_id is not None
    keys.remove(orm, lease.token_id)
    gone = Attempt("r1", 1, MODEL, 0.1, user_id=404, assistant_id=404)
    assert pool.settle(database, lease, gone, ANSWER) is True
    (line,) = ledger(database)
    assert (line["token_id"], line["user_id"], line["assistant_id"]) == (None, None, None)
    assert line["total_tokens"] == 17


def test_an_empty_pool_is_ready(database: Database, cipher: Cipher) -> None:
    assert pool.readiness(database, cipher, env=False) == pool.Readiness(True, 0, 0, "")


def test_a_pool_is_ready_while_some_key_can_work_or_rests_a_moment(
    database: Database, cipher: Cipher, add: Add
) -> None:
    add("main")
    assert pool.readiness(database, cipher, env=False) == pool.Readiness(True, 1, 1, "")
    pool.settle(database, pool.pick(database, cipher, MODEL), attempt(), failed(Blame.RATE, retry_after=9))
    assert pool.readiness(database, cipher, env=False) == pool.Readiness(True, 1, 0, "")


def test_a_pool_of_keys_that_cannot_work_is_not_ready_and_says_why(
    database: Database, orm: Orm, cipher: Cipher, add: Add
) -> None:
    keys.update(orm, add("off").id, is_active=False)
    pool.settle(database, leased(database, add("bad")), attempt(), failed(Blame.KEY))
    ready = pool.readiness(database, cipher, env=False)
    assert ready == pool.Readiness(
        False, 2, 0, "No key can work: off: disabled; bad: in quarantine, It failed. HTTP 500."
    )
    assert pool.readiness(database, cipher, env=True).healthy


def test_keys_of_another_installation_make_no_pool(database: Database, add: Add) -> None:
    add("main")
    ready = pool.readiness(database, Cipher("changed"), env=False)
    assert (ready.healthy, ready.ready) == (False, 0)
    assert "encrypted with another key" in ready.reason
