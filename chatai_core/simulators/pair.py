"""Both simulators together: in a thread of this process, or wherever their addresses lead."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from chatai_core import errors
from chatai_core.simulators.handles import OpenAIHandle, TelegramHandle
from chatai_core.simulators.openai import OpenAI
from chatai_core.simulators.telegram import Telegram


@dataclass(frozen=True, slots=True)
class Pair:
    """The simulators that run, by their addresses; empty: this one does not."""

    telegram_url: str
    openai_url: str

    @property
    def telegram(self) -> TelegramHandle:
        """What Telegram's people do and see; raises LookupError when it was not started."""
        if not self.telegram_url:
            raise LookupError("the Telegram simulator was not started")
        return TelegramHandle(self.telegram_url)

    @property
    def openai(self) -> OpenAIHandle:
        """What OpenAI does and sees; raises LookupError when it was not started."""
        if not self.openai_url:
            raise LookupError("the OpenAI simulator was not started")
        return OpenAIHandle(self.openai_url)


@contextlib.contextmanager
def running(*, telegram: bool, openai: bool, any_key: bool, host: str) -> Iterator[Pair]:
    """Run the simulators in a daemon thread with a loop of its own."""
    started: Future[tuple[Pair, Callable[[], object]]] = Future()
    work = _serve(started, telegram=telegram, openai=openai, any_key=any_key, host=host)
    thread = threading.Thread(target=run_loop, args=(work,), name="simulators", daemon=True)
    thread.start()
    pair, stop = started.result()
    try:
        yield pair
    finally:
        stop()
        thread.join()


def run_loop(work: Coroutine[Any, Any, None]) -> None:
    """Run to the end in a fast event loop where there is one."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(work)
    else:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(work)


@contextlib.asynccontextmanager
async def serving(
    *,
    telegram_port: int | None = 0,
    openai_port: int | None = 0,
    any_key: bool = False,
    host: str = "127.0.0.1",
) -> AsyncIterator[Pair]:
    """Serve both in this event loop while the block lasts; None as a port leaves that one out."""
    async with contextlib.AsyncExitStack() as stack:
        urls = ["", ""]
        if telegram_port is not None:
            bot_api = Telegram()
            stack.push_async_callback(bot_api.stop)
            await bot_api.start(telegram_port, host)
            urls[0] = bot_api.url
        if openai_port is not None:
            api = OpenAI(any_key=any_key)
            stack.push_async_callback(api.stop)
            await api.start(openai_port, host)
            urls[1] = api.url
        yield Pair(*urls)


async def _serve(
    started: Future[tuple[Pair, Callable[[], object]]], *, telegram: bool, openai: bool, any_key: bool, host: str
) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    ports = {"telegram_port": 0 if telegram else None, "openai_port": 0 if openai else None}
    try:
        async with serving(any_key=any_key, host=host, **ports) as pair:
            started.set_result((pair, lambda: loop.call_soon_threadsafe(stopped.set)))
            await stopped.wait()
    except errors.ChataiError as error:
        started.set_exception(error)
    finally:
        started.cancel()  # whoever waits must not wait for ever
