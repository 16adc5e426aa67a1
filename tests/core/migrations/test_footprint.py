"""What a plan says of locks is what the server then takes."""

from contextlib import closing

import psycopg2

from chatai_core import migrations
from chatai_core.adapters.postgres import Database
from chatai_core.migrations import footprint, offline, scripts
from chatai_core.migrations.footprint import MODES, TableLock
from tests.core.migrations.test_change import holding

TABLES = """
CREATE TABLE parent (id int PRIMARY KEY, kind text);
CREATE TABLE child (id int PRIMARY KEY, parent_id int CONSTRAINT to_parent REFERENCES parent);
CREATE TABLE "Заказы 1" (id int);
CREATE INDEX child_parent ON child (parent_id);
ALTER TABLE child ADD CONSTRAINT positive CHECK (id > 0) NOT VALID;
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
"""
STATEMENTS = [
    "CREATE INDEX a ON child (id)",
    "CREATE UNIQUE INDEX a ON public.child (id)",
    'CREATE INDEX a ON "Заказы 1" (id)',
    "DROP INDEX child_parent",
    "ALTER INDEX child_parent RENAME TO b",
    "DROP TABLE child",
    "DROP TABLE parent CASCADE",
    "ALTER TABLE child ADD COLUMN note text",
    "ALTER TABLE child ADD COLUMN other int REFERENCES parent (id)",
    "ALTER TABLE child DROP CONSTRAINT to_parent",
    "ALTER TABLE child DROP COLUMN parent_id",
    "ALTER TABLE child VALIDATE CONSTRAINT positive",
    "ALTER TABLE child SET (fillfactor = 70)",
    "ALTER TABLE child ADD FOREIGN KEY (id) REFERENCES parent (id)",
    "ALTER TABLE ONLY child ADD CONSTRAINT again FOREIGN KEY (id) REFERENCES parent",
    "ALTER TABLE child ALTER COLUMN id TYPE bigint",
    "CREATE TABLE third (id int, parent_id int REFERENCES parent (id))",
    "UPDATE child SET id = 1",
    "INSERT INTO parent VALUES (1)",
    "DELETE FROM child",
    "TRUNCATE child",
    "LOCK TABLE child, parent IN SHARE ROW EXCLUSIVE MODE",
    "COMMENT ON TABLE child IS 'x'",
    "ANALYZE child",
    "CREATE TRIGGER t AFTER INSERT ON child FOR EACH ROW EXECUTE FUNCTION nothing()",
    "SELECT 1",
]

TAKEN = "SELECT relation::bigint, mode FROM pg_locks WHERE pid = pg_backend_pid() AND relation IS NOT NULL"
TABLES_THERE = """
SELECT oid::bigint, relname FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'
"""
WEAK = {"ACCESS SHARE", "ROW SHARE"}


def really_taken(url: str, statements: list[str]) -> dict[str, str]:
    """The strongest lock on each table that is there before the statements, which are then undone."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(TABLES_THERE)
        names = dict(cursor.fetchall())
        for statement in statements:
            cursor.execute(statement)
        cursor.execute(TAKEN)
        found: dict[str, int] = {}
        for oid, mode in cursor:
            if oid in names:
                words = "".join(f" {letter}" if letter.isupper() else letter for letter in mode).strip().upper()
                found[names[oid]] = max(found.get(names[oid], 0), MODES.index(words.removesuffix(" LOCK")))
        return {table: MODES[rank] for table, rank in found.items() if MODES[rank] not in WEAK}


def planned(database: Database, statements: list[str]) -> dict[str, str]:
    return {lock.table: lock.mode for lock in footprint.locks(database, statements)}


def test_a_statement_takes_what_was_said(any_database: Database) -> None:
    any_database.execute(TABLES.replace("%", "%%"))
    said = {statement: planned(any_database, [statement]) for statement in STATEMENTS}
    assert said == {statement: really_taken(any_database.url, [statement]) for statement in STATEMENTS}


def test_each_migration_takes_what_was_said(database: Database, database_url: str) -> None:
    for place in range(len(scripts.chain()) - 1, -1, -1):
        down = offline.statements(place, place - 1)
        assert planned(database, down) == really_taken(database_url, down)
        migrations.downgrade(database_url, "-1")
        up = offline.statements(place - 1, place)
        assert planned(database, up) == really_taken(database_url, up)


def test_sizes_and_rows_are_those_of_now(database: Database) -> None:
    database.execute("INSERT INTO users (email, hashed_password) SELECT n, 'x' FROM generate_series(1, 1000) n")
    (unknown,) = footprint.locks(database, ["ALTER TABLE users ADD COLUMN a int"])
    assert unknown.rows_estimate is None
    database.execute("ANALYZE users")
    (lock,) = footprint.locks(database, ["ALTER TABLE users ADD COLUMN a int", "UPDATE users SET a = 1"])
    assert (lock.table, lock.mode, lock.rows_estimate, lock.is_large) == ("users", "ACCESS EXCLUSIVE", 1000, False)
    assert lock.size_bytes == database.value("SELECT pg_total_relation_size('users')")
    assert lock.sentence().endswith("about 1000 rows): ACCESS EXCLUSIVE, nobody reads or writes it until the end.")


def test_a_large_table_is_called_large(database: Database) -> None:
    database.execute("UPDATE pg_class SET reltuples = 5000000 WHERE oid = 'dialog_messages'::regclass")
    (lock,) = footprint.locks(database, ["CREATE INDEX a ON dialog_messages (text)"])
    assert lock.is_large
    assert lock.sentence().startswith("LARGE table dialog_messages")
    assert lock.sentence().endswith("SHARE, nobody writes it until the end.")


def test_a_table_that_somebody_has_locked_does_not_hold_up_the_plan(database: Database, database_url: str) -> None:
    looking = Database(database_url, settings={"lock_timeout": "50ms"})
    with closing(looking), holding(database_url, "LOCK TABLE users IN ACCESS EXCLUSIVE MODE"):
        (lock,) = footprint.locks(looking, ["ALTER TABLE users ADD COLUMN a int"])
    assert lock == TableLock("users", "ACCESS EXCLUSIVE", None, None, False)
    assert "(?, about ? rows)" in lock.sentence()
