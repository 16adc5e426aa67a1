"""One file for each resource of the API; ``ALL`` are their routers in the order of the documentation."""

from chatai_core.server.routes.ai_tokens import router as ai_tokens
from chatai_core.server.routes.bots import router as bots
from chatai_core.server.routes.csrf import router as csrf
from chatai_core.server.routes.dialogs import router as dialogs
from chatai_core.server.routes.health import router as health
from chatai_core.server.routes.login import router as login
from chatai_core.server.routes.metrics import router as metrics

ALL = (health, metrics, login, csrf, ai_tokens, bots, dialogs)
