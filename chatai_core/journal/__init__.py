"""What the system writes about itself: api.log, audit.log, their lines, their rotation, and no secrets in them."""

from chatai_core.journal.opening import close, open
from chatai_core.journal.operations import audit
from chatai_core.journal.redaction import redact
from chatai_core.journal.requests import access

__all__ = ["access", "audit", "close", "open", "redact"]
