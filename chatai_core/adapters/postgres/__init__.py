"""PostgreSQL through psycopg2."""

from chatai_core.adapters.postgres.addresses import libpq, masked, name_of, without_password
from chatai_core.adapters.postgres.connecting import READ_ONLY, Connection, connect
from chatai_core.adapters.postgres.database import Borrow, Cost, Database, identifier, question
from chatai_core.adapters.postgres.errors import as_ours, translated

__all__ = [
    "READ_ONLY",
    "Borrow",
    "Connection",
    "Cost",
    "Database",
    "as_ours",
    "connect",
    "identifier",
    "libpq",
    "masked",
    "name_of",
    "question",
    "translated",
    "without_password",
]
