import asyncio
import contextlib
import logging
import threading
from collections.abc import Iterator

import pytest

from chatai_core.adapters import http
from chatai_core.adapters.web import Answer, Request, Route, serving
from chatai_core.errors import BadData, Busy, ChataiError, Misconfigured, NotFound, NotPermitted, Unauthenticated
from chatai_core.errors import Unavailable as Away


@contextlib.contextmanager
def server(*answers: Answer) -> Iterator[str]:
    """A server that answers ``/n/secret`` with the n-th answer."""

    async def answer(request: Request) -> Answer:
        if request.headers.get("X-Slow"):
            await asyncio.sleep(2)
        return answers[int(request.parameters["n"])]

    async def run() -> None:
        over.append((asyncio.get_running_loop(), stop := asyncio.Event()))
        routes = [Route(method, "/{n}/secret", answer) for method in ("GET", "POST")]
        async with serving(routes, host="127.0.0.1", port=0) as port:
            ports.append(port)
            started.set()
            await stop.wait()

    over: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
    ports: list[int] = []
    started = threading.Event()
    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    started.wait()
    try:
        yield f"http://127.0.0.1:{ports[0]}"
    finally:
        loop, stop = over[0]
        loop.call_soon_threadsafe(stop.set)
        thread.join()


def test_json_comes_as_python_values() -> None:
    with server(Answer({"a": [1, None]}), Answer([])) as url, http.Client(f"{url}/") as client:
        assert client.get("/0/secret", q="ä") == {"a": [1, None]}
        assert client.post("/1/secret", {"b": 2}) == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadData),
        (401, Unauthenticated),
        (403, NotPermitted),
        (404, NotFound),
        (409, Busy),
        (429, Busy),
        (500, Away),
        (503, Away),
        (302, BadData),
    ],
)
def test_a_refusal_is_the_kind_of_its_status_in_the_servers_words(status: int, kind: type[ChataiError]) -> None:
    said = {"detail": "No.", "why": "Because.", "hint": "chatai help"}
    with server(Answer(said, status)) as url, http.Client(url) as client, pytest.raises(ChataiError) as refused:
        client.get("/0/secret")
    assert type(refused.value) is kind
    assert (refused.value.what, refused.value.why, refused.value.hint) == ("No.", "Because.", "chatai help")


@pytest.mark.parametrize("answer", [Answer("nothing", 404, "text/plain"), Answer([1], 404), Answer({"detail": 5}, 404)])
def test_a_refusal_without_words_gets_a_sentence_that_names_no_path(answer: Answer) -> None:
    with server(answer) as url, http.Client(url) as client, pytest.raises(NotFound, match="status 404") as refused:
        client.get("/0/secret")
    assert "secret" not in str(refused.value)


def test_what_is_no_json_is_another_program() -> None:
    page = Answer("<html>", content_type="text/html")
    with server(page) as url, http.Client(url) as client, pytest.raises(BadData, match="does not answer as expected"):
        client.get("/0/secret")


def test_silence_and_nobody_are_no_answer() -> None:
    slow = {"X-Slow": "1"}
    with (
        server(Answer({})) as url,
        http.Client(url, headers=slow, timeout=0.2) as client,
        pytest.raises(http.NoAnswer, match=r"silent for 0\.2 seconds"),
    ):
        client.get("/0/secret")
    with http.Client("http://127.0.0.1:9") as client, pytest.raises(http.NoAnswer) as nobody:
        client.get("/0/secret")
    assert "secret" not in str(nobody.value)


def test_loopback_is_asked_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with server(Answer({})) as url, http.Client(url) as client:
        assert client.get("/0/secret") == {}


def test_an_address_that_is_none_is_a_setting_that_is_wrong() -> None:
    with pytest.raises(Misconfigured):
        http.Client("http://[::1")


def test_a_path_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), server(Answer({})) as url, http.Client(url) as client:
        client.get("/0/secret")
    assert "secret" not in caplog.text
