"""What waits to be delivered to one bot: numbered updates, the long poll, and who lost it to whom."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from itertools import islice
from random import Random
from typing import NamedTuple

import msgspec

from chatai_core.simulators.bell import Bell
from chatai_core.simulators.telegram.calls import Failure

KINDS = frozenset(
    {
        "message",
        "edited_message",
        "channel_post",
        "edited_channel_post",
        "business_connection",
        "business_message",
        "edited_business_message",
        "deleted_business_messages",
        "message_reaction",
        "message_reaction_count",
        "inline_query",
        "chosen_inline_result",
        "callback_query",
        "shipping_query",
        "pre_checkout_query",
        "purchased_paid_media",
        "poll",
        "poll_answer",
        "my_chat_member",
        "chat_member",
        "chat_join_request",
        "chat_boost",
        "removed_chat_boost",
    }
)
USUAL_KINDS = KINDS - {"chat_member", "message_reaction", "message_reaction_count"}

_OTHER_POLL = "terminated by other getUpdates request; make sure that only one bot instance is running"
_WEBHOOK_SET = "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
_CONFLICT_SECONDS = 3.0
_MOST_WAITING = 100_000  # the real server keeps a million; a test that needs more has lost its reader


def conflict(why: str) -> Failure:
    """The failure of the one who lost the updates to another."""
    return Failure(409, f"Conflict: {why}")


class Update(NamedTuple):
    """One update as it is sent; updates of one lane reach a webhook one after the other."""

    id: int
    lane: int
    body: bytes


class Updates:
    """The updates of one bot, oldest first."""

    def __init__(self, bot_id: int) -> None:
        self._waiting: OrderedDict[int, Update] = OrderedDict()
        self._next_id = Random(bot_id).randint(2_000_001, 2**30)
        self._poll: asyncio.Future[Failure | None] | None = None
        self._next_conflict = 0.0
        self._last_poll = (0, 0.0)
        self.allowed = USUAL_KINDS
        self.polls = 0
        self.polled = Bell()
        self.listener: Callable[[Update], None] | None = None

    @property
    def is_polled(self) -> bool:
        """Whether somebody waits for an update right now."""
        return self._poll is not None

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[Update]:
        return iter(self._waiting.values())

    def push(self, kind: str, content: object, lane: int) -> int | None:
        """Number the update and wake the reader; None when the bot does not want this kind or reads nothing."""
        if kind not in self.allowed or len(self._waiting) >= _MOST_WAITING:
            return None
        update_id, self._next_id = self._next_id, self._next_id + 1
        update = Update(update_id, lane, msgspec.json.encode({"update_id": update_id, kind: content}))
        self._waiting[update_id] = update
        if self.listener is not None:
            self.listener(update)
        self._wake(None)
        return update_id

    def forget(self, update_id: int) -> None:
        """The webhook took it."""
        self._waiting.pop(update_id, None)

    def clear(self) -> None:
        """Drop everything that waits."""
        self._waiting.clear()

    def end_poll(self, failure: Failure) -> None:
        """Let the poll that waits fail."""
        self._wake(failure)

    async def refuse_poll(self) -> None:
        """Fail because a webhook takes the updates."""
        await self._fail(conflict(_WEBHOOK_SET))

    async def poll(self, offset: int, limit: int, seconds: float) -> list[bytes]:
        """Forget what is below the offset and return what follows, waiting for the first."""
        self._confirm(offset)
        if not self._waiting:
            self._wake(conflict(_OTHER_POLL))
            if seconds > 0:
                await self._wait(seconds)
        return [update.body for update in islice(self._waiting.values(), limit)]

    def since_same_poll(self, offset: int) -> float:
        """Seconds since the last poll, if it had this very offset; infinite otherwise."""
        (last_offset, last_time), self._last_poll = self._last_poll, (offset, time.monotonic())
        return self._last_poll[1] - last_time if offset == last_offset else float("inf")

    def _confirm(self, offset: int) -> None:
        if offset < 0:
            while len(self._waiting) > -offset:
                self._waiting.popitem(last=False)
        if offset <= 0 or offset > self._next_id + 10:  # the real server takes a far future for a mistake
            return
        while self._waiting and next(iter(self._waiting)) < offset:
            self._waiting.popitem(last=False)

    async def _wait(self, seconds: float) -> None:
        poll = self._poll = asyncio.get_running_loop().create_future()
        self.polls += 1
        self.polled.ring()
        try:
            async with asyncio.timeout(seconds):
                failure = await poll
        except TimeoutError:
            return
        finally:
            if self._poll is poll:
                self._poll = None
        if failure is not None:
            await self._fail(failure)

    def _wake(self, failure: Failure | None) -> None:
        poll, self._poll = self._poll, None
        if poll is not None and not poll.done():
            poll.set_result(failure)

    async def _fail(self, failure: Failure) -> None:
        """Fail at once the first time, later only after a while, so that two readers do not race."""
        now = time.monotonic()
        if failure.code == 409 and now < self._next_conflict:
            await asyncio.sleep(_CONFLICT_SECONDS)
        elif failure.code == 409:
            self._next_conflict = now + _CONFLICT_SECONDS
        raise failure
