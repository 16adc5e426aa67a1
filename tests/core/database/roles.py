"""Roles of a test's own, and the database as they see it."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from chatai_core.adapters.postgres import READ_ONLY, Database, identifier


@contextmanager
def seen_by_a_role(database: Database, *memberships: str, attributes: str = "") -> Iterator[Database]:
    """The reports' view of this database for a fresh role, with a blank, a capital and Cyrillic in its name."""
    name = f"Роль {uuid.uuid4().hex[:8]}"
    role = identifier(name)
    database.execute(f"CREATE ROLE {role} LOGIN {attributes}")
    for group in memberships:
        database.execute(f"GRANT {identifier(group)} TO {role}")
    seen = Database(database.url.replace("//postgres@", f"//{name.replace(' ', '%20')}@"), settings=READ_ONLY)
    try:
        yield seen
    finally:
        seen.close()
        database.execute(f"DROP OWNED BY {role}")
        database.execute(f"DROP ROLE {role}")
