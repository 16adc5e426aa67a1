"""What the models answer: always the same to the same question, and made of it, so that a test can recognise it."""

import re
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from chatai_core.simulators.openai import failures

_TOKEN = re.compile(r"\w{1,8}|[^\w\s]")
_INSTRUCTIONS_SHOWN = 300
_PIECE = re.compile(r"\s*\S+\s*?(?=\s|$)|\s+$")


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of a model."""

    id: str
    model: str
    text: str
    finish_reason: str
    created: int
    prompt_tokens: int
    completion_tokens: int

    @property
    def usage(self) -> dict[str, Any]:
        """The bill, in the API's form."""
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": 0,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }

    def whole(self) -> dict[str, Any]:
        """The answer to a plain request."""
        message: dict[str, Any] = {"role": "assistant", "content": self.text, "refusal": None, "annotations": []}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self.finish_reason}
        return self._envelope("chat.completion") | {"choices": [choice], "usage": self.usage}

    def pieces(self, *, with_usage: bool) -> Iterator[dict[str, Any]]:
        """The answer to a streamed request, word by word."""
        envelope = self._envelope("chat.completion.chunk") | ({"usage": None} if with_usage else {})
        yield envelope | {"choices": [_choice({"role": "assistant", "content": "", "refusal": None})]}
        for piece in _PIECE.findall(self.text):
            yield envelope | {"choices": [_choice({"content": piece})]}
        yield envelope | {"choices": [_choice({}, self.finish_reason)]}
        if with_usage:
            yield envelope | {"choices": [], "usage": self.usage}

    def _envelope(self, kind: str) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "service_tier": "default",
            "system_fingerprint": "fp_simulator",
        }


def reply_to(model: str, messages: list[dict[str, Any]], most_tokens: int | None) -> Reply:
    """Answer the last user message under the instructions of the system messages.

    The text is ``You said: <message>`` and, when there are instructions, a second line ``My instructions: <the first
    300 characters>``; more than ``most_tokens`` tokens are cut off.
    """
    text = f"You said: {said(messages)}"
    if told := instructions(messages):
        text += f"\nMy instructions: {told[:_INSTRUCTIONS_SHOWN]}"
    text, is_cut = _shortened(text, most_tokens)
    return Reply(
        id=f"chatcmpl-{uuid.uuid4().hex}",
        model=model,
        text=text,
        finish_reason="length" if is_cut else "stop",
        created=int(time.time()),
        prompt_tokens=prompt_tokens(messages),
        completion_tokens=max(count_tokens(text), 1),
    )


def said(messages: list[dict[str, Any]]) -> str:
    """The last message of the user."""
    return next((_text(message) for message in reversed(messages) if message.get("role") == "user"), "")


def instructions(messages: list[dict[str, Any]]) -> str:
    """The system's and developer's messages together."""
    return "\n".join(_text(message) for message in messages if message.get("role") in {"system", "developer"})


def prompt_tokens(messages: list[dict[str, Any]]) -> int:
    """What the messages cost: their words, four tokens of wrapping each and three for the answer."""
    return 3 + sum(4 + count_tokens(_text(message)) for message in messages)


def count_tokens(text: str) -> int:
    """About as many tokens as a real model counts: short words and signs one each, long words several."""
    return sum(1 for _ in _TOKEN.finditer(text))


def checked_messages(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The messages of a request; none or malformed ones are a 400 failure."""
    messages = body.get("messages")
    if messages is None:
        raise failures.missing("messages")
    if not isinstance(messages, list) or not messages:
        message = "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array."
        raise failures.bad_request(message, "messages", "empty_array")
    for at, message in enumerate(messages):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise failures.missing(f"messages[{at}].role")
    return messages


def most_tokens(body: dict[str, Any]) -> int | None:
    """How long the answer may be, None when nothing is said; what is no length is a 400 failure."""
    for name in ("max_completion_tokens", "max_tokens"):
        most = body.get(name)
        if most is not None:
            if not isinstance(most, int) or most < 1:
                raise failures.bad_request(f"Invalid '{name}': expected a value >= 1.", name, "integer_below_min_value")
            return most
    return None


def wants_usage(body: dict[str, Any]) -> bool:
    """Whether a stream should end with the bill."""
    options = body.get("stream_options")
    if options is not None and not isinstance(options, dict):
        raise failures.bad_request("Invalid type for 'stream_options': expected an object.", "stream_options")
    return bool(options and options.get("include_usage"))


def _text(message: dict[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        parts = (part.get("text", "") for part in content if isinstance(part, dict))
        return " ".join(str(part) for part in parts if part)
    return str(content or "")


def _shortened(text: str, most_tokens: int | None) -> tuple[str, bool]:
    if most_tokens is None or count_tokens(text) <= most_tokens:
        return text, False
    ends = [match.end() for match in _TOKEN.finditer(text)]
    return text[: ends[most_tokens - 1]], True


def _choice(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
