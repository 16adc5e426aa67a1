"""OpenAI on a bad day, as its own client sees it."""

import asyncio
import time
from typing import Any

import aiohttp
import httpx
import openai
import pytest

from chatai_core.simulators.pair import Pair
from tests.core.simulators.conftest import KEY

MODEL, OTHER_MODEL = "gpt-4o-mini", "gpt-4o"
MESSAGES: list[Any] = [{"role": "user", "content": "one two three four five"}]


@pytest.fixture
def client(pair: Pair) -> Any:
    with openai.OpenAI(api_key=KEY, base_url=pair.openai.url, max_retries=0, timeout=20) as made:
        yield made


def ask(client: openai.OpenAI, model: str = MODEL) -> str | None:
    return client.chat.completions.create(model=model, messages=MESSAGES).choices[0].message.content


@pytest.mark.parametrize(
    ("fault", "error", "status", "code"),
    [
        ({"kind": "rate_limit"}, openai.RateLimitError, 429, "rate_limit_exceeded"),
        ({"kind": "insufficient_quota"}, openai.RateLimitError, 429, "insufficient_quota"),
        ({"kind": "invalid_api_key"}, openai.AuthenticationError, 401, "invalid_api_key"),
        ({"kind": "forbidden"}, openai.PermissionDeniedError, 403, "model_not_found"),
        ({"kind": "model_not_found"}, openai.NotFoundError, 404, "model_not_found"),
        ({"kind": "bad_request"}, openai.BadRequestError, 400, "invalid_request"),
        ({"kind": "error"}, openai.InternalServerError, 500, None),
        ({"kind": "error", "status": 502}, openai.InternalServerError, 502, None),
        ({"kind": "unavailable"}, openai.InternalServerError, 503, "service_unavailable"),
    ],
)
def test_an_error_has_openais_status_and_code(
    pair: Pair, client: openai.OpenAI, fault: Any, error: type[openai.APIStatusError], status: int, code: str | None
) -> None:
    pair.openai.fault(**fault)
    with pytest.raises(error) as caught:
        ask(client)
    assert (caught.value.status_code, caught.value.code) == (status, code)
    assert caught.value.request_id.startswith("req_")
    assert ask(client)
    first, second = pair.openai.calls
    assert (first["status"], first["fault"], second["status"]) == (status, fault["kind"], 200)


def test_a_rate_limit_says_when_to_come_back(pair: Pair, client: openai.OpenAI) -> None:
    pair.openai.fault(kind="rate_limit", seconds=2.5)
    with pytest.raises(openai.RateLimitError, match=r"Please try again in 2\.5s") as caught:
        ask(client)
    headers = caught.value.response.headers
    assert (headers["retry-after-ms"], headers["retry-after"]) == ("2500", "3")
    assert (headers["x-ratelimit-remaining-requests"], headers["x-ratelimit-reset-requests"]) == ("0", "2.5s")


def test_the_client_comes_back_by_itself_after_a_rate_limit(pair: Pair) -> None:
    pair.openai.fault(kind="rate_limit", seconds=0.05, times=2)
    with openai.OpenAI(api_key=KEY, base_url=pair.openai.url, max_retries=2) as client:
        assert ask(client)
    assert [call["status"] for call in pair.openai.calls] == [429, 429, 200]


def test_a_fault_hits_the_key_and_model_that_it_names(pair: Pair, client: openai.OpenAI) -> None:
    pair.openai.fault(kind="error", key=KEY, model=MODEL, times=2)
    pair.openai.fault(kind="error", key="sk-other", times=-1)
    assert ask(client, OTHER_MODEL)
    for _ in range(2):
        with pytest.raises(openai.InternalServerError):
            ask(client)
    assert ask(client)


def test_a_key_may_be_kept_from_models(pair: Pair, client: openai.OpenAI) -> None:
    pair.openai.add_key(KEY, project="proj_a", models=[MODEL])
    assert ask(client)
    with pytest.raises(openai.PermissionDeniedError, match="Project `proj_a` does not have access to model `gpt-4o`"):
        ask(client, OTHER_MODEL)
    assert [model.id for model in client.models.list()] == [MODEL]


def test_a_slow_answer_comes_late_and_a_hanging_one_never(pair: Pair, client: openai.OpenAI) -> None:
    pair.openai.fault(kind="slow", seconds=0.3)
    began = time.monotonic()
    assert ask(client)
    assert time.monotonic() - began > 0.28
    pair.openai.fault(kind="hang")
    with pytest.raises(openai.APITimeoutError):
        ask(client.with_options(timeout=0.2))
    assert pair.openai.wait_for_calls(2)[-1]["status"] == 499
    assert pair.openai.counters["in_flight"] == 0


def test_broken_json_and_a_cut_connection_reach_the_client(pair: Pair, client: openai.OpenAI) -> None:
    pair.openai.fault(kind="broken_json")
    with pytest.raises(ValueError):
        ask(client)
    pair.openai.fault(kind="cut")
    with pytest.raises(openai.APIConnectionError):
        ask(client)


def test_a_stream_can_break_off_in_the_middle(pair: Pair, client: openai.OpenAI) -> None:
    pair.openai.fault(kind="cut", after=3)
    received = []
    with pytest.raises((openai.APIConnectionError, httpx.TransportError)):
        for chunk in client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True):
            received.append(chunk.choices[0].delta.content)
    assert received == ["", "You", " said:", " one"]


def test_a_stream_can_carry_broken_json(pair: Pair, client: openai.OpenAI) -> None:
    pair.openai.fault(kind="broken_json", after=1)
    with pytest.raises(ValueError):
        list(client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True))


def test_a_client_that_leaves_a_stream_is_noticed(pair: Pair, client: openai.OpenAI) -> None:
    pair.openai.fault(kind="stall", after=2, seconds=30)
    stream = client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True)
    assert [next(stream).choices[0].delta.content for _ in range(3)] == ["", "You", " said:"]
    assert pair.openai.wait_in_flight() == 1
    with pytest.raises(TimeoutError, match="not 2"):
        pair.openai.wait_in_flight(2, timeout=0.05)
    stream.close()
    (call,) = pair.openai.wait_for_calls(1)
    assert (call["status"], call["is_stream"], call["fault"]) == (499, True, "stall")


def test_two_thousand_completions_are_a_matter_of_seconds(pair: Pair) -> None:
    body = {"model": MODEL, "messages": MESSAGES}

    async def complete(session: aiohttp.ClientSession) -> None:
        for _ in range(100):
            async with session.post(f"{pair.openai.url}/chat/completions", json=body) as response:
                assert response.status == 200

    async def run() -> None:
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {KEY}"}) as session:
            await asyncio.gather(*(complete(session) for _ in range(20)))

    began = time.monotonic()
    asyncio.run(run())
    assert time.monotonic() - began < 20  # one, on an idle machine
    assert pair.openai.counters["keys"][KEY]["calls"] == {MODEL: {"200": 2000}}
