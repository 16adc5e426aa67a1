"""The methods with which a bot speaks: send, edit, delete, answer a button."""

from typing import Any

import msgspec

from chatai_core.simulators.telegram.bots import Bot, Chat, now
from chatai_core.simulators.telegram.calls import Arguments, Failure, bad
from chatai_core.simulators.telegram.limits import Throttle
from chatai_core.simulators.telegram.markup import Entity, commands_and_mentions, parse_html, trimmed

LONGEST_TEXT = 4096

_ACTIONS = frozenset(
    {
        "typing",
        "upload_photo",
        "record_video",
        "upload_video",
        "record_voice",
        "upload_voice",
        "upload_document",
        "choose_sticker",
        "find_location",
        "record_video_note",
        "upload_video_note",
    }
)
_NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current"
    " content and reply markup of the message"
)


def send_message(bot: Bot, arguments: Arguments, throttle: Throttle) -> msgspec.Raw:
    """sendMessage: the message as it stands in the chat."""
    text, entities = _formatted(arguments)
    chat = _open_chat(bot, arguments)
    extras = _reply(bot, chat, arguments) | _buttons(arguments)
    throttle.admit_message(bot, chat)
    message: dict[str, Any] = {
        "message_id": bot.next_message_id(chat.id),
        "from": bot.user,
        "chat": chat.shown,
        "date": now(),
        "text": text,
    }
    if entities:
        message["entities"] = entities
    return msgspec.Raw(bot.outbox.put(chat.id, message | extras))


def edit_message_text(bot: Bot, arguments: Arguments, throttle: Throttle) -> msgspec.Raw:
    """editMessageText: the message with its new text."""
    text, entities = _formatted(arguments)
    if not arguments.text("message_id"):
        raise bad("message identifier is not specified")
    chat = _open_chat(bot, arguments)
    old = bot.outbox.get(chat.id, arguments.integer("message_id", 0))
    if old is None:
        raise bad("message to edit not found")
    new = {name: value for name, value in old.items() if name not in {"text", "entities", "reply_markup"}}
    new |= {"text": text} | ({"entities": entities} if entities else {}) | _buttons(arguments)
    if new == old:
        raise bad(_NOT_MODIFIED)
    return msgspec.Raw(bot.outbox.put(chat.id, new | {"edit_date": now()}))


def delete_message(bot: Bot, arguments: Arguments, throttle: Throttle) -> bool:
    """deleteMessage: an own message is gone, a user's message is left alone but allowed."""
    chat = _open_chat(bot, arguments)
    message_id = arguments.integer("message_id", 0)
    if not bot.outbox.remove(chat.id, message_id) and not bot.has_message(chat.id, message_id):
        raise bad("message to delete not found")
    return True


def send_chat_action(bot: Bot, arguments: Arguments, throttle: Throttle) -> bool:
    """sendChatAction: the chat sees the bot typing."""
    if arguments.text("action").lower() not in _ACTIONS:
        raise bad("wrong parameter action in request")
    _open_chat(bot, arguments)
    return True


def answer_callback_query(bot: Bot, arguments: Arguments, throttle: Throttle) -> bool:
    """answerCallbackQuery: the button stops turning."""
    if arguments.text("callback_query_id") not in bot.unanswered:
        raise bad("query is too old and response timeout expired or query ID is invalid")
    del bot.unanswered[arguments.text("callback_query_id")]
    return True


def get_chat(bot: Bot, arguments: Arguments, throttle: Throttle) -> dict[str, Any]:
    """getChat: the chat as the bot may know it."""
    return _chat(bot, arguments).shown | {"accent_color_id": 0, "max_reaction_count": 11}


def _chat(bot: Bot, arguments: Arguments) -> Chat:
    if not arguments.text("chat_id"):
        raise bad("chat_id is empty")
    chat = bot.chats.get(arguments.integer("chat_id", 0))
    if chat is None:
        raise bad("chat not found")
    return chat


def _open_chat(bot: Bot, arguments: Arguments) -> Chat:
    chat = _chat(bot, arguments)
    if chat.is_closed:
        raise Failure(403, f"Forbidden: {chat.why_closed}")
    return chat


def _formatted(arguments: Arguments) -> tuple[str, list[Entity]]:
    """The text after its entities are parsed, as Telegram counts it."""
    text, mode = arguments.text("text"), arguments.text("parse_mode").lower()
    if mode == "html":
        text, entities = trimmed(*parse_html(text))
    elif mode in {"", "none", "markdown", "markdownv2"}:
        text, entities = trimmed(text, _given_entities(arguments))
    else:
        raise bad("unsupported parse_mode")
    if not text:
        raise bad("message text is empty")
    if len(text) > LONGEST_TEXT:
        raise bad("message is too long")
    return text, entities or commands_and_mentions(text)


def _given_entities(arguments: Arguments) -> list[Entity]:
    entities = arguments.json("entities", "message entities") or []
    for entity in entities if isinstance(entities, list) else [None]:
        if not isinstance(entity, dict) or not {"offset", "length", "type"} <= entity.keys():
            raise bad("can't parse MessageEntity")
    return entities


def _reply(bot: Bot, chat: Chat, arguments: Arguments) -> dict[str, Any]:
    wanted = arguments.json("reply_parameters", "reply parameters") or {}
    if not isinstance(wanted, dict):
        raise bad("object expected as reply parameters")
    message_id = int(wanted.get("message_id") or arguments.integer("reply_to_message_id", 0))
    if not message_id:
        return {}
    if bot.has_message(chat.id, message_id):
        return {"reply_to_message": {"message_id": message_id, "chat": chat.shown, "date": now()}}
    if wanted.get("allow_sending_without_reply") or arguments.truth("allow_sending_without_reply"):
        return {}
    raise bad("message to be replied not found")


def _buttons(arguments: Arguments) -> dict[str, Any]:
    markup = arguments.json("reply_markup", "reply keyboard markup")
    if markup is None:
        return {}
    if not isinstance(markup, dict):
        raise bad("object expected as reply markup")
    return {"reply_markup": markup} if markup.get("inline_keyboard") else {}
