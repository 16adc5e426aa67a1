"""Request limits: one window for all processes, and what happens while Redis is away."""

import logging
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from chatai_core.accounts import limits
from chatai_core.accounts.limits import Limit, Limiter
from chatai_core.adapters.redis import Redis

THREE = Limit("three", 3, 60)


@pytest.fixture
def redis(redis_url: str) -> Redis:
    """An empty Redis."""
    return Redis(redis_url)


def _nowhere() -> Redis:
    return Redis("redis://127.0.0.1:1/0")


def test_attempts_are_counted_down_and_then_refused(redis: Redis) -> None:
    limiter = Limiter(lambda: redis)

    verdicts = [limiter.attempt(THREE, "203.0.113.7") for _ in range(5)]

    assert [verdict.remaining for verdict in verdicts] == [2, 1, 0, 0, 0]
    assert [verdict.allowed for verdict in verdicts] == [True, True, True, False, False]
    assert all(58 < verdict.reset_after <= 60 for verdict in verdicts)
    assert abs(verdicts[0].reset_at - time.time() - 60) < 3


def test_everybody_has_their_own_window(redis: Redis) -> None:
    limiter = Limiter(lambda: redis)
    for _ in range(4):
        limiter.attempt(THREE, "a")

    assert limiter.attempt(THREE, "b").remaining == 2
    assert limiter.attempt(Limit("other", 3, 60), "a").remaining == 2


def test_the_window_slides_and_refused_attempts_do_not_prolong_it(redis: Redis) -> None:
    limiter, limit = Limiter(lambda: redis), Limit("short", 2, 1)
    limiter.attempt(limit, "a")
    time.sleep(0.6)
    limiter.attempt(limit, "a")
    assert not limiter.attempt(limit, "a").allowed

    time.sleep(0.5)  # the first has left, the second has not
    assert limiter.attempt(limit, "a").allowed
    assert not limiter.attempt(limit, "a").allowed


def test_two_processes_count_together_and_at_the_same_moment(redis: Redis) -> None:
    limiters, limit = [Limiter(lambda: redis), Limiter(lambda: redis)], Limit("many", 50, 60)

    with ThreadPoolExecutor(8) as pool:
        verdicts = list(pool.map(lambda number: limiters[number % 2].attempt(limit, "a").allowed, range(120)))

    assert sum(verdicts) == 50


def test_a_window_leaves_nothing_behind(redis: Redis) -> None:
    Limiter(lambda: redis).attempt(THREE, "a")

    [key] = redis.client.keys()
    assert key == "chatai:limit:three:a"
    assert 0 < redis.client.pttl(key) <= 60_000


def test_without_redis_this_process_counts_and_does_not_wait(caplog: pytest.LogCaptureFixture) -> None:
    limiter = Limiter(_nowhere)
    began = time.monotonic()

    with caplog.at_level(logging.WARNING):
        verdicts = [limiter.attempt(THREE, "a") for _ in range(200)]

    assert [verdict.allowed for verdict in verdicts[:5]] == [True, True, True, False, False]
    assert time.monotonic() - began < 1
    assert len(caplog.records) == 1


def test_windows_of_this_process_end_and_are_bounded() -> None:
    limiter, limit = Limiter(_nowhere), Limit("short", 1, 1)
    assert limiter.attempt(limit, "a").allowed
    assert not limiter.attempt(limit, "a").allowed
    time.sleep(1.05)
    assert limiter.attempt(limit, "a").allowed

    own = limits.OwnWindows()
    for number in range(limits.MOST_KEYS + 100):
        own.attempt(THREE, str(number))
    assert len(own) <= limits.MOST_KEYS


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("-", "-"),
    ],
)
def test_an_attacker_has_a_whole_network_of_ipv6(address: str, network: str) -> None:
    assert limits.network_of(address) == network
