"""Sentences of the old API that clients show, or compare: kept word for word until a catalogue says otherwise."""

from chatai_core.i18n import _

WRONG_LOGIN = _("Неверный email или пароль")
BLOCKED = _("Аккаунт заблокирован")
NOT_CONFIRMED = _("Email не подтверждён")
NOT_ALLOWED = _("Недостаточно прав доступа")
TOO_MANY = _("Слишком много попыток. Попробуйте через {minutes} минут.")
CSRF_MISSING = _("CSRF токен обязателен")
CSRF_WRONG = _("Неверный CSRF токен")
ORIGIN_WRONG = _("Неверный Origin header")

NO_AI_TOKEN = _("AI token not found")
AI_TOKEN_UPDATED = _("AI token updated successfully")
AI_TOKEN_DELETED = _("AI token deleted successfully")
NO_BOT = _("Bot instance not found")
BOT_STARTED = _("Bot {id} started")
BOT_DELETED = _("Bot {id} deleted")
BOT_STOPPED = _("Bot {id} stopped")
NO_DIALOG = _("Dialog not found")
