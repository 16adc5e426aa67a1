"""Runs the migrations: over the connection that ``chatai_core.migrations`` lends, or alone for plain ``alembic``."""

import logging

from alembic.util import CommandError
from sqlalchemy import Connection

from alembic import context
from chatai_core import migrations
from chatai_core.errors import ChataiError
from chatai_core.installation import Installation
from chatai_core.models import Base


def migrate(connection: Connection) -> None:
    """Run them in one transaction: all or nothing."""
    context.configure(connection=connection, target_metadata=Base.metadata, **migrations.COMPARED)
    with context.begin_transaction():
        context.run_migrations()


def migrate_alone() -> None:
    """The installation's database, under the same lock as ``chatai migrate``, and as patiently."""
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("alembic").setLevel(logging.INFO)
    try:
        with Installation() as chatai, migrations.locked(chatai.database_url) as connection:
            migrations.require_ours(chatai.database_url)
            migrations.tried(chatai.database_url, connection, migrations.Terms(), lambda: migrate(connection))
    except ChataiError as error:
        raise CommandError(f"{error}\n{error.hint}".strip()) from error


def write_sql() -> None:
    """The statements in place of their effect, for ``--sql``."""
    context.configure(dialect_name="postgresql", target_metadata=Base.metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    write_sql()
elif lent := context.config.attributes.get("connection"):
    migrate(lent)
else:
    migrate_alone()
