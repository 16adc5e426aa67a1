import asyncio
from collections.abc import Awaitable, Callable

from chatai_core.bots.lanes import Lanes


def _working(done: list[str], name: str, seconds: float) -> Callable[[], Awaitable[None]]:
    async def work() -> None:
        await asyncio.sleep(seconds)
        done.append(name)

    return work


def test_a_lane_keeps_its_order_while_others_overtake() -> None:
    async def run() -> list[str]:
        done: list[str] = []
        lanes = Lanes(asyncio.Semaphore(10))
        for number, (lane, name, seconds) in enumerate([(1, "a", 0.05), (1, "b", 0), (2, "c", 0)]):
            lanes.put(number, lane, _working(done, name, seconds))
        assert await lanes.finish(5)
        return done

    assert asyncio.run(run()) == ["c", "a", "b"]


def test_no_more_than_allowed_are_worked_on_at_once() -> None:
    async def run() -> int:
        at_once = most = 0

        async def work() -> None:
            nonlocal at_once, most
            at_once += 1
            most = max(most, at_once)
            await asyncio.sleep(0.01)
            at_once -= 1

        lanes = Lanes(asyncio.Semaphore(3))
        for number in range(10):
            lanes.put(number, number, work)
        await lanes.finish(5)
        return most

    assert asyncio.run(run()) == 3


def test_a_failure_does_not_stop_its_lane() -> None:
    async def run() -> list[str]:
        async def fail() -> None:
            raise RuntimeError("a bug")

        done: list[str] = []
        lanes = Lanes(asyncio.Semaphore(1))
        lanes.put(1, 1, fail)
        lanes.put(2, 1, _working(done, "after", 0))
        await lanes.finish(5)
        return done

    assert asyncio.run(run()) == ["after"]


def test_what_is_given_up_counts_as_unanswered() -> None:
    async def run() -> tuple[bool, int | None]:
        lanes = Lanes(asyncio.Semaphore(10))
        lanes.put(7, 1, _working([], "quick", 0))
        lanes.put(8, 2, _working([], "slow", 60))
        return await lanes.finish(0.05), lanes.oldest

    assert asyncio.run(run()) == (False, 8)
