"""Webhooks: the secret, the order within a chat, and what happens until the webhook says 200."""

import asyncio
import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from chatai_core.simulators.handles import TelegramHandle
from chatai_core.simulators.pair import Pair
from chatai_core.simulators.telegram import Telegram
from tests.core.simulators.conftest import TOKEN, Caller

CHAT, OTHER = 42, 43

Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Receiver:
    """A backend that takes updates; ``answer`` decides what it says to each."""

    url: str = ""
    answer: Callable[[dict[str, Any]], Answer] = lambda update: (200, {}, b"")
    texts: list[str] = field(default_factory=list)
    secrets: list[str | None] = field(default_factory=list)
    most_at_once: int = 0
    _now: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def take(self, update: dict[str, Any], secret: str | None) -> Answer:
        with self._changed:
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
            self.texts.append(update["message"]["text"])
            self.secrets.append(secret)
            self._changed.notify_all()
        answer = self.answer(update)
        with self._changed:
            self._now -= 1
        return answer

    def wait_for(self, count: int, seconds: float = 10) -> list[str]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.texts) >= count, seconds), self.texts
            return list(self.texts)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    taking = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            update = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, headers, body = taking.take(update, self.headers["X-Telegram-Bot-Api-Secret-Token"])
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """The test's output stays clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    taking.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield taking
    server.shutdown()
    server.server_close()
    thread.join()


def fail_once(text: str, status: int = 500, **headers: str) -> Callable[[dict[str, Any]], Answer]:
    """Refuse the first delivery of this text."""
    seen: Counter[str] = Counter()

    def answer(update: dict[str, Any]) -> Answer:
        said = update["message"]["text"]
        seen[said] += 1
        fails = said == text and seen[said] == 1
        return (
            (status, {name.replace("_", "-"): value for name, value in headers.items()}, b"")
            if fails
            else (200, {}, b"")
        )

    return answer


def test_updates_arrive_with_the_secret_and_are_gone_when_taken(call: Caller, pair: Pair, receiver: Receiver) -> None:
    pair.telegram.say(TOKEN, CHAT, "before")
    assert call.result("setWebhook", url=receiver.url, secret_token="s3cret") is True
    pair.telegram.say(TOKEN, CHAT, "after")
    assert receiver.wait_for(2) == ["before", "after"]
    assert receiver.secrets == ["s3cret", "s3cret"]
    assert call("setWebhook", url=receiver.url, secret_token="s3cret")[1]["description"] == "Webhook is already set"


def test_an_update_is_repeated_before_the_next_of_its_chat(call: Caller, pair: Pair, receiver: Receiver) -> None:
    receiver.answer = fail_once("one")
    call.result("setWebhook", url=receiver.url)
    pair.telegram.say_all(TOKEN, [(CHAT, "one"), (CHAT, "two"), (CHAT, "three")])
    assert receiver.wait_for(4) == ["one", "one", "two", "three"]
    info = call.result("getWebhookInfo")
    assert info["last_error_message"] == "Wrong response from the webhook: 500 Internal Server Error"


def test_a_chat_that_waits_does_not_hold_up_another(call: Caller, pair: Pair, receiver: Receiver) -> None:
    receiver.answer = fail_once("slow", 503, Retry_After="2")
    began = time.monotonic()
    call.result("setWebhook", url=receiver.url)
    pair.telegram.say_all(TOKEN, [(CHAT, "slow"), (CHAT, "behind"), (OTHER, "quick")])
    assert sorted(receiver.wait_for(2)) == ["quick", "slow"]
    assert time.monotonic() - began < 1.5
    assert receiver.wait_for(4)[2:] == ["slow", "behind"]
    assert time.monotonic() - began >= 2


def test_one_connection_gives_one_order_for_all_chats(call: Caller, pair: Pair, receiver: Receiver) -> None:
    call.result("setWebhook", url=receiver.url, max_connections=1)
    pair.telegram.say_all(TOKEN, [(chat, f"{chat}") for chat in range(1, 31)])
    receiver.wait_for(30)
    assert receiver.most_at_once == 1


def test_a_webhook_may_answer_with_a_message(call: Caller, pair: Pair, receiver: Receiver) -> None:
    reply = {"method": "sendMessage", "chat_id": CHAT, "text": "by webhook"}
    receiver.answer = lambda update: (200, {"Content-Type": "application/json"}, json.dumps(reply).encode())
    call.result("setWebhook", url=receiver.url)
    pair.telegram.say(TOKEN, CHAT, "hello")
    assert [message["text"] for message in pair.telegram.sent(TOKEN, CHAT)] == ["by webhook"]


def test_a_new_webhook_ends_the_poll(call: Caller, pair: Pair, receiver: Receiver) -> None:
    with ThreadPoolExecutor(1) as pool:
        polling = pool.submit(call, "getUpdates", timeout=30)
        pair.telegram.wait_for_poll(TOKEN)
        call.result("setWebhook", url=receiver.url)
        assert polling.result()[1]["description"] == "Conflict: terminated by setWebhook request"


def test_with_a_webhook_there_is_no_polling(call: Caller, receiver: Receiver) -> None:
    call.result("setWebhook", url=receiver.url)
    status, answer = call("getUpdates")
    assert (status, answer["description"].partition(";")[0]) == (
        409,
        "Conflict: can't use getUpdates method while webhook is active",
    )
    assert call("deleteWebhook")[1]["description"] == "Webhook was deleted"
    assert call("deleteWebhook")[1]["description"] == "Webhook is already deleted"
    assert call.result("getUpdates") == []


def test_what_a_dead_webhook_did_not_take_stays_or_is_dropped(call: Caller, pair: Pair) -> None:
    call.result("setWebhook", url="http://127.0.0.1:9/nobody")
    pair.telegram.say_all(TOKEN, [(CHAT, "one"), (CHAT, "two")])
    assert call.result("getWebhookInfo")["pending_update_count"] == 2
    call.result("deleteWebhook")
    assert len(call.result("getUpdates")) == 2
    call.result("deleteWebhook", drop_pending_updates=True)
    assert call.result("getUpdates") == []


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        ({"url": "ftp://x"}, "invalid webhook URL specified"),
        ({"url": "http://127.0.0.1/", "secret_token": "x" * 257}, "secret token is too long"),
        ({"url": "http://127.0.0.1/", "secret_token": "ж"}, "secret token contains unallowed characters"),
    ],
)
def test_a_wrong_webhook_is_refused(call: Caller, parameters: dict[str, str], why: str) -> None:
    assert call.refused("setWebhook", **parameters) == f"Bad Request: {why}"


def test_the_waits_between_the_tries_double(receiver: Receiver) -> None:
    receiver.answer = lambda update: (500, {}, b"")
    times: list[float] = []

    async def run() -> None:
        simulator = Telegram(webhook_pause=0.1)
        await simulator.start()
        try:
            await asyncio.to_thread(set_up, TelegramHandle(simulator.url))
            for count in range(1, 5):
                await asyncio.to_thread(receiver.wait_for, count)
                times.append(time.monotonic())
        finally:
            await simulator.stop()

    def set_up(handle: TelegramHandle) -> None:
        handle.add_bot(TOKEN)
        handle.say(TOKEN, CHAT, "hello")
        httpx.post(f"{handle.url}/bot{TOKEN}/setWebhook", data={"url": receiver.url})

    asyncio.run(run())
    pauses = [after - before for before, after in itertools.pairwise(times)]
    assert pauses[0] < pauses[1] < pauses[2]
    assert pauses[1] > 0.18
    assert pauses[2] > 0.38
