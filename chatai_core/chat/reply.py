"""The one way to make a reply: an assistant, what was said before, a key of the pool, and another when it fails."""

import asyncio
import contextvars
import functools
import logging
import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ParamSpec, TypeVar

from chatai_core.adapters.completions import Blame, Completion, Completions, Failed, Message
from chatai_core.adapters.crypto import Cipher
from chatai_core.adapters.postgres import Database, question
from chatai_core.chat import assistants, dialogs
from chatai_core.chat.assistants import Assistant
from chatai_core.errors import ChataiError
from chatai_core.i18n import _
from chatai_core.settings import Secret
from chatai_core.tokens import pool
from chatai_core.tokens.pool import Attempt, Lease, NoKey
from chatai_core.units import Seconds

logger = logging.getLogger(__name__)

REMEMBERED = 20  # messages of a dialog that the model is told again …
REMEMBERED_CHARACTERS = 8000  # … and how long they may be together: about 2000 tokens of a prompt
PAUSE: Seconds = 0.5  # before the only key that is left is tried a second time

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Means:
    """What replies are made with: the same for every reply of a process.

    ``database`` must lend connections to many threads (``Installation(pooled=True)``); ``env`` is OPENAI_API_KEY;
    ``deadline`` ends a reply with all its attempts.
    """

    database: Database
    cipher: Cipher
    completions: Completions
    env: Secret | None = None
    deadline: Seconds = 90.0


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be answered: a text, by an assistant, in a dialog whose messages so far the model is told.

    ``before`` is the number of the message that holds the text when it was added to the dialog already.
    ``request_id`` (at most 36 characters) is the caller's name for it; one is made when it is empty.
    """

    text: str
    assistant_id: int
    dialog_id: int | None = None
    before: int | None = None
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass(frozen=True, slots=True)
class Reply:
    """What the assistant says, who said it, and how many tokens the successful attempt took."""

    text: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    key: str
    attempts: int
    request_id: str


async def reply(means: Means, asked: Asked) -> Reply:
    """Make a reply with the best key; when it fails with another, and so on within the deadline.

    Every attempt is settled, also when the caller gives up. Raises NoKey, Failed, NotFound.
    """
    assistant, messages = await asyncio.to_thread(_prepared, means.database, asked)
    return await _Reply(means, asked, assistant, messages).made()


def apology(error: ChataiError) -> str:
    """What the person who asked is told when there is no reply; nothing of our insides."""
    ready_at = error.ready_at if isinstance(error, NoKey) else None
    seconds = (ready_at - datetime.now(UTC)).total_seconds() if ready_at else None
    if seconds is not None and seconds <= 60:
        return _("I am too busy at the moment. Please ask again in a minute.")
    if isinstance(error, Failed) and error.blame is Blame.REQUEST:
        return _("I cannot answer this. Please ask in other words.")
    return _("I cannot answer at the moment. Please try again later.")


def remembered(database: Database, dialog_id: int, *, before: int | None = None) -> list[Message]:
    """The end of the conversation as the model is told it, the oldest first: as much as fits.

    A question such as "and the second one?" has no answer without it; without a bound each question would cost
    more than the one before.
    """
    said = database.rows(_as_told, question(__file__, "history"), dialog_id=dialog_id, before=before, limit=REMEMBERED)
    left, kept = REMEMBERED_CHARACTERS, []
    for message in said:
        left -= len(message.content)
        if left < 0:
            break
        kept.append(message)
    return kept[::-1]


def _as_told(sender: str, text: str) -> Message:
    return Message("user" if sender == "user" else "assistant", text)


def _prepared(database: Database, asked: Asked) -> tuple[Assistant, list[Message]]:
    """The assistant, and all that the model is told."""
    assistant = assistants.show(database, asked.assistant_id)
    prompt = [Message("system", assistant.prompt)] if assistant.prompt else []
    earlier = remembered(database, asked.dialog_id, before=asked.before) if asked.dialog_id else []
    return assistant, [*prompt, *earlier, Message("user", dialogs.storable(asked.text))]


class _Reply:
    """One reply in the making: which keys were tried, and how much time is left."""

    def __init__(self, means: Means, asked: Asked, assistant: Assistant, messages: list[Message]) -> None:
        self._means = means
        self._asked = asked
        self._assistant = assistant
        self._messages = messages
        self._ends = time.monotonic() + means.deadline
        self._attempts = 0
        self._shaky: set[int | None] = set()  # the provider failed once: worth a second try when nothing else is left
        self._spent: set[int | None] = set()
        self._failed: Failed | None = None

    async def made(self) -> Reply:
        """Try until a key answers."""
        while True:
            lease = await self._next_lease()
            try:
                completion = await self._attempted(lease)
            except Failed as error:
                self._learn(lease, error)
                continue
            if not completion.text:
                raise Failed(Blame.REQUEST, _("The model gave no text."))
            return self._reply(lease, completion)

    def _reply(self, lease: Lease, completion: Completion) -> Reply:
        return Reply(
            completion.text,
            completion.model,
            completion.prompt_tokens,
            completion.completion_tokens,
            lease.name,
            self._attempts,
            self._asked.request_id,
        )

    def _learn(self, lease: Lease, error: Failed) -> None:
        """Remember which key failed. Raises the failure when no other attempt can mend it."""
        logger.warning(
            "Request %s, attempt %d with key %s: %s", self._asked.request_id, self._attempts, lease.name, error
        )
        if not error.blame.another_key_may_help or time.monotonic() >= self._ends:
            raise error
        self._failed = error
        again = error.blame is Blame.PROVIDER and lease.token_id not in self._shaky
        (self._shaky if again else self._spent).add(lease.token_id)

    async def _next_lease(self) -> Lease:
        """A key that was not tried, else one whose provider failed once. Raises what failed last, or NoKey."""
        try:
            return await self._leased(self._shaky | self._spent)
        except NoKey as error:
            if self._failed is None:
                raise
            if not self._shaky - self._spent:
                raise self._failed from error
        await asyncio.sleep(PAUSE * random.uniform(0.5, 1.5))
        try:
            return await self._leased(self._spent)
        except NoKey as error:
            raise self._failed from error

    async def _leased(self, without: set[int | None]) -> Lease:
        means = self._means
        picking = _started(
            pool.pick, means.database, means.cipher, self._assistant.model, env=means.env, without=frozenset(without)
        )
        try:
            return await asyncio.shield(picking)
        except asyncio.CancelledError:
            await self._give_up(picking)
            raise

    async def _give_up(self, picking: asyncio.Future[Lease]) -> None:
        """Settle what is being reserved at the moment: the thread that does it cannot be stopped."""
        try:
            lease = await picking
        except ChataiError:
            return  # nothing was reserved
        self._attempts += 1
        await self._settle(lease, _abandoned(), 0.0)

    async def _attempted(self, lease: Lease) -> Completion:
        """Ask once, and settle whatever comes of it."""
        self._attempts += 1
        began = time.monotonic()
        outcome: Completion | Failed = _abandoned()
        left = max(0.001, self._ends - began)
        try:
            outcome = await self._means.completions.complete(
                self._assistant.model, self._messages, secret=lease.secret, base_url=lease.base_url, within=left
            )
        except Failed as error:
            outcome = error
            raise
        finally:
            await self._settle(lease, outcome, time.monotonic() - began)
        return outcome

    async def _settle(self, lease: Lease, outcome: Completion | Failed, seconds: Seconds) -> None:
        attempt = Attempt(
            self._asked.request_id,
            self._attempts,
            self._assistant.model,
            seconds,
            self._assistant.user_id,
            self._assistant.id,
        )
        await asyncio.shield(_started(_settled, self._means.database, lease, attempt, outcome))


def _settled(database: Database, lease: Lease, attempt: Attempt, outcome: Completion | Failed) -> None:
    """Settle; when the database is away the reply is worth more than its line in the ledger."""
    try:
        pool.settle(database, lease, attempt, outcome)
    except ChataiError as error:
        logger.error("The ledger misses attempt %d of request %s: %s", attempt.attempt, attempt.request_id, error)


def _started(
    function: Callable[Arguments, Result], /, *args: Arguments.args, **kwargs: Arguments.kwargs
) -> asyncio.Future[Result]:
    """Start a function in a thread; it runs to its end even when nobody waits for it any more.

    No task, as ``asyncio.to_thread`` would be: a loop that shuts down cancels every task, also a shielded one.
    """
    call = functools.partial(contextvars.copy_context().run, function, *args, **kwargs)
    return asyncio.get_running_loop().run_in_executor(None, call)


def _abandoned() -> Failed:
    return Failed(Blame.REQUEST, _("The request was cancelled before the answer came."))
