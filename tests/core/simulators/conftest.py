"""Both simulators, new for each test, and the plainest client of the Bot API."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from chatai_core import simulators
from chatai_core.simulators.pair import Pair

TOKEN = "123456:simulated"
KEY = "sk-simulated-0123456789"


@dataclass(frozen=True)
class Caller:
    """``call("sendMessage", chat_id=1, text="x")``: the status and the JSON of the answer."""

    url: str
    client: httpx.Client

    def __call__(self, method: str, *, token: str = TOKEN, **parameters: Any) -> tuple[int, Any]:
        response = self.client.post(f"{self.url}/bot{token}/{method}", json=parameters, timeout=60)
        return response.status_code, response.json()

    def result(self, method: str, **parameters: Any) -> Any:
        status, answer = self(method, **parameters)
        assert status == 200, answer
        return answer["result"]

    def refused(self, method: str, **parameters: Any) -> str:
        status, answer = self(method, **parameters)
        assert (answer["ok"], answer["error_code"]) == (False, status)
        return str(answer["description"])


@pytest.fixture
def pair() -> Iterator[Pair]:
    with simulators.running() as running:
        running.telegram.add_bot(TOKEN, username="echo_bot")
        running.openai.add_key(KEY, organization="org-a")
        yield running


@pytest.fixture
def call(pair: Pair) -> Iterator[Caller]:
    with httpx.Client() as client:
        yield Caller(pair.telegram.url, client)
