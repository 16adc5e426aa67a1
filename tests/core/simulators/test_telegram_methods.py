"""What a bot can say, and how Telegram refuses."""

import asyncio
from typing import Any

import httpx
import pytest
import telegram
from telegram.constants import ChatAction, ParseMode

from chatai_core.simulators.pair import Pair
from tests.core.simulators.conftest import TOKEN, Caller

CHAT, GROUP, SUPERGROUP = 42, -77, -1_000_000_000_555


def with_bot(pair: Pair, work: Any, token: str = TOKEN) -> Any:
    """Run ``work(bot)`` with python-telegram-bot's own client."""

    async def run() -> Any:
        async with telegram.Bot(token, base_url=f"{pair.telegram.url}/bot") as bot:
            return await work(bot)

    return asyncio.run(run())


def test_python_telegram_bot_learns_who_it_is(pair: Pair) -> None:
    me = with_bot(pair, lambda bot: bot.get_me())
    assert (me.id, me.username, me.is_bot, me.can_read_all_group_messages) == (123456, "echo_bot", True, False)


def test_python_telegram_bot_sends_a_message(pair: Pair) -> None:
    pair.telegram.open_chats(TOKEN, CHAT)
    keyboard = telegram.InlineKeyboardMarkup([[telegram.InlineKeyboardButton("Yes", callback_data="yes")]])

    async def work(bot: telegram.Bot) -> telegram.Message:
        await bot.send_chat_action(CHAT, ChatAction.TYPING)
        return await bot.send_message(CHAT, "<b>Hello</b> ж", parse_mode=ParseMode.HTML, reply_markup=keyboard)

    message = with_bot(pair, work)
    assert (message.text, message.text_html) == ("Hello ж", "<b>Hello</b> ж")
    assert message.reply_markup == keyboard
    assert message.from_user.username == "echo_bot"
    assert [sent["text"] for sent in pair.telegram.sent(TOKEN, CHAT)] == ["Hello ж"]
    assert pair.telegram.counters(TOKEN)["sendChatAction"] == {"200": 1}


def test_python_telegram_bot_meets_its_own_errors(pair: Pair) -> None:
    pair.telegram.open_chats(TOKEN, CHAT)
    with pytest.raises(telegram.error.BadRequest, match="Chat not found"):
        with_bot(pair, lambda bot: bot.send_message(1, "x"))
    pair.telegram.block(TOKEN, CHAT)
    with pytest.raises(telegram.error.Forbidden, match="bot was blocked by the user"):
        with_bot(pair, lambda bot: bot.send_message(CHAT, "x"))
    with pytest.raises(telegram.error.InvalidToken):
        with_bot(pair, lambda bot: bot.get_me(), token="123456:wrong")


def test_message_ids_grow_over_the_chats_of_an_account_and_apart_in_supergroups(call: Caller, pair: Pair) -> None:
    pair.telegram.open_chats(TOKEN, CHAT, GROUP, SUPERGROUP)
    sent = [call.result("sendMessage", chat_id=chat, text="x") for chat in (CHAT, GROUP, SUPERGROUP, CHAT)]
    assert [message["message_id"] for message in sent] == [1, 2, 1, 3]
    assert [message["chat"]["type"] for message in sent] == ["private", "group", "supergroup", "private"]


def test_parameters_may_come_in_any_of_telegrams_four_ways(call: Caller, pair: Pair) -> None:
    pair.telegram.open_chats(TOKEN, CHAT)
    url, fields = f"{pair.telegram.url}/bot{TOKEN}/sendmessage", {"chat_id": str(CHAT), "text": "à & б"}
    answers = [
        call.client.get(url, params=fields),
        call.client.post(url, data=fields),
        call.client.post(url, json=fields),
        call.client.post(url, data=fields, files={"unused": b"x"}),
    ]
    assert [answer.json()["result"]["text"] for answer in answers] == ["à & б"] * 4


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        ({"text": "x"}, "Bad Request: chat_id is empty"),
        ({"chat_id": "@nobody", "text": "x"}, "Bad Request: chat not found"),
        ({"chat_id": CHAT}, "Bad Request: message text is empty"),
        ({"chat_id": CHAT, "text": " \n "}, "Bad Request: message text is empty"),
        ({"chat_id": CHAT, "text": "<b></b>", "parse_mode": "HTML"}, "Bad Request: message text is empty"),
        ({"chat_id": CHAT, "text": "ж" * 4097}, "Bad Request: message is too long"),
        ({"chat_id": CHAT, "text": "x", "parse_mode": "BBCode"}, "Bad Request: unsupported parse_mode"),
        (
            {"chat_id": CHAT, "text": "x", "reply_markup": "{"},
            "Bad Request: can't parse reply keyboard markup JSON object",
        ),
        ({"chat_id": CHAT, "text": "x", "entities": [1]}, "Bad Request: can't parse MessageEntity"),
        ({"chat_id": CHAT, "text": "x", "reply_parameters": [1]}, "Bad Request: object expected as reply parameters"),
        (
            {"chat_id": CHAT, "text": "x", "reply_parameters": {"message_id": 99}},
            "Bad Request: message to be replied not found",
        ),
        (
            {"chat_id": CHAT, "text": "<i>x", "parse_mode": "html"},
            "Bad Request: can't parse entities: Can't find end tag corresponding to start tag \"i\"",
        ),
    ],
)
def test_a_wrong_message_is_refused_in_telegrams_words(
    call: Caller, pair: Pair, parameters: dict[str, Any], why: str
) -> None:
    pair.telegram.open_chats(TOKEN, CHAT)
    assert call.refused("sendMessage", **parameters) == why


def test_the_length_counts_after_the_entities_are_parsed(call: Caller, pair: Pair) -> None:
    pair.telegram.open_chats(TOKEN, CHAT)
    longest = call.result("sendMessage", chat_id=CHAT, text=f"<b>{'😀' * 4096}</b>", parse_mode="HTML")
    assert longest["entities"] == [{"offset": 0, "length": 8192, "type": "bold"}]


def test_a_reply_names_what_it_answers(call: Caller, pair: Pair) -> None:
    pair.telegram.say(TOKEN, CHAT, "question")
    answer = call.result("sendMessage", chat_id=CHAT, text="answer", reply_parameters={"message_id": 1})
    assert answer["reply_to_message"]["message_id"] == 1


def test_a_message_can_be_edited_and_deleted(call: Caller, pair: Pair) -> None:
    pair.telegram.open_chats(TOKEN, CHAT)
    message = {"chat_id": CHAT, "message_id": call.result("sendMessage", chat_id=CHAT, text="one")["message_id"]}
    assert call.result("editMessageText", **message, text="two")["text"] == "two"
    assert call.refused("editMessageText", **message, text="two").startswith("Bad Request: message is not modified")
    assert [sent["text"] for sent in pair.telegram.sent(TOKEN, CHAT)] == ["two"]
    assert call.result("deleteMessage", **message) is True
    assert call.refused("editMessageText", **message, text="three") == "Bad Request: message to edit not found"


def test_a_pressed_button_is_answered_once(call: Caller, pair: Pair) -> None:
    pair.telegram.open_chats(TOKEN, CHAT)
    message = call.result("sendMessage", chat_id=CHAT, text="Sure?")
    query_id = pair.telegram.press(TOKEN, CHAT, message["message_id"], "yes")
    (update,) = call.result("getUpdates")
    assert update["callback_query"]["data"] == "yes"
    assert update["callback_query"]["message"]["text"] == "Sure?"
    assert call.result("answerCallbackQuery", callback_query_id=query_id) is True
    assert "query is too old" in call.refused("answerCallbackQuery", callback_query_id=query_id)


def test_commands_of_the_menu_are_kept(call: Caller) -> None:
    commands = [{"command": "start", "description": "Begin"}]
    assert call.result("setMyCommands", commands=commands) is True
    assert call.result("getMyCommands") == commands
    assert call.refused("setMyCommands", commands="{}") == "Bad Request: expected an Array of BotCommand"


def test_an_unknown_action_method_or_path_is_refused(call: Caller, pair: Pair) -> None:
    pair.telegram.open_chats(TOKEN, CHAT)
    assert call.refused("sendChatAction", chat_id=CHAT, action="dancing") == (
        "Bad Request: wrong parameter action in request"
    )
    assert call("sendTelepathy")[0] == 404
    assert httpx.get(f"{pair.telegram.url}/nothing").json() == {
        "ok": False,
        "error_code": 404,
        "description": "Not Found",
    }


def test_an_unknown_or_revoked_token_is_unauthorized(call: Caller, pair: Pair) -> None:
    unauthorized = (401, {"ok": False, "error_code": 401, "description": "Unauthorized"})
    assert call("getMe", token="1:unknown") == unauthorized
    pair.telegram.revoke(TOKEN)
    assert call("getMe") == unauthorized
    pair.telegram.add_bot(TOKEN)
    assert call("getMe")[0] == 200


def test_a_new_token_ends_the_old_one_and_keeps_what_waits(call: Caller, pair: Pair) -> None:
    pair.telegram.say(TOKEN, CHAT, "hello")
    pair.telegram.add_bot("123456:new")
    assert call("getMe")[0] == 401
    assert len(call.result("getUpdates", token="123456:new")) == 1
    assert call.result("sendMessage", token="123456:new", chat_id=CHAT, text="x")["message_id"] == 2


def test_a_bot_that_logged_out_is_gone(call: Caller) -> None:
    assert call.result("logOut") is True
    assert call.refused("getMe") == "Logged out"


def test_close_is_refused_in_the_first_ten_minutes(call: Caller) -> None:
    status, answer = call("close")
    assert (status, 590 < answer["parameters"]["retry_after"] <= 600) == (429, True)


def test_a_bot_thrown_out_of_a_group_cannot_write_there(call: Caller, pair: Pair) -> None:
    pair.telegram.open_chats(TOKEN, SUPERGROUP)
    pair.telegram.block(TOKEN, SUPERGROUP)
    assert call.refused("sendMessage", chat_id=SUPERGROUP, text="x") == (
        "Forbidden: bot was kicked from the supergroup chat"
    )
    (update,) = call.result("getUpdates")
    assert update["my_chat_member"]["new_chat_member"]["status"] == "kicked"
    pair.telegram.unblock(TOKEN, SUPERGROUP)
    assert call.result("sendMessage", chat_id=SUPERGROUP, text="x")["text"] == "x"


def test_what_the_bot_sends_can_be_waited_for(call: Caller, pair: Pair) -> None:
    pair.telegram.open_chats(TOKEN, CHAT)
    call.result("sendMessage", chat_id=CHAT, text="one")
    last = pair.telegram.last_sent(TOKEN)
    with pytest.raises(TimeoutError, match="not 1"):
        pair.telegram.sent(TOKEN, CHAT, timeout=0.05, after=last)
    call.result("sendMessage", chat_id=CHAT, text="two")
    assert [message["text"] for message in pair.telegram.sent(TOKEN, CHAT, after=last)] == ["two"]


def test_a_wrong_control_request_says_what_is_wrong(pair: Pair) -> None:
    with pytest.raises(ValueError, match="no bot 9 is registered"):
        pair.telegram.say("9:x", CHAT, "x")
    with pytest.raises(ValueError, match="a token is <number>:<secret>"):
        pair.telegram.add_bot("nonsense")
    with pytest.raises(ValueError, match="unknown kind 'plague'"):
        pair.telegram.fault(kind="plague")
    with pytest.raises(ValueError, match="chat_id"):
        pair.telegram.ask("POST", "bots/123456/messages", {"text": "x"})
