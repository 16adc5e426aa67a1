"""Chat completions from OpenAI, or from a server that speaks as it does."""

import asyncio
import email.utils
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from chatai_core.errors import Unavailable
from chatai_core.i18n import _
from chatai_core.settings import Secret
from chatai_core.units import Seconds

if TYPE_CHECKING:
    import openai

LONGEST_ANSWER = 1000  # completion tokens: about one Telegram message of 4096 characters
LONGEST_REST: Seconds = 86_400.0  # a key is not put to rest for longer on the provider's word alone


class Blame(StrEnum):
    """What a failed completion is to be blamed on: it decides what rests, and whether another key may help."""

    KEY = "key"
    QUOTA = "quota"
    RATE = "rate"
    MODEL = "model"
    PROVIDER = "provider"
    REQUEST = "request"

    @property
    def another_key_may_help(self) -> bool:
        """Whether the same request may be sent again with another key."""
        return self is not Blame.REQUEST


class Failed(Unavailable):
    """The chat completion failed."""

    def __init__(self, blame: Blame, what: str = "", *, why: str = "", retry_after: Seconds | None = None) -> None:
        """``why`` must carry no secret: it is stored in the ledger. ``retry_after`` is what the provider asks for."""
        self.blame = blame
        self.retry_after = retry_after
        super().__init__(what, why=why, hint="chatai tokens list")


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation, as a model is told it."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Completion:
    """What the model said, which model it was, and how many tokens it took; ``text`` may be empty."""

    text: str
    model: str
    prompt_tokens: int
    completion_tokens: int


class Completions:
    """A client for one process and one event loop: keys and addresses change from request to request."""

    def __init__(self, base_url: str, *, timeout: Seconds) -> None:
        """Importing the SDK takes half a second: make the client before the first request comes."""
        import openai

        self._base_url = base_url
        self._timeout = timeout
        # What OPENAI_ORG_ID and OPENAI_PROJECT_ID say belongs to one key, not to a pool of them.
        unsent: Any = {"OpenAI-Organization": openai.Omit(), "OpenAI-Project": openai.Omit()}
        self._client = openai.AsyncOpenAI(
            api_key="unused", base_url=base_url, max_retries=0, timeout=timeout, default_headers=unsent
        )

    async def complete(
        self,
        model: str,
        messages: Sequence[Message],
        *,
        secret: Secret,
        base_url: str | None = None,
        within: Seconds = math.inf,
    ) -> Completion:
        """Ask once, with one key; ``within`` may shorten the client's timeout. Raises Failed."""
        import openai

        client = self._client.with_options(api_key=secret.reveal(), base_url=base_url or self._base_url)
        try:
            async with asyncio.timeout(min(within, self._timeout)):
                raw = await _sent(client, model, messages)
        except (openai.OpenAIError, TimeoutError) as error:
            failure = _failure(error, secret)
        else:
            return _completion(raw)
        raise failure  # outside of the handler: the SDK's error holds the request, and the request holds the key

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


async def _sent(client: "openai.AsyncOpenAI", model: str, messages: Sequence[Message]) -> bytes:
    answer = await client.chat.completions.with_raw_response.create(
        model=model,
        messages=[{"role": m.role, "content": m.content} for m in messages],  # type: ignore[misc]
        max_completion_tokens=LONGEST_ANSWER,
    )
    return answer.content


class _Said(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None


class _Choice(msgspec.Struct):
    message: _Said


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Answer(msgspec.Struct):
    model: str
    choices: list[_Choice]
    usage: _Usage | None = None


def _completion(raw: bytes) -> Completion:
    """The answer, checked: the SDK itself takes whatever comes."""
    try:
        answer = msgspec.json.decode(raw, type=_Answer)
        said = answer.choices[0].message
    except (msgspec.DecodeError, UnicodeDecodeError, IndexError) as error:
        raise Failed(
            Blame.PROVIDER, _("The provider's answer is no chat completion."), why=f"{str(error).rstrip('.')}."
        ) from error
    usage = answer.usage or _Usage()
    return Completion(
        (said.content or said.refusal or "").strip(), answer.model, usage.prompt_tokens, usage.completion_tokens
    )


def _failure(error: Exception, secret: Secret) -> Failed:
    """The SDK's error in the operator's words, without the key and without what the provider echoes of it."""
    import openai

    if isinstance(error, openai.APIStatusError):
        blame = _blame(error.status_code, {str(error.code), str(error.type)})
        after = _retry_after(error.response.headers)
        return Failed(blame, _SENTENCES[blame](), why=_reason(error, blame, secret), retry_after=after)
    if isinstance(error, openai.APITimeoutError | TimeoutError):
        return Failed(Blame.PROVIDER, _("The provider did not answer in time."))
    return Failed(
        Blame.PROVIDER, _("The provider cannot be reached."), why=_redacted(f"{type(error).__name__}.", secret)
    )


def _blame(status: int, codes: set[str]) -> Blame:
    """Who is to blame, by status and by OpenAI's ``code`` and ``type``.

    >>> _blame(429, {"insufficient_quota"}), _blame(429, {"rate_limit_exceeded"}), _blame(503, set())
    (<Blame.QUOTA: 'quota'>, <Blame.RATE: 'rate'>, <Blame.PROVIDER: 'provider'>)
    >>> _blame(400, {"invalid_request_error"}), _blame(404, {"model_not_found"}), _blame(401, set())
    (<Blame.REQUEST: 'request'>, <Blame.MODEL: 'model'>, <Blame.KEY: 'key'>)
    """
    if status == 402 or codes & {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"}:
        return Blame.QUOTA
    if status in (403, 404):
        return Blame.MODEL
    if status == 408 or not 400 <= status < 500:
        return Blame.PROVIDER
    return {401: Blame.KEY, 429: Blame.RATE}.get(status, Blame.REQUEST)


_SENTENCES = {
    Blame.KEY: lambda: _("The provider refuses the key."),
    Blame.QUOTA: lambda: _("The key has no quota left."),
    Blame.RATE: lambda: _("The key is used too fast for the provider."),
    Blame.MODEL: lambda: _("The key may not use this model."),
    Blame.PROVIDER: lambda: _("The provider has failed."),
    Blame.REQUEST: lambda: _("The provider refuses the request."),
}


def _reason(error: "openai.APIStatusError", blame: Blame, secret: Secret) -> str:
    """Status, code and message; of a refused key no message: it would repeat the key."""
    status = f"HTTP {error.status_code}" + (f", {error.code}" if error.code else "")
    body = error.body
    message = body.get("message") if isinstance(body, Mapping) and blame is not Blame.KEY else None
    return _redacted(f"{status}: {message}" if message else f"{status}.", secret)


def _redacted(text: str, secret: Secret) -> str:
    """One printable line of at most 300 characters, without this key and without what looks like one."""
    text = text.replace(secret.reveal(), "********")
    text = re.sub(r"\bsk-[\w*.…-]+", "sk-…", text)
    return "".join(c if c.isprintable() else " " for c in text)[:300]


def _retry_after(headers: Mapping[str, str]) -> Seconds | None:
    """Seconds that the provider asks to wait: ``retry-after-ms``, else ``retry-after`` in seconds or as a date.

    >>> _retry_after({"retry-after-ms": "1500", "retry-after": "9"}), _retry_after({"retry-after": "20"})
    (1.5, 20.0)
    >>> _retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}), _retry_after({"retry-after": "soon"})
    (0.0, None)
    """
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        if seconds >= 0:
            return min(seconds, LONGEST_REST)
    try:
        date = email.utils.parsedate_to_datetime(headers.get("retry-after", ""))
    except ValueError:
        return None
    seconds = (date.astimezone(UTC) - datetime.now(UTC)).total_seconds()
    return min(max(0.0, seconds), LONGEST_REST)
