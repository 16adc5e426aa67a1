"""Chat completions: what is asked, what comes back, and whom each failure is blamed on."""

import asyncio
import socket
import time
import traceback
from collections.abc import Iterator
from typing import Any

import pytest

from chatai_core import simulators
from chatai_core.adapters.completions import Blame, Completion, Completions, Failed, Message
from chatai_core.settings import Secret
from chatai_core.simulators.handles import OpenAIHandle

KEY = "sk-proj-abcdefghijklmnopqrstuvwxyz123456"
MODEL = "gpt-4o-mini"
MESSAGES = [Message("system", "Be brief."), Message("user", "What is ice?")]


@pytest.fixture(scope="module")
def openai() -> Iterator[OpenAIHandle]:
    """OpenAI, which knows one key."""
    with simulators.running(telegram=False) as pair:
        pair.openai.add_key(KEY)
        yield pair.openai


@pytest.fixture(autouse=True)
def _no_faults(openai: OpenAIHandle) -> Iterator[None]:
    yield
    openai.clear_faults()


def complete(url: str, *, key: str = KEY, timeout: float = 5.0, **options: Any) -> Completion:
    async def ask() -> Completion:
        client = Completions(url, timeout=timeout)
        try:
            return await client.complete(MODEL, MESSAGES, secret=Secret(key), **options)
        finally:
            await client.close()

    return asyncio.run(ask())


def failure(url: str, **options: Any) -> Failed:
    with pytest.raises(Failed) as caught:
        complete(url, **options)
    return caught.value


def test_the_model_answers_and_the_tokens_are_counted(openai: OpenAIHandle) -> None:
    answer = complete(openai.url)
    assert answer.text == "You said: What is ice?\nMy instructions: Be brief."
    assert answer.model == MODEL
    assert answer.prompt_tokens > 0
    assert answer.completion_tokens > 0
    assert openai.calls[-1]["key"] == KEY


def test_a_key_may_have_an_address_of_its_own(openai: OpenAIHandle) -> None:
    assert complete("http://127.0.0.1:1/v1", base_url=openai.url).text.startswith("You said")


def test_what_the_sdk_finds_in_the_environment_is_not_sent(
    openai: OpenAIHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        for name in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
            monkeypatch.setenv(name, "of-another-key")
        failure(f"http://127.0.0.1:{server.getsockname()[1]}/v1", timeout=0.3)
        connection, _address = server.accept()
        with connection:
            request = connection.recv(65536).decode()
    assert f"authorization: bearer {KEY}" in request.lower()
    assert "of-another-key" not in request


@pytest.mark.parametrize(
    ("fault", "blame", "what", "why"),
    [
        ({"kind": "invalid_api_key"}, Blame.KEY, "refuses the key", "HTTP 401, invalid_api_key."),
        ({"kind": "insufficient_quota"}, Blame.QUOTA, "no quota left", "HTTP 429, insufficient_quota: You exceeded"),
        ({"kind": "rate_limit"}, Blame.RATE, "too fast", "HTTP 429, rate_limit_exceeded: Rate limit"),
        ({"kind": "forbidden"}, Blame.MODEL, "may not use this model", "HTTP 403, model_not_found: Project"),
        ({"kind": "model_not_found"}, Blame.MODEL, "may not use this model", "HTTP 404, model_not_found: The"),
        ({"kind": "bad_request"}, Blame.REQUEST, "refuses the request", "HTTP 400, invalid_request: Invalid"),
        ({"kind": "error", "status": 500}, Blame.PROVIDER, "has failed", "HTTP 500: The server had an error"),
        ({"kind": "unavailable"}, Blame.PROVIDER, "has failed", "HTTP 503, service_unavailable: The server"),
        ({"kind": "broken_json"}, Blame.PROVIDER, "no chat completion", ""),
        ({"kind": "cut"}, Blame.PROVIDER, "cannot be reached", "APIConnectionError."),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
def test_each_failure_is_blamed_on_what_caused_it(
    openai: OpenAIHandle, fault: dict[str, Any], blame: Blame, what: str, why: str
) -> None:
    openai.fault(**fault)
    error = failure(openai.url)
    assert error.blame is blame
    assert what in error.what
    assert error.why.startswith(why)
    assert error.blame.another_key_may_help is (blame is not Blame.REQUEST)


def test_one_request_is_one_attempt(openai: OpenAIHandle) -> None:
    """The SDK would try twice more by itself, unseen by the limits."""
    before = openai.calls[-1]["number"] if openai.calls else 0
    openai.fault(kind="error", status=500, times=-1)
    failure(openai.url)
    assert len(openai.wait_for_calls(1, after=before)) == 1


def test_the_provider_says_how_long_to_rest(openai: OpenAIHandle) -> None:
    openai.fault(kind="rate_limit", seconds=7)
    assert failure(openai.url).retry_after == pytest.approx(7, abs=1)
    openai.fault(kind="error")
    assert failure(openai.url).retry_after is None


@pytest.mark.parametrize("kind", ["hang", "slow"])
def test_a_provider_that_is_silent_is_left_in_time(openai: OpenAIHandle, kind: str) -> None:
    openai.fault(kind=kind, seconds=20)
    began = time.monotonic()
    error = failure(openai.url, within=0.3)
    assert time.monotonic() - began < 5
    assert (error.blame, error.what) == (Blame.PROVIDER, "The provider did not answer in time.")


def test_a_provider_that_is_not_there_is_named(openai: OpenAIHandle) -> None:
    assert failure("http://127.0.0.1:1/v1").what == "The provider cannot be reached."


def test_neither_the_key_nor_what_is_echoed_of_it_is_told(openai: OpenAIHandle) -> None:
    """OpenAI's own sentence for a wrong key shows its first eight and last four characters."""
    unknown = "sk-proj-QWERTYUIOPASDFGHJKL0987"
    for error in (failure(openai.url, key=unknown), _echoed(unknown)):
        shown = "".join(traceback.format_exception(error)) + repr(vars(error))
        assert unknown not in shown
        assert "QWERTY" not in shown
        assert "0987" not in shown


def _echoed(key: str) -> Failed:
    """The failure of a server that repeats the key in its error."""
    import httpx2
    import openai

    from chatai_core.adapters.completions import _failure

    body = {"message": f"Bad\x1b[31m request of {key} and {key[:8]}***{key[-4:]}", "code": "invalid_request"}
    response = httpx2.Response(400, request=httpx2.Request("POST", "http://127.0.0.1/v1"))
    return _failure(openai.BadRequestError("no", response=response, body=body), Secret(key))
