"""Waiting for something to happen in the same event loop, without asking again and again."""

import asyncio
from collections.abc import Callable


class Bell:
    """Wakes everybody who waits for a change."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    def ring(self) -> None:
        """Let all who wait look again."""
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)
        self._waiting.clear()

    async def until(self, ready: Callable[[], bool], seconds: float) -> bool:
        """Wait until ``ready()`` or until the time is over; say whether it is ready."""
        try:
            async with asyncio.timeout(seconds):
                while not ready():
                    await self._next_ring()
        except TimeoutError:
            return ready()
        return True

    async def _next_ring(self) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(waiter)
        try:
            await waiter
        finally:
            self._waiting.discard(waiter)
