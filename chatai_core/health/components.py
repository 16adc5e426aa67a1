"""The three components of ``GET /health``: the database, Redis, and whether the token pool can work."""

from chatai_core.adapters.postgres import Database
from chatai_core.errors import ChataiError
from chatai_core.findings import Finding
from chatai_core.health.check import Check
from chatai_core.installation import Installation
from chatai_core.tokens import pool


def database(installation: Installation) -> Finding:
    """Whether PostgreSQL answers: asked over a connection of its own, the pool's may all be busy."""
    own = Database(installation.database_url, connect_timeout=2)
    try:
        own.value("SELECT 1")
    except ChataiError as error:
        return _broken("database", error)
    finally:
        own.close()
    return Finding("database", "ok", "")


def redis(installation: Installation) -> Finding:
    """Whether Redis answers."""
    try:
        milliseconds = installation.redis.ping()
    except ChataiError as error:
        return _broken("redis", error)
    return Finding("redis", "ok", "", {"milliseconds": milliseconds})


def ai_token_manager(installation: Installation) -> Finding:
    """Whether the pool can work: an empty one can, one whose keys are all broken cannot."""
    configured = installation.settings.openai.api_key is not None
    try:
        ready = pool.readiness(installation.database, installation.cipher, env=configured)
    except ChataiError as error:
        return _broken("ai_token_manager", error)
    evidence = {"keys": ready.keys, "ready": ready.ready}
    if ready.healthy:
        return Finding("ai_token_manager", "ok", "", evidence)
    return Finding("ai_token_manager", "critical", ready.reason, evidence, "chatai tokens list")


ALL: tuple[Check[Installation], ...] = (
    Check("database", database),
    Check("redis", redis),
    Check("ai_token_manager", ai_token_manager),
)


def _broken(name: str, error: ChataiError) -> Finding:
    # The summary is public: it says the kind of trouble, the evidence the rest.
    return Finding(name, "critical", type(error)().what, {"reason": str(error)}, error.hint or None)
