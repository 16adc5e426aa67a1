"""The Telegram Bot API as a local server.

Error texts, the offset rules, the conflicts and the order of webhooks follow the source of Telegram's own Bot API
server (github.com/tdlib/telegram-bot-api); ``docs/simulators.md`` lists what is left out.
"""

from chatai_core.simulators.telegram.server import Telegram

__all__ = ["Telegram"]
