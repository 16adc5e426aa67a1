"""What is known of a request while it is answered, and the lines it leaves in the logs."""

import time
from dataclasses import dataclass, field

from chatai_core import journal

# nginx's word for a client that went away before it was answered.
CLIENT_GONE = 499


@dataclass(slots=True)
class Visit:
    """One request; in a route it is ``request.state.visit``.

    ``user`` is known once the caller is: a user's number, or ``internal`` for our own processes.
    """

    id: str
    ip: str
    agent: str = ""
    over_tls: bool = False
    user: int | str | None = None
    status: int = 0
    started: float = field(default_factory=time.perf_counter)

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.perf_counter() - self.started

    def audit(self, operation: str, status: str = "success", **details: object) -> None:
        """Write to audit.log what this caller did: ``success`` or ``failed``."""
        journal.audit(operation, status, user_id=self.user, details=details, ip=self.ip, user_agent=self.agent[:300])

    def leave(self, path: str, method: str) -> None:
        """Write the request's line in api.log."""
        status = self.status or CLIENT_GONE  # nothing was sent: it was cancelled
        journal.access(path, method, status, self.user, self.ip, self.id, self.seconds * 1000)
