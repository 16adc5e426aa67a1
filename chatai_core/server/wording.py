"""Sentences of the old API that clients show, or compare, as they stand: kept word for word, never translated."""

WRONG_LOGIN = "Неверный email или пароль"
BLOCKED = "Аккаунт заблокирован"
NOT_CONFIRMED = "Email не подтверждён"
NOT_ALLOWED = "Недостаточно прав доступа"
TOO_MANY = "Слишком много попыток. Попробуйте через {minutes} минут."
CSRF_MISSING = "CSRF токен обязателен"
CSRF_WRONG = "Неверный CSRF токен"
ORIGIN_WRONG = "Неверный Origin header"

NO_AI_TOKEN = "AI token not found"  # noqa: S105  no password
AI_TOKEN_UPDATED = "AI token updated successfully"  # noqa: S105  no password
AI_TOKEN_DELETED = "AI token deleted successfully"  # noqa: S105  no password
NO_BOT = "Bot instance not found"
BOT_STARTED = "Bot {id} started"
BOT_DELETED = "Bot {id} deleted"
BOT_STOPPED = "Bot {id} stopped"
NO_DIALOG = "Dialog not found"
