"""What a bot hears: offsets, long polls, conflicts, kinds, privacy."""

import asyncio
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from telegram import Update
from telegram.ext import Application, CommandHandler, ContextTypes, MessageHandler, filters

from chatai_core.simulators.pair import Pair
from tests.core.simulators.conftest import TOKEN, Caller

CHAT, GROUP = 42, -77


@pytest.fixture
def pool() -> Any:
    with ThreadPoolExecutor(8) as threads:
        yield threads


def texts(updates: list[dict[str, Any]]) -> list[str]:
    return [update["message"]["text"] for update in updates]


def poll_in(pool: ThreadPoolExecutor, call: Caller, pair: Pair, **parameters: Any) -> "Future[tuple[int, Any]]":
    """Start a long poll and return when the simulator holds it."""
    before = pair.telegram.ask("GET", "bots/123456/polls")["polls"]
    polling = pool.submit(call, "getUpdates", **parameters)
    pair.telegram.wait_for_poll(TOKEN, after=before)
    return polling


def test_updates_stay_until_an_offset_confirms_them(call: Caller, pair: Pair) -> None:
    first, second, third = pair.telegram.say_all(TOKEN, [(CHAT, "one"), (CHAT, "two"), (CHAT, "three")])
    assert [second, third] == [first + 1, first + 2]
    assert texts(call.result("getUpdates")) == ["one", "two", "three"]
    assert texts(call.result("getUpdates", limit=1)) == ["one"]
    assert texts(call.result("getUpdates", offset=second)) == ["two", "three"]
    assert texts(call.result("getUpdates")) == ["two", "three"]
    assert call.result("getUpdates", offset=third + 1) == []
    assert pair.telegram.bot(TOKEN)["pending_updates"] == 0


def test_a_negative_offset_keeps_the_last_ones(call: Caller, pair: Pair) -> None:
    pair.telegram.say_all(TOKEN, [(CHAT, "one"), (CHAT, "two"), (CHAT, "three")])
    assert texts(call.result("getUpdates", offset=-2)) == ["two", "three"]
    assert texts(call.result("getUpdates")) == ["two", "three"]


def test_an_offset_in_the_far_future_confirms_nothing(call: Caller, pair: Pair) -> None:
    update_id = pair.telegram.say(TOKEN, CHAT, "one")
    assert texts(call.result("getUpdates", offset=update_id + 1000)) == ["one"]


def test_a_long_poll_waits_its_time_and_no_longer(call: Caller) -> None:
    began = time.monotonic()
    assert call.result("getUpdates", timeout=1) == []
    assert 0.95 < time.monotonic() - began < 10


def test_a_long_poll_returns_at_once_with_a_message(call: Caller, pair: Pair, pool: ThreadPoolExecutor) -> None:
    polling = poll_in(pool, call, pair, timeout=30)
    began = time.monotonic()
    pair.telegram.say(TOKEN, CHAT, "hello")
    assert texts(polling.result()[1]["result"]) == ["hello"]
    assert time.monotonic() - began < 10


def test_a_second_poll_ends_the_first_with_a_conflict(call: Caller, pair: Pair, pool: ThreadPoolExecutor) -> None:
    first = poll_in(pool, call, pair, timeout=30)
    second = poll_in(pool, call, pair, timeout=30)
    status, answer = first.result()
    assert (status, answer["description"]) == (
        409,
        "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
    )
    pair.telegram.say(TOKEN, CHAT, "hello")
    assert texts(second.result()[1]["result"]) == ["hello"]


def test_who_loses_again_at_once_is_told_after_three_seconds(
    call: Caller, pair: Pair, pool: ThreadPoolExecutor
) -> None:
    first = poll_in(pool, call, pair, timeout=30)
    second = poll_in(pool, call, pair, timeout=30)
    assert first.result()[0] == 409
    began = time.monotonic()
    third = poll_in(pool, call, pair, timeout=30)
    assert second.result()[0] == 409
    assert 2.8 < time.monotonic() - began < 20
    pair.telegram.revoke(TOKEN)
    assert third.result()[0] == 401


def test_a_poll_whose_client_has_gone_takes_nothing(call: Caller, pair: Pair) -> None:
    with pytest.raises(Exception, match="timed out"):
        call.client.post(f"{call.url}/bot{TOKEN}/getUpdates", json={"timeout": 30}, timeout=0.2)
    pair.telegram.say(TOKEN, CHAT, "hello")
    assert texts(call.result("getUpdates", timeout=5)) == ["hello"]


def test_only_allowed_kinds_are_kept_from_then_on(call: Caller, pair: Pair) -> None:
    assert call.result("getUpdates", allowed_updates=["callback_query"]) == []
    assert pair.telegram.say(TOKEN, CHAT, "unheard") is None
    assert call.result("getUpdates") == []
    assert call.result("getUpdates", allowed_updates=[]) == []
    assert pair.telegram.say(TOKEN, CHAT, "heard") is not None
    assert pair.telegram.push(TOKEN, "chat_member", {}) is None  # only on demand
    assert texts(call.result("getUpdates")) == ["heard"]


def test_in_a_group_a_private_bot_hears_what_concerns_it(call: Caller, pair: Pair) -> None:
    answered = {"message_id": 1, "from": {"id": 123456}}
    assert pair.telegram.say(TOKEN, GROUP, "just chatting") is None
    pair.telegram.say(TOKEN, GROUP, "/help")
    pair.telegram.say(TOKEN, GROUP, "what about you, @Echo_Bot?")
    pair.telegram.say(TOKEN, GROUP, "indeed", reply_to_message=answered)
    assert len(call.result("getUpdates")) == 3
    pair.telegram.add_bot("7:x", sees_all=True)
    assert pair.telegram.say("7:x", GROUP, "just chatting") is not None


def test_messages_carry_what_people_send(call: Caller, pair: Pair) -> None:
    photo = [{"file_id": "f", "file_unique_id": "u", "width": 1, "height": 1}]
    pair.telegram.say(TOKEN, CHAT, photo=photo, caption="look", sender={"first_name": "Анна", "language_code": "ru"})
    pair.telegram.edit(TOKEN, CHAT, 1, "changed")
    first, second = (Update.de_json(update, None) for update in call.result("getUpdates"))
    assert (first.message.caption, first.effective_user.first_name, first.message.chat.first_name) == (
        "look",
        "Анна",
        "Анна",
    )
    assert second.edited_message.text == "changed"


async def _echo(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    assert update.message is not None
    await update.message.reply_text(f"echo: {update.message.text}")


async def _start(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    assert update.message is not None
    await update.message.reply_html("<b>Welcome</b>")


def test_an_application_of_python_telegram_bot_polls_and_answers(pair: Pair) -> None:
    async def run() -> list[str]:
        builder = Application.builder().token(TOKEN).base_url(f"{pair.telegram.url}/bot").job_queue(None)
        application = builder.build()
        application.add_handler(CommandHandler("start", _start))
        application.add_handler(MessageHandler(filters.TEXT, _echo))
        async with application:
            await application.updater.start_polling(timeout=30)
            await application.start()
            say = pair.telegram.say
            for text in ("/start", "one", "two"):
                await asyncio.to_thread(say, TOKEN, CHAT, text)
            sent = await asyncio.to_thread(pair.telegram.sent, TOKEN, CHAT, 3)
            await application.updater.stop()
            await application.stop()
        return [message["text"] for message in sent]

    assert asyncio.run(run()) == ["Welcome", "echo: one", "echo: two"]
    assert pair.telegram.bot(TOKEN)["pending_updates"] == 0
