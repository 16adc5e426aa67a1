"""The OpenAI simulator through OpenAI's own client."""

import asyncio
import math
import re
from typing import Any

import httpx
import openai
import pytest

from chatai_core import simulators
from chatai_core.simulators.pair import Pair
from tests.core.simulators.conftest import KEY

MODEL = "gpt-4o-mini"
MESSAGES: list[Any] = [
    {"role": "system", "content": "You sell apples."},
    {"role": "user", "content": "first"},
    {"role": "assistant", "content": "…"},
    {"role": "user", "content": [{"type": "text", "text": "What do you sell?"}]},
]
EXPECTED = "You said: What do you sell?\nMy instructions: You sell apples."


@pytest.fixture
def client(pair: Pair) -> Any:
    with openai.OpenAI(api_key=KEY, base_url=pair.openai.url, max_retries=0) as made:
        yield made


def test_a_reply_shows_the_message_and_the_instructions(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model=MODEL, messages=MESSAGES)
    assert answer.choices[0].message.content == EXPECTED
    assert (answer.model, answer.choices[0].finish_reason) == (MODEL, "stop")
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 20


def test_the_asynchronous_client_gets_the_same(pair: Pair) -> None:
    async def run() -> str | None:
        async with openai.AsyncOpenAI(api_key=KEY, base_url=pair.openai.url) as client:
            answer = await client.chat.completions.create(model=MODEL, messages=MESSAGES)
            return answer.choices[0].message.content

    assert asyncio.run(run()) == EXPECTED


def test_a_stream_brings_it_word_by_word_and_the_usage_when_asked(client: openai.OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model=MODEL, messages=MESSAGES, stream=True, stream_options={"include_usage": True}
        )
    )
    words = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(words) == EXPECTED
    assert len(words) > 10
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert [chunk.usage.prompt_tokens > 0 for chunk in chunks if chunk.usage] == [True]
    assert not any(c.usage for c in client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True))


def test_a_stream_loses_no_white_space(client: openai.OpenAI) -> None:
    said = "  one\n\n two\t three \n"
    stream = client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": said}], stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == f"You said: {said}"


def test_too_few_tokens_cut_the_reply(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model=MODEL, messages=MESSAGES, max_tokens=3)
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == ("You said:", "length")
    assert answer.usage.completion_tokens == 3


def test_embeddings_are_unit_vectors_and_near_when_words_are_shared(client: openai.OpenAI) -> None:
    texts = ["The shop opens at nine", "the shop opens at ten", "Quantum chromodynamics"]
    answer = client.embeddings.create(model="text-embedding-3-small", input=texts)
    again = client.embeddings.create(model="text-embedding-3-small", input=texts[0], encoding_format="float")
    first, near, far = (item.embedding for item in answer.data)
    assert [len(first), len(near), len(far)] == [1536] * 3
    assert math.isclose(
        math.sumprod(first, first) if hasattr(math, "sumprod") else cosine(first, first), 1, abs_tol=1e-5
    )
    assert cosine(first, near) > 0.7 > 0.2 > abs(cosine(first, far))
    assert cosine(first, again.data[0].embedding) > 0.9999
    assert answer.usage.prompt_tokens > 10


def cosine(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_models_are_listed(client: openai.OpenAI) -> None:
    assert {"gpt-4o-mini", "text-embedding-3-small"} <= {model.id for model in client.models.list()}
    assert client.models.retrieve(MODEL).id == MODEL
    with pytest.raises(openai.NotFoundError, match="does not exist"):
        client.models.retrieve("gpt-0")


def test_a_key_must_be_registered(pair: Pair) -> None:
    def answer(key: str) -> str | None:
        with openai.OpenAI(api_key=key, base_url=pair.openai.url, max_retries=0) as client:
            return client.chat.completions.create(model=MODEL, messages=MESSAGES).choices[0].message.content

    with pytest.raises(openai.AuthenticationError, match=r"Incorrect API key provided: sk-nobod\*+3456") as caught:
        answer("sk-nobody-knows-123456")
    assert caught.value.code == "invalid_api_key"
    pair.openai.change(any_key=True)
    assert answer("sk-nobody-knows-123456") == EXPECTED
    pair.openai.change(any_key=False)
    pair.openai.revoke("sk-nobody-knows-123456")
    with pytest.raises(openai.AuthenticationError):
        answer("sk-nobody-knows-123456")
    missing = httpx.post(f"{pair.openai.url}/chat/completions", json={})
    assert (missing.status_code, missing.json()["error"]["code"]) == (401, None)


def test_every_key_is_accepted_when_told_so() -> None:
    with (
        simulators.running(telegram=False, any_key=True) as pair,
        openai.OpenAI(api_key="whatever", base_url=pair.openai.url) as client,
    ):
        assert client.chat.completions.create(model=MODEL, messages=MESSAGES).choices[0].message.content == EXPECTED
        with pytest.raises(LookupError, match="was not started"):
            _ = pair.telegram


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (b"{", 400, {"code": None, "param": None}),
        ({"messages": MESSAGES}, 400, {"message": "you must provide a model parameter"}),
        ({"model": MODEL}, 400, {"code": "missing_required_parameter", "param": "messages"}),
        ({"model": MODEL, "messages": []}, 400, {"code": "empty_array"}),
        ({"model": MODEL, "messages": MESSAGES, "max_tokens": 0}, 400, {"param": "max_tokens"}),
        ({"model": MODEL, "messages": MESSAGES, "stream_options": 1}, 400, {"param": "stream_options"}),
        ({"model": "gpt-0", "messages": MESSAGES}, 404, {"code": "model_not_found"}),
    ],
)
def test_a_wrong_request_is_refused_in_openais_form(pair: Pair, body: Any, status: int, error: dict[str, Any]) -> None:
    content = {"content": body} if isinstance(body, bytes) else {"json": body}
    answer = httpx.post(f"{pair.openai.url}/chat/completions", headers={"Authorization": f"Bearer {KEY}"}, **content)
    assert answer.status_code == status
    assert answer.json()["error"].items() >= {"type": "invalid_request_error", **error}.items()
    assert answer.headers["x-request-id"].startswith("req_")


def test_embeddings_of_nothing_are_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="empty"):
        client.embeddings.create(model="text-embedding-3-small", input="")


def test_headers_tell_what_is_left(pair: Pair, client: openai.OpenAI) -> None:
    pair.openai.add_key(KEY, organization="org-a", requests_per_minute=60, tokens_per_minute=6000)
    answer = client.chat.completions.with_raw_response.create(model=MODEL, messages=MESSAGES)
    headers, used = answer.headers, answer.parse().usage.total_tokens
    assert headers["openai-organization"] == "org-a"
    assert (headers["x-ratelimit-limit-requests"], headers["x-ratelimit-remaining-requests"]) == ("60", "59")
    assert re.fullmatch("1s|[0-9]+ms", headers["x-ratelimit-reset-requests"])
    assert headers["x-ratelimit-limit-tokens"] == "6000"
    assert 6000 - used <= int(headers["x-ratelimit-remaining-tokens"]) <= 6000
    assert int(headers["openai-processing-ms"]) >= 1


def test_keys_of_one_organization_share_their_limit(pair: Pair) -> None:
    limits = {"requests_per_minute": 6}
    for key, organization in (("sk-1", "org-x"), ("sk-2", "org-x"), ("sk-3", "org-y")):
        pair.openai.add_key(key, organization=organization, **limits)
    url = f"{pair.openai.url}/chat/completions"
    body = {"model": MODEL, "messages": MESSAGES}

    def status(key: str) -> int:
        return httpx.post(url, json=body, headers={"Authorization": f"Bearer {key}"}).status_code

    assert [status(key) for key in ("sk-1", "sk-2") * 3] == [200] * 6
    refused = httpx.post(url, json=body, headers={"Authorization": "Bearer sk-1"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "rate_limit_exceeded")
    assert 8000 < int(refused.headers["retry-after-ms"]) <= 10_000
    assert refused.headers["x-ratelimit-remaining-requests"] == "0"
    assert [status("sk-2"), status("sk-3")] == [429, 200]


def test_tokens_are_limited_too(pair: Pair, client: openai.OpenAI) -> None:
    pair.openai.add_key(KEY, tokens_per_minute=50)
    client.chat.completions.create(model=MODEL, messages=MESSAGES)
    with pytest.raises(openai.RateLimitError, match="tokens per min"):
        client.chat.completions.create(model=MODEL, messages=MESSAGES)


def test_calls_are_counted_and_remembered(pair: Pair, client: openai.OpenAI) -> None:
    client.chat.completions.create(model=MODEL, messages=MESSAGES)
    client.embeddings.create(model="text-embedding-3-small", input="x")
    (chat, embedding) = pair.openai.wait_for_calls(2, key=KEY)
    assert (chat["key"], chat["model"], chat["status"], chat["path"]) == (KEY, MODEL, 200, "chat/completions")
    assert (chat["said"], chat["instructions"]) == ("What do you sell?", "You sell apples.")
    assert embedding["path"] == "embeddings"
    counters = pair.openai.counters
    assert counters["models"] == {MODEL: 1, "text-embedding-3-small": 1}
    assert counters["keys"][KEY]["requests"] == 2
    assert counters["in_flight"] == 0
    with pytest.raises(TimeoutError, match="not 3"):
        pair.openai.wait_for_calls(3, timeout=0.05)
