"""PostgreSQL through psycopg2."""

from chatai_core.adapters.postgres import psql
from chatai_core.adapters.postgres.addresses import Address, at, libpq, masked, name_of, read, without_password
from chatai_core.adapters.postgres.connecting import MIGRATION, MIGRATION_LOCK, READ_ONLY, Connection, connect
from chatai_core.adapters.postgres.database import Borrow, Cost, Database, identifier, question, signed
from chatai_core.adapters.postgres.errors import as_ours, translated
from chatai_core.adapters.postgres.session import Session, acting_as

__all__ = [
    "MIGRATION",
    "MIGRATION_LOCK",
    "READ_ONLY",
    "Address",
    "Borrow",
    "Connection",
    "Cost",
    "Database",
    "Session",
    "acting_as",
    "as_ours",
    "at",
    "connect",
    "identifier",
    "libpq",
    "masked",
    "name_of",
    "psql",
    "question",
    "read",
    "signed",
    "translated",
    "without_password",
]
