"""What people do to a bot: they write, press buttons, block it. Each becomes an update."""

from itertools import count
from typing import Any

from chatai_core.simulators.telegram.bots import Bot, Chat, now
from chatai_core.simulators.telegram.markup import commands_and_mentions

# Telegram's numbers of the lanes of a webhook: buttons and memberships do not wait for messages.
_PRESS_LANE = 3 << 33
_MEMBERSHIP_LANE = 5 << 33
_DEFAULT_GROUP_MEMBER = 1001

_query_ids = count(4_000_000_000_000_000_001)


def person(chat_id: int, given: dict[str, Any] | None) -> dict[str, Any]:
    """The user who acts: the one of the private chat unless told."""
    usual = {"id": chat_id if chat_id > 0 else _DEFAULT_GROUP_MEMBER, "is_bot": False, "first_name": "User"}
    return usual | {"language_code": "en"} | (given or {})


def write(
    bot: Bot, chat_id: int, text: str, sender: dict[str, Any] | None, fields: dict[str, Any]
) -> tuple[int | None, int]:
    """Send a message into a chat: the update's id, None when the bot does not get to see it, and the message's."""
    user = person(chat_id, sender)
    chat = bot.chat(chat_id, user)
    message_id = bot.next_message_id(chat_id)
    message = {"message_id": message_id, "from": user, "chat": chat.shown, "date": now(), **_worded(text), **fields}
    if not _is_seen(bot, chat, message):
        return None, message_id
    return bot.updates.push("message", message, chat_id), message_id


def edit(bot: Bot, chat_id: int, message_id: int, text: str, sender: dict[str, Any] | None) -> int | None:
    """Change an own message."""
    user = person(chat_id, sender)
    dates = {"date": now(), "edit_date": now()}
    message = {"message_id": message_id, "from": user, "chat": bot.chat(chat_id, user).shown, **dates}
    return bot.updates.push("edited_message", message | _worded(text), chat_id)


def press(bot: Bot, chat_id: int, message_id: int, data: str, sender: dict[str, Any] | None) -> tuple[int | None, str]:
    """Press a button under the bot's message: the ids of the update and of the query that the bot should answer."""
    user = person(chat_id, sender)
    query_id = str(next(_query_ids))
    bare = {"message_id": message_id, "chat": bot.chat(chat_id, user).shown, "date": 0}
    message = bot.outbox.get(chat_id, message_id) or bare
    query = {"id": query_id, "from": user, "message": message, "chat_instance": str(chat_id), "data": data}
    bot.expect_answer(query_id)
    return bot.updates.push("callback_query", query, user["id"] + _PRESS_LANE), query_id


def close(bot: Bot, chat_id: int, *, closed: bool) -> int | None:
    """Block the bot or throw it out of the group, or let it in again."""
    chat = bot.chat(chat_id)
    before, chat.is_closed = chat.is_closed, closed
    if before == closed:
        return None
    statuses = ("kicked", "member") if before else ("member", "kicked")
    old, new = (_membership(bot, status) for status in statuses)
    change = {
        "chat": chat.shown,
        "from": person(chat_id, None),
        "date": now(),
        "old_chat_member": old,
        "new_chat_member": new,
    }
    return bot.updates.push("my_chat_member", change, chat_id + _MEMBERSHIP_LANE)


def _membership(bot: Bot, status: str) -> dict[str, Any]:
    return {"user": bot.user, "status": status} | ({"until_date": 0} if status == "kicked" else {})


def _worded(text: str) -> dict[str, Any]:
    if not text:
        return {}
    entities = commands_and_mentions(text)
    return {"text": text, "entities": entities} if entities else {"text": text}


def _is_seen(bot: Bot, chat: Chat, message: dict[str, Any]) -> bool:
    """In a group a bot in privacy mode sees commands, mentions and replies to itself."""
    if bot.sees_all or chat.kind == "private":
        return True
    text = message.get("text", "") or message.get("caption", "")
    answered = message.get("reply_to_message", {}).get("from", {})
    return text.startswith("/") or f"@{bot.username}".lower() in text.lower() or answered.get("id") == bot.id
