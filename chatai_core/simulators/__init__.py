"""The Telegram Bot API and the OpenAI API as real HTTP servers on this machine.

They stand in for the two services in the demo, the tests and the benchmarks, and behave like them down to the error
texts; ``docs/simulators.md`` is their manual. Importing this package costs nothing: the servers are imported when
they start.
"""

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatai_core.simulators.pair import Pair

__all__ = ["at", "running"]


def running(
    *, telegram: bool = True, openai: bool = True, any_key: bool = False, host: str = "127.0.0.1"
) -> "AbstractContextManager[Pair]":
    """Run the simulators in a thread of this process while the block lasts; ``any_key``: OpenAI knows every key."""
    from chatai_core.simulators import pair  # aiohttp: 200 ms

    return pair.running(telegram=telegram, openai=openai, any_key=any_key, host=host)


def at(*, telegram: str = "", openai: str = "") -> "Pair":
    """Steer simulators that run elsewhere, for example ``python -m chatai_core.simulators``, by their addresses."""
    from chatai_core.simulators import pair

    return pair.Pair(telegram_url=telegram, openai_url=openai)
