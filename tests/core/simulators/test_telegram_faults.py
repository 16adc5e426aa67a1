"""Telegram on a bad day: limits, slow answers, errors, cut connections; and how fast the simulator is."""

import asyncio
import time

import aiohttp
import httpx
import pytest

from chatai_core.simulators.pair import Pair
from tests.core.simulators.conftest import TOKEN, Caller

CHAT, OTHER, GROUP = 42, 43, -77


def statuses(call: Caller, *chats: int) -> list[int]:
    return [call("sendMessage", chat_id=chat, text="x")[0] for chat in chats]


def test_without_limits_everything_is_allowed(call: Caller, pair: Pair) -> None:
    pair.telegram.open_chats(TOKEN, CHAT, GROUP)
    assert statuses(call, *[CHAT, GROUP] * 50) == [200] * 100


def test_a_chat_takes_a_burst_and_then_one_a_second(call: Caller, pair: Pair) -> None:
    pair.telegram.open_chats(TOKEN, CHAT, OTHER)
    pair.telegram.limit(chat_per_second=1, chat_burst=2)
    assert statuses(call, CHAT, CHAT, CHAT, OTHER) == [200, 200, 429, 200]
    response = call.client.post(f"{call.url}/bot{TOKEN}/sendMessage", json={"chat_id": CHAT, "text": "x"})
    assert response.json() == {
        "ok": False,
        "error_code": 429,
        "description": "Too Many Requests: retry after 1",
        "parameters": {"retry_after": 1},
    }
    assert response.headers["Retry-After"] == "1"
    time.sleep(1.05)
    assert statuses(call, CHAT, CHAT) == [200, 429]


def test_a_group_takes_twenty_a_minute_and_not_one_more(call: Caller, pair: Pair) -> None:
    pair.telegram.open_chats(TOKEN, GROUP)
    pair.telegram.limit(real=True, bot_per_second=0)
    assert statuses(call, *[GROUP] * 21) == [200] * 20 + [429]
    assert call("sendMessage", chat_id=GROUP, text="x")[1]["parameters"]["retry_after"] > 55


def test_a_bot_takes_so_many_a_second_over_all_its_chats(call: Caller, pair: Pair) -> None:
    pair.telegram.open_chats(TOKEN, *range(1, 40))
    pair.telegram.limit(bot_per_second=5)
    assert statuses(call, *range(1, 7)) == [200] * 5 + [429]


def test_new_bots_are_limited_by_address(call: Caller, pair: Pair) -> None:
    pair.telegram.limit(new_bots_per_minute=2, new_bots_per_hour=100)
    for number in range(1, 4):
        pair.telegram.add_bot(f"{number}:x")
    assert [call("getMe", token=f"{number}:x")[0] for number in (1, 2, 3, 1)] == [200, 200, 429, 200]


def test_webhooks_are_set_once_a_second(call: Caller, pair: Pair) -> None:
    pair.telegram.limit(webhook_per_second=1)
    addresses = ["http://127.0.0.1:9/a", "http://127.0.0.1:9/b"]
    assert [call("setWebhook", url=url)[0] for url in addresses] == [200, 429]


def test_an_impatient_poll_is_slowed_down(call: Caller, pair: Pair) -> None:
    pair.telegram.limit(idle_polls=True)
    pair.telegram.say_all(TOKEN, [(CHAT, "one"), (CHAT, "two")])
    assert len(call.result("getUpdates")) == 2
    (update,) = call.result("getUpdates")
    began = time.monotonic()
    assert call.result("getUpdates", offset=update["update_id"] + 2) == []
    assert call.result("getUpdates", offset=update["update_id"] + 2) == []
    assert time.monotonic() - began > 2.9


def test_a_fault_hits_as_often_as_it_should_and_only_what_fits(call: Caller, pair: Pair) -> None:
    pair.telegram.open_chats(TOKEN, CHAT, OTHER)
    pair.telegram.fault(kind="error", status=502, times=2, method="sendMessage", chat_id=CHAT)
    assert statuses(call, OTHER, CHAT, CHAT, CHAT) == [200, 502, 502, 200]
    pair.telegram.fault(kind="rate_limit", seconds=7, bot=123456)
    status, answer = call("getMe")
    assert (status, answer["parameters"]) == (429, {"retry_after": 7})
    pair.telegram.fault(kind="unauthorized", times=-1, method="getUpdates")
    assert [call("getUpdates")[0], call("getUpdates")[0], call("getMe")[0]] == [401, 401, 200]
    pair.telegram.clear_faults()
    assert call("getUpdates")[0] == 200


def test_a_share_of_the_calls_fails_evenly(call: Caller, pair: Pair) -> None:
    pair.telegram.fault(kind="error", times=-1, share=0.25)
    assert [call("getMe")[0] for _ in range(8)] == [200, 200, 200, 500] * 2


def test_a_slow_answer_is_only_slow(call: Caller, pair: Pair) -> None:
    pair.telegram.fault(kind="slow", seconds=0.3, times=-1)
    began = time.monotonic()
    assert call("getMe")[0] == 200
    assert time.monotonic() - began > 0.28


def test_a_hanging_answer_outlasts_the_client(call: Caller, pair: Pair) -> None:
    pair.telegram.fault(kind="hang")
    with pytest.raises(httpx.ReadTimeout):
        call.client.get(f"{call.url}/bot{TOKEN}/getMe", timeout=0.2)


def test_a_cut_connection_leaves_the_message_unsent_or_sent(call: Caller, pair: Pair) -> None:
    pair.telegram.open_chats(TOKEN, CHAT)
    for kind in ("cut", "cut_after"):
        pair.telegram.fault(kind=kind, method="sendMessage")
        with pytest.raises(httpx.TransportError):
            call("sendMessage", chat_id=CHAT, text=kind)
    assert [message["text"] for message in pair.telegram.sent(TOKEN, CHAT)] == ["cut_after"]


def test_a_broken_answer_is_no_json(call: Caller, pair: Pair) -> None:
    pair.telegram.fault(kind="broken_json")
    with pytest.raises(ValueError, match="line 1"):
        call("getMe")


def test_calls_are_counted_and_remembered(call: Caller, pair: Pair) -> None:
    pair.telegram.open_chats(TOKEN, CHAT)
    statuses(call, CHAT, CHAT, OTHER)
    call("getUpdates")
    assert pair.telegram.counters() == {"getUpdates": {"200": 1}, "sendMessage": {"200": 2, "400": 1}}
    calls = pair.telegram.calls(TOKEN, "sendMessage", count=3)
    assert [(call["status"], call["parameters"]["chat_id"]) for call in calls] == [
        (200, CHAT),
        (200, CHAT),
        (400, OTHER),
    ]


def test_two_thousand_messages_are_a_matter_of_seconds(pair: Pair) -> None:
    pair.telegram.open_chats(TOKEN, *range(1, 21))
    url = f"{pair.telegram.url}/bot{TOKEN}/sendMessage"

    async def send(session: aiohttp.ClientSession, chat: int) -> None:
        for _ in range(100):
            async with session.post(url, data={"chat_id": chat, "text": "hello"}) as response:
                assert response.status == 200

    async def run() -> None:
        async with aiohttp.ClientSession() as session:
            await asyncio.gather(*(send(session, chat) for chat in range(1, 21)))

    began = time.monotonic()
    asyncio.run(run())
    assert time.monotonic() - began < 20  # one, on an idle machine
    assert pair.telegram.counters(TOKEN)["sendMessage"] == {"200": 2000}
    assert len(pair.telegram.sent(TOKEN)) == 1000  # the rest is forgotten: memory is bounded
