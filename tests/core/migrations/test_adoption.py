"""The database of a former ChatAI becomes one of this: nothing is lost, nothing stays readable."""

import signal
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from chatai_core import migrations
from chatai_core.accounts import logins
from chatai_core.adapters.crypto import Cipher
from chatai_core.adapters.postgres import Database
from chatai_core.errors import BadData, Busy, Misconfigured, NotPermitted
from chatai_core.migrations import Terms, scripts
from chatai_core.migrations.adoption import adopting
from chatai_core.migrations.adoption.former import NOTES, REVISIONS
from tests.core.migrations import former
from tests.core.migrations.test_change import alembic, holding, schema, until
from tests.servers.command import PROGRAM, Command, Ended
from tests.servers.databases import Databases

HEAD = scripts.chain()[-1].revision
CIPHER = Cipher(former.SECRET_KEY)
TERMS = Terms(cipher=lambda: CIPHER)
SECRETS = {"ai_token_pool": "token", "bot_instances": "bot_token"}
PLAINTEXTS = (b"PLAIN-pool-", b"PLAIN-bot-")


@dataclass(frozen=True)
class Adopted:
    """One database, what it held before, and how the command that adopted it ended."""

    url: str
    before: dict[str, list[dict[str, Any]]]
    plaintext_before: set[str]
    files_before: dict[str, int]
    ended: Ended

    @property
    def after(self) -> dict[str, list[dict[str, Any]]]:
        return former.contents(self.url)


@pytest.fixture(scope="module")
def adopted(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Adopted]:
    """10,000 rows, adopted by the real command; nobody may change them."""
    with databases.empty() as url:
        former.build(url)
        former.execute(url, "ANALYZE")
        before, seen, files = former.contents(url), plaintext(url), relfilenodes(url)
        chatai = chatai_of(url, tmp_path_factory.mktemp("home"))
        yield Adopted(url, before, seen, files, chatai("migrate", "upgrade", "--json"))


def chatai_of(url: str, home: Path) -> Command:
    """The command in an installation of this database."""
    names = {"CHATAI_HOME": str(home), "CHATAI_LOG_DIR": str(home / "logs"), "SECRET_KEY": former.SECRET_KEY}
    return Command({"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "DATABASE_URL": url, **names}, home)


def plaintext(url: str) -> set[str]:
    """The database's files in which a token can be read."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("CHECKPOINT")
        cursor.execute(
            "SELECT current_setting('data_directory') || '/base/' || oid FROM pg_database"
            " WHERE datname = current_database()"
        )
        directory = Path(cursor.fetchone()[0])  # type: ignore[index]
    files = [path for path in directory.iterdir() if path.is_file()]
    return {path.name for path in files if any(text in path.read_bytes() for text in PLAINTEXTS)}


def relfilenodes(url: str) -> dict[str, int]:
    with former.opened(url) as cursor:
        cursor.execute("SELECT relname, relfilenode FROM pg_class WHERE relkind = 'r'")
        return dict(cursor.fetchall())


def asked(url: str, sql: str) -> list[tuple[Any, ...]]:
    with former.opened(url) as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def adopt(url: str) -> migrations.Migrated:
    return migrations.upgrade(url, terms=TERMS)


def rules(done: migrations.Migrated) -> dict[tuple[str, str], int]:
    """How many rows were made to fit, by table and column."""
    return {(one.table, one.column): one.rows for one in done.repairs}


def test_the_command_adopts_and_says_what_it_did(adopted: Adopted) -> None:
    assert adopted.ended.exit_code == 0
    assert "Of these, openai_tokens hold secrets in plaintext." in adopted.ended.stderr.splitlines()
    assert len(adopted.ended.stderr.splitlines()) == 3
    done = adopted.ended.json
    assert (done["before"], done["revision"], done["attempts"], done["remarks"]) == (None, HEAD, 1, [])
    assert len(done["steps"]) == len(scripts.chain())
    assert {(one["table"], one["rows"]) for one in done["repairs"]} == {("users", 500)}


def test_every_value_stays_what_it_was(adopted: Adopted) -> None:
    after = adopted.after
    assert sum(map(len, adopted.before.values())) > 10_000
    for table, rows in adopted.before.items():
        assert len(after[table]) == len(rows)
        for old, new in zip(rows, after[table], strict=True):
            assert {c: expected(table, c, v) for c, v in old.items()} == {c: compared(table, c, new) for c in old}


FILLED = ("onboarding_completed", "onboarding_skipped", "first_bot_created", "first_message_sent")


def expected(table: str, column: str, value: Any) -> Any:
    """What an old value is now: naive timestamps were UTC; where there was none, a switch is off."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC)
    return False if table == "users" and column in (*FILLED, "welcome_bonus_received") else value


def compared(table: str, column: str, row: dict[str, Any]) -> Any:
    """The new value, a token opened."""
    value = row[column]
    return CIPHER.open(value, row=f"{table}:{row['id']}") if column == SECRETS.get(table) else value


def test_the_schema_is_the_one_that_the_migrations_make(adopted: Adopted, database_url: str) -> None:
    ours = set(schema(database_url))
    assert {row[:2] for row in ours - set(schema(adopted.url))} == set()
    tables = [row[1] for row in set(schema(adopted.url)) - ours if row[0] == "column"]
    assert {name.split(".")[0] for name in tables} & set(former.NAMES) == {"assistants"}  # its widget_version


def test_no_file_of_the_database_holds_a_token_any_more(adopted: Adopted) -> None:
    """Not the tables, not their indexes, not the planner's samples."""
    assert len(adopted.plaintext_before) > 3
    assert plaintext(adopted.url) == set()
    assert str(adopted.files_before["pg_statistic"]) in adopted.plaintext_before


def test_samples_that_somebody_may_still_see_are_said_to_be_left(url: str, empty_database_url: str) -> None:
    """A transaction in another database is enough: a snapshot here is as old as that."""
    with holding(empty_database_url, "SELECT pg_current_xact_id()"):
        former.execute(url, "ANALYZE users")
        (said,) = adopting.erase(url, patience=0.2)
    assert "from before is still there" in said and "VACUUM (FULL) pg_statistic" in said


def test_large_tables_are_not_rewritten_for_their_timestamps(adopted: Adopted) -> None:
    after = relfilenodes(adopted.url)
    kept = {"users", "dialogs", "dialog_messages", "knowledge_embeddings", "documents"}
    assert {name for name in former.NAMES if after[name] == adopted.files_before[name]} >= kept


def test_keys_go_on_where_they_were(adopted: Adopted) -> None:
    made = asked(
        adopted.url,
        "INSERT INTO dialog_messages (dialog_id, sender, text) VALUES (1, 'user', 'new') RETURNING id, timestamp"
        " > now() - interval '1 minute'",
    )
    former.execute(adopted.url, "DELETE FROM dialog_messages WHERE id = 7001")
    assert made == [(7001, True)]


def test_what_the_former_had_besides_is_left_alone(adopted: Adopted) -> None:
    assert asked(adopted.url, "SELECT count(*), sum(balance) FROM user_balances")[0] == (500, 2500)
    assert asked(adopted.url, "SELECT token FROM openai_tokens") == [("sk-own-PLAINLEFT-0123456789",)]
    found = asked(adopted.url, "SELECT data_type FROM information_schema.columns WHERE table_name = 'payments'")
    assert ("timestamp without time zone",) in found
    parent = (
        "SELECT confrelid::regclass::text FROM pg_constraint WHERE conrelid = 'payments'::regclass AND contype = 'f'"
    )
    assert asked(adopted.url, parent) == [("users",)]


def test_check_finds_no_drift_and_names_what_is_left(adopted: Adopted, tmp_path: Path) -> None:
    survey = migrations.check(adopted.url)
    assert survey.status == "ok"
    assert "payments" in survey.checks[-1].evidence["tables"]
    ended = chatai_of(adopted.url, tmp_path)("migrate", "check")
    assert ended.exit_code == 0 and "operator_presence" in ended.stdout


def test_chatai_works_with_it(adopted: Adopted, tmp_path: Path) -> None:
    chatai = chatai_of(adopted.url, tmp_path)
    listed = chatai("tokens", "list", "--json").json
    assert [key["token"] for key in listed[:2]] == ["sk-…yyy1", "sk-…yyy2"]
    assert {key["state"] for key in listed} == {"ready"}
    bots = chatai("bots", "list", "--json").json
    assert {bot["desired"] for bot in bots} == {"running", "stopped"} and len(bots) == 200
    again = chatai("tokens", "add", "again", "--token-stdin", stdin="sk-proj-PLAIN-pool-" + "1".rjust(20, "y"))
    assert again.exit_code == 65 and "key 1" in again.stderr  # the fingerprint is the same
    ids = asked(adopted.url, "SELECT id, telegram_bot_id FROM bot_instances ORDER BY id LIMIT 1")
    assert ids == [(1, 700000001)]


def test_users_log_in_and_one_step_goes_down_and_up_as_typed(url: str, tmp_path: Path) -> None:
    chatai = chatai_of(url, tmp_path)
    assert chatai("migrate", "upgrade").exit_code == 0
    with closing(Database(url)) as database:
        assert logins.log_in(database, "user8@example.org", former.PASSWORD).user.email == "User8@Example.org"
    before = former.contents(url)
    assert chatai("migrate", "downgrade", "-1", "--yes").exit_code == 0
    assert migrations.current(url).revision == scripts.chain()[-2].revision
    assert chatai("migrate", "upgrade", "+1").exit_code == 0
    assert former.contents(url) == before and migrations.check(url).status == "ok"
    refused = chatai("migrate", "downgrade", "base", "--yes")
    assert refused.exit_code == 77 and "drop them with their rows" in refused.stderr


def test_the_plan_shows_it_and_changes_nothing(url: str, tmp_path: Path) -> None:
    before, made = former.contents(url), schema(url)
    ended = chatai_of(url, tmp_path)("migrate", "upgrade", "--dry-run", "--json")
    plan = ended.json
    assert (ended.exit_code, plan["adopts"], plan["revision"], plan["target"]) == (0, True, None, HEAD)
    assert {(lock["table"], lock["mode"]) for lock in plan["locks"]} == {(n, "ACCESS EXCLUSIVE") for n in former.NAMES}
    assert "ALTER TABLE ai_token_pool DROP CONSTRAINT uq_ai_token_pool_token" in plan["statements"]
    assert any("220 tokens are encrypted" in remark for remark in plan["remarks"])
    assert any("openai_tokens hold secrets in plaintext" in remark for remark in plan["remarks"])
    assert not any(text in ended.stdout.encode() for text in PLAINTEXTS)
    assert (former.contents(url), schema(url)) == (before, made)


def test_it_is_known_at_every_revision_and_without_one(url: str) -> None:
    for revision in (*REVISIONS, None):
        former.execute(
            url, f"UPDATE alembic_version SET version_num = '{revision}'" if revision else "DROP TABLE alembic_version"
        )
        found = migrations.current(url)
        assert isinstance(found, migrations.FormerCurrent)
        assert (found.revision, found.former_revision, found.adoptable) == (None, revision, True)
    (finding,) = migrations.check(url).checks
    assert (finding.status, finding.remedy) == ("critical", "chatai migrate upgrade --dry-run")


def test_an_empty_one_is_adopted_too(empty_database_url: str) -> None:
    former.build(empty_database_url, rows=False, revision=None)
    done = adopt(empty_database_url)
    assert (done.revision, done.repairs) == (HEAD, [])
    assert migrations.check(empty_database_url).status == "ok"
    assert asked(empty_database_url, "INSERT INTO users (email, hashed_password) VALUES ('a', 'b') RETURNING id") == [
        (1,)
    ]


def test_one_in_part_is_refused_and_what_is_missing_is_named(url: str, tmp_path: Path) -> None:
    former.execute(url, "DROP TABLE query_embeddings_cache", "ALTER TABLE users DROP COLUMN yandex_id")
    with pytest.raises(Misconfigured) as caught:
        adopt(url)
    assert "the table query_embeddings_cache, users.yandex_id." in caught.value.why
    shown = chatai_of(url, tmp_path)("migrate", "current", "--json").json
    assert shown["adoptable"] is False and "users.yandex_id" in shown["note"]


def test_another_programs_users_are_not_touched(empty_database_url: str) -> None:
    former.execute(empty_database_url, "CREATE TABLE users (id int, login text)")
    with pytest.raises(Misconfigured, match=r"users\.email"):
        adopt(empty_database_url)
    assert asked(empty_database_url, "SELECT count(*) FROM pg_class WHERE relname = 'assistants'") == [(0,)]


def test_ours_without_its_revision_is_not_adopted_but_stamped(database_url: str) -> None:
    former.execute(database_url, "DROP TABLE alembic_version")
    with pytest.raises(Misconfigured, match="alembic_version was lost") as caught:
        adopt(database_url)
    assert caught.value.hint == "chatai migrate stamp REV"
    migrations.stamp(database_url, migrations.plan_stamp(database_url, "head"))
    assert migrations.check(database_url).status == "ok"


def test_without_a_key_nothing_is_done(url: str, tmp_path: Path) -> None:
    chatai = chatai_of(url, tmp_path).without("SECRET_KEY")
    ended = chatai("migrate", "upgrade", "--yes", "--no-backup", env={"ENVIRONMENT": "production"})
    assert ended.exit_code == 78 and "SECRET_KEY must be set" in ended.stderr
    assert asked(url, "SELECT * FROM alembic_version") == [(former.REVISION,)]
    with pytest.raises(Misconfigured, match="an upgrade adopts it"):
        migrations.upgrade(url)  # as `chatai serve` does in development: it never adopts by itself


def test_another_key_later_cannot_read_the_tokens(adopted: Adopted) -> None:
    sealed = adopted.after["ai_token_pool"][0]["token"]
    with pytest.raises(BadData, match="another key"):
        Cipher("another").open(sealed, row="ai_token_pool:1")


def test_plain_alembic_and_sql_refuse_it(url: str, tmp_path: Path) -> None:
    refused = alembic(url, "upgrade", "head")
    assert refused.returncode != 0 and "chatai migrate upgrade --dry-run" in refused.stdout + refused.stderr
    assert chatai_of(url, tmp_path)("migrate", "sql").exit_code == 77
    assert chatai_of(url, tmp_path)("migrate", "stamp", "head", "--yes").exit_code == 77
    assert asked(url, "SELECT * FROM alembic_version") == [(former.REVISION,)]


def test_addresses_that_differ_in_case_stay_two_users(url: str) -> None:
    former.execute(
        url,
        "UPDATE users SET email = 'ANNA@x.org', last_activity = '2025-01-01' WHERE id = 1",
        "UPDATE users SET email = 'anna@x.org', last_activity = '2025-09-01' WHERE id = 2",
        "UPDATE users SET email = 'Anna@x.org', last_activity = NULL WHERE id = 3",
    )
    assert rules(adopt(url))["users", "email"] == 2
    assert asked(url, "SELECT id, email FROM users WHERE id < 4 ORDER BY id") == [
        (1, "ANNA@x.org.user-1.invalid"),
        (2, "anna@x.org"),
        (3, "Anna@x.org.user-3.invalid"),
    ]
    noted = asked(url, f"SELECT row_id, old_value FROM {NOTES} WHERE column_name = 'email' ORDER BY 1")
    assert noted == [(1, "ANNA@x.org"), (3, "Anna@x.org")]


def test_what_is_said_of_a_user_that_ours_does_not_know(url: str) -> None:
    former.execute(
        url,
        "UPDATE users SET role = 'owner', status = 'deleted' WHERE id = 1",
        "UPDATE users SET role = NULL WHERE id = 2",
    )
    assert {("users", "role"), ("users", "status")} <= set(rules(adopt(url)))
    assert asked(url, "SELECT role, status FROM users WHERE id < 3 ORDER BY id") == [
        ("user", "blocked"),
        ("user", "active"),
    ]


def test_limits_and_usage_that_ours_refuses(url: str) -> None:
    former.execute(
        url,
        "UPDATE ai_token_pool SET daily_limit = NULL, monthly_limit = NULL, last_reset_daily = NULL WHERE id = 1",
        "UPDATE ai_token_pool SET daily_limit = -1, is_active = NULL WHERE id = 2",
        "UPDATE ai_token_pool SET current_daily_usage = -5, priority = 0 WHERE id = 3",
    )
    adopt(url)
    columns = "daily_limit, monthly_limit, is_active, current_daily_usage, priority"
    assert asked(url, f"SELECT {columns} FROM ai_token_pool WHERE id < 4 ORDER BY id") == [
        (0, 0, True, 1, 1),
        (0, 300000, False, 2, 2),
        (10000, 300000, True, 0, 1),
    ]
    assert asked(url, "SELECT last_reset_daily = created_at FROM ai_token_pool WHERE id = 1") == [(True,)]
    assert asked(url, f"SELECT old_value FROM {NOTES} WHERE column_name = 'current_daily_usage'") == [("-5",)]


def test_the_same_token_twice_stays_two_rows_and_serves_once(url: str) -> None:
    former.execute(
        url,
        "ALTER TABLE ai_token_pool DROP CONSTRAINT uq_ai_token_pool_token",
        "UPDATE ai_token_pool SET token = ' sk-twice-0123456789 ' WHERE id IN (3, 4)",
        "UPDATE ai_token_pool SET token = 'sk-twice-0123456789' WHERE id = 5",
        "UPDATE ai_token_pool SET is_active = false WHERE id = 3",
        "UPDATE bot_instances SET bot_token = (SELECT bot_token FROM bot_instances WHERE id = 2) WHERE id = 1",
        "UPDATE bot_instances SET bot_token = ' ' WHERE id = 5",
        "UPDATE bot_instances SET bot_token = NULL WHERE id = 7",
    )
    done = adopt(url)
    assert rules(done)["ai_token_pool", "token"] == 2 and rules(done)["bot_instances", "bot_token"] == 1
    keys = {row["id"]: row for row in former.contents(url)["ai_token_pool"]}
    assert CIPHER.open(keys[4]["token"], row="ai_token_pool:4") == "sk-twice-0123456789"
    assert [keys[id]["is_active"] for id in (3, 4, 5)] == [False, True, False]
    assert keys[5]["token_hint"] == "sk-…6789" and "4, which keeps it" in keys[5]["quarantine_reason"]
    bots = {row["id"]: row for row in former.contents(url)["bot_instances"]}
    assert bots[2]["bot_token"] and [bots[id]["bot_token"] for id in (1, 5, 7)] == [None, None, None]
    assert bots[1]["is_active"] is False and bots[1]["telegram_bot_id"] == bots[2]["telegram_bot_id"]
    assert migrations.check(url).status == "ok"


def test_rows_that_refer_to_nothing_get_a_keeper(url: str) -> None:
    former.execute(
        url,
        "ALTER TABLE dialog_messages DROP CONSTRAINT fk_dialog_messages_dialog_id_dialogs",
        "ALTER TABLE user_knowledge DROP CONSTRAINT fk_user_knowledge_assistant_id_assistants",
        "ALTER TABLE ai_token_usage DROP CONSTRAINT fk_ai_token_usage_token_id_ai_token_pool",
        "UPDATE dialog_messages SET dialog_id = 99999 WHERE id <= 3",
        "UPDATE user_knowledge SET assistant_id = 99999 WHERE id = 1",
        "UPDATE user_knowledge SET assistant_id = NULL WHERE id = 2",
        "UPDATE ai_token_usage SET token_id = 99999 WHERE id = 1",
        "UPDATE assistants SET user_id = NULL WHERE id = 500",
        "UPDATE bot_instances SET assistant_id = NULL WHERE id = 200",
    )
    done = adopt(url)
    assert rules(done)["dialog_messages", "dialog_id"] == 3
    owner = "JOIN users u ON u.id = o.user_id WHERE u.email = 'keeper@chatai.invalid' AND u.status = 'blocked'"
    assert asked(url, f"SELECT count(*) FROM dialog_messages m JOIN dialogs o ON o.id = m.dialog_id {owner}") == [(3,)]
    assert asked(url, f"SELECT count(*) FROM user_knowledge k JOIN assistants o ON o.id = k.assistant_id {owner}") == [
        (1,)
    ]
    assert asked(url, f"SELECT count(*) FROM bot_instances b JOIN assistants o ON o.id = b.assistant_id {owner}") == [
        (1,)
    ]
    assert asked(url, "SELECT assistant_id FROM user_knowledge WHERE id = 2") == [(None,)]  # known to all, as before
    assert asked(url, "SELECT token_id FROM ai_token_usage WHERE id = 1") == [(None,)]
    noted = asked(url, f"SELECT old_value FROM {NOTES} WHERE column_name IN ('dialog_id', 'token_id', 'user_id')")
    assert sorted(str(value) for (value,) in noted) == ["99999", "99999", "99999", "99999", "None"]
    assert migrations.check(url).status == "ok"


def test_no_value_becomes_our_default_and_is_counted(url: str) -> None:
    former.execute(
        url,
        "UPDATE dialog_messages SET sender = NULL, message_kind = 'operator' WHERE id = 1",
        "UPDATE assistants SET updated_at = NULL, widget_settings = NULL, ai_model = NULL WHERE id = 1",
        "UPDATE qa_knowledge SET answer = NULL WHERE id = 1",
        "UPDATE query_embeddings_cache SET query_hash = NULL WHERE id = 1",
    )
    adopt(url)
    assert asked(url, "SELECT sender FROM dialog_messages WHERE id = 1") == [("manager",)]
    assistant = "SELECT updated_at = created_at, widget_settings, ai_model FROM assistants WHERE id = 1"
    assert asked(url, assistant) == [(True, {}, "gpt-4o-mini")]
    assert asked(url, "SELECT answer FROM qa_knowledge WHERE id = 1") == [("",)]
    counted = asked(url, f"SELECT rule FROM {NOTES} WHERE table_name = 'users' AND column_name = 'onboarding_skipped'")
    assert counted == [("500 x no value: becomes false",)]
    rows = f"SELECT row_ids::text FROM {NOTES} WHERE table_name = 'users' AND column_name = 'onboarding_skipped'"
    assert asked(url, rows) == [("{[1,501)}",)]


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        ("UPDATE query_embeddings_cache SET embedding = NULL WHERE id = 1", "1 rows of query_embeddings_cache have a"),
        ("ALTER TABLE users ALTER created_at TYPE date", "users.created_at is date, which cannot become timestamp"),
        ("CREATE VIEW busy AS SELECT started_at FROM dialogs", "the view busy uses dialogs.started_at"),
        ("CREATE VIEW keys AS SELECT token FROM ai_token_pool", "the view keys uses ai_token_pool.token"),
        (
            "ALTER TABLE assistants ALTER widget_theme TYPE text; UPDATE assistants SET widget_theme = repeat('x', 51)",
            "500 rows of assistants have a widget_theme that is no character varying(50)",
        ),
        (
            "ALTER TABLE users DROP CONSTRAINT uq_users_yandex_id; UPDATE users SET yandex_id = 'same' WHERE id < 4",
            "2 rows of users share their yandex_id",
        ),
    ],
)
def test_what_no_rule_makes_fit_is_told_before_anything_is_done(spoilt: str, said: str, url: str) -> None:
    former.execute(url, spoilt)
    made = schema(url)
    with pytest.raises(Misconfigured) as caught:
        adopt(url)
    assert said in caught.value.why
    assert schema(url) == made


def test_tables_of_another_owner_are_told_before(url: str, databases: Databases) -> None:
    role = f"other_{url[-40:].partition('test_')[2][:12]}"
    databases.execute("CREATE ROLE {} LOGIN NOSUPERUSER", role)
    name = Database(url).value("SELECT current_database()")
    try:
        databases.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO {}", role, at=name)
        with pytest.raises(NotPermitted, match=r"users \(postgres\)"):
            migrations.upgrade(databases.url(name, user=role), terms=TERMS)
    finally:
        databases.execute("DROP OWNED BY {}", role, at=name)
        databases.execute("DROP ROLE {}", role)


def test_an_extension_of_long_ago_is_told_before(url: str) -> None:
    former.execute(url, "UPDATE pg_am SET amname = 'unknown' WHERE amname = 'hnsw'")  # as before 0.5.0
    with pytest.raises(Misconfigured, match="no HNSW indexes") as caught:
        adopt(url)
    assert caught.value.hint.endswith("'ALTER EXTENSION vector UPDATE'")


def test_a_role_that_may_not_erase_the_samples_is_told_what_to_type(url: str, databases: Databases) -> None:
    role = f"app_{uuid.uuid4().hex[:12]}"
    databases.execute("CREATE ROLE {} LOGIN NOSUPERUSER", role)
    name = Database(url).value("SELECT current_database()")
    try:
        databases.execute("GRANT CREATE ON SCHEMA public TO {}", role, at=name)
        for (table,) in asked(url, "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 2200"):
            databases.execute("ALTER TABLE {} OWNER TO {}", table, role, at=name)
        done = migrations.upgrade(databases.url(name, user=role), terms=TERMS)
        assert done.revision == HEAD
        (remark,) = done.remarks
        assert "permission denied" in remark and "VACUUM (FULL) pg_statistic" in remark
    finally:
        databases.execute("DROP OWNED BY {}", role, at=name)
        databases.execute("DROP ROLE {}", role)


def test_other_names_types_and_an_operators_own_things(url: str) -> None:
    """As developers' databases were: PostgreSQL's names, arrays for vectors, and what somebody added."""
    former.execute(
        url,
        "ALTER TABLE users RENAME CONSTRAINT pk_users TO users_pkey",
        "ALTER TABLE users RENAME CONSTRAINT uq_users_email TO users_email_key",
        "ALTER TABLE assistants RENAME CONSTRAINT fk_assistants_user_id_users TO assistants_user_id_fkey",
        "ALTER INDEX idx_documents_hash RENAME TO documents_by_hash",
        "DROP INDEX knowledge_embeddings_embedding_cosine_idx, knowledge_embeddings_embedding_l2_idx",
        "ALTER TABLE knowledge_embeddings ALTER embedding TYPE float[] USING embedding::real[]::float[]",
        "ALTER TABLE documents ALTER id DROP DEFAULT",
        "DROP SEQUENCE documents_id_seq",
        "ALTER TABLE qa_knowledge ALTER id DROP DEFAULT",
        "DROP SEQUENCE qa_knowledge_id_seq",
        "ALTER TABLE qa_knowledge ALTER id ADD GENERATED ALWAYS AS IDENTITY",
        "ALTER TABLE users ADD CONSTRAINT theirs CHECK (id > 0)",
        "CREATE INDEX their_index ON users (first_name)",
        "CREATE ROLE reader_of_former",
        "GRANT SELECT ON dialogs TO reader_of_former",
    )
    vectors = asked(url, "SELECT id, embedding::vector(1536)::text FROM knowledge_embeddings ORDER BY id")
    try:
        adopt(url)
        assert asked(url, "SELECT id, embedding::text FROM knowledge_embeddings ORDER BY id") == vectors
        numbered = "INSERT INTO documents (user_id, filename, size) VALUES (1, 'a', 1) RETURNING id"
        assert asked(url, numbered) == [(201,)]
        own = "INSERT INTO qa_knowledge (user_id, question, answer) VALUES (1, 'a', 'b') RETURNING id"
        assert asked(url, own) == [(101,)]
        assert asked(url, own.replace("(user_id", "(id, user_id").replace("(1,", "(500, 1,")) == [(500,)]
        survey = migrations.check(url)
        assert [one.summary for one in survey.checks if one.status != "ok"] == [
            "The index their_index of users is unknown to this version of ChatAI.",
            "The constraint theirs of users is unknown to this version of ChatAI.",
        ]
        assert asked(url, "SELECT has_table_privilege('reader_of_former', 'dialogs', 'SELECT')") == [(True,)]
    finally:
        former.execute(url, "DROP OWNED BY reader_of_former", "DROP ROLE reader_of_former")


def test_a_killed_adoption_leaves_everything_as_it_was(url: str, tmp_path: Path) -> None:
    before, made = former.contents(url), schema(url)
    blocked = "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'"
    with holding(
        url, "CREATE TABLE ix_assistants_user_id (id int)"
    ):  # an index that is made after all else but indexes
        process = subprocess.Popen(
            [PROGRAM, "migrate", "upgrade", "--lock-timeout", "60"],
            env=chatai_of(url, tmp_path).environment,
            stderr=subprocess.PIPE,
        )
        with closing(Database(url)) as watching:
            until(lambda: bool(watching.value(f"{blocked} AND pid IN ({IN_THIS})")))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        with closing(Database(url)) as watching:
            until(lambda: not watching.value(f"SELECT count(*) > 0 FROM ({IN_THIS}) AS migrating"))
    assert (former.contents(url), schema(url)) == (before, made)
    assert adopt(url).revision == HEAD


IN_THIS = "SELECT pid FROM pg_stat_activity WHERE application_name = 'chatai migrate' AND datname = current_database()"


def test_of_two_who_adopt_one_does_it(url: str, tmp_path: Path) -> None:
    running = [
        subprocess.Popen(
            [PROGRAM, "migrate", "upgrade", "--json"],
            env=chatai_of(url, tmp_path).environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        for _number in range(2)
    ]
    said = [process.communicate(timeout=60)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0]
    assert sum(b"adopt the tables" in text for text in said) == 1
    assert migrations.check(url).status == "ok"


def test_a_former_chatai_that_still_works_is_named(url: str) -> None:
    terms = Terms(cipher=lambda: CIPHER, lock_timeout=0.3, attempts=2, pause=0.1)
    with holding(url, "SELECT * FROM dialogs"), pytest.raises(Busy) as caught:
        migrations.upgrade(url, terms=terms)
    assert "is idle in transaction" in caught.value.why
    assert asked(url, "SELECT * FROM alembic_version") == [(former.REVISION,)]


def test_the_plan_too_tries_again_and_names_who_holds_a_table(url: str) -> None:
    told: list[str] = []
    terms = Terms(cipher=lambda: CIPHER, lock_timeout=0.2, attempts=2, pause=0.05, say=told.append)
    with holding(url, "LOCK TABLE users IN ACCESS EXCLUSIVE MODE"), pytest.raises(Busy) as caught:
        migrations.plan_upgrade(url, terms=terms)
    assert "2 attempts waited 0.2 s each. Process" in caught.value.why and "idle in transaction" in caught.value.why
    assert caught.value.hint == "chatai db locks"
    assert [line.partition(":")[0] for line in told] == ["Attempt 1 of 2"]
    assert migrations.plan_upgrade(url, terms=terms).adopts
