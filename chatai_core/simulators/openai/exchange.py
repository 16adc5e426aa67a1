"""One request to the API, from its key to its bill."""

import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from chatai_core.simulators.faults import Fault
from chatai_core.simulators.openai import replies
from chatai_core.simulators.openai.keys import Key

_LONGEST_NOTE = 4000


@dataclass(frozen=True, slots=True)
class Call:
    """One request that was answered, for those who ask what happened.

    ``status`` 499: the client left before the end; ``said`` and ``instructions`` hold at most 4,000 characters.
    """

    number: int
    at: float
    key: str
    organization: str
    model: str
    path: str
    is_stream: bool
    status: int
    fault: str
    request_id: str
    prompt_tokens: int
    completion_tokens: int
    said: str
    instructions: str
    duration_ms: float


@dataclass(slots=True)
class Exchange:
    """A request while it is answered."""

    request: web.Request
    path: str
    key: Key | None = None
    model: str = ""
    body: dict[str, Any] = field(default_factory=dict)
    fault: Fault | None = None
    suffered: str = ""
    status: int = 200
    said: str = ""
    instructions: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    request_id: str = field(default_factory=lambda: f"req_{uuid.uuid4().hex}")
    began: float = field(default_factory=time.perf_counter)

    @property
    def known_key(self) -> Key:
        """The key, which has been checked."""
        assert self.key is not None, "the key is checked first"
        return self.key

    @property
    def milliseconds(self) -> int:
        """The time since the request came."""
        return max(round((time.perf_counter() - self.began) * 1000), 1)

    def note(self, messages: list[dict[str, Any]]) -> None:
        """Keep what was said, for the log."""
        self.said = replies.said(messages)[:_LONGEST_NOTE]
        self.instructions = replies.instructions(messages)[:_LONGEST_NOTE]

    def charge(self, prompt_tokens: int, completion_tokens: int) -> None:
        """Put tokens on the bill."""
        self.prompt_tokens, self.completion_tokens = prompt_tokens, completion_tokens

    def call(self, number: int) -> Call:
        """What is remembered of it."""
        return Call(
            number=number,
            at=time.time(),
            key=self.key.text if self.key else "",
            organization=self.key.organization if self.key else "",
            model=self.model,
            path=self.path,
            is_stream=bool(self.body.get("stream")),
            status=self.status,
            fault=self.suffered,
            request_id=self.request_id,
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            said=self.said,
            instructions=self.instructions,
            duration_ms=round((time.perf_counter() - self.began) * 1000, 3),
        )
