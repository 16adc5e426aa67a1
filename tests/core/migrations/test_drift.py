"""A database that is not what its revision claims."""

import time

import pytest

from chatai_core import migrations
from chatai_core.adapters.postgres import Database
from chatai_core.errors import Busy
from chatai_core.migrations import scripts
from tests.core.migrations.test_change import holding

HEAD = scripts.chain()[-1].revision

BROKEN = {
    "DROP TABLE documents CASCADE": "The table documents is missing.",
    "DROP INDEX idx_dialogs_user_started": "The index idx_dialogs_user_started of dialogs is missing.",
    "DROP INDEX uq_users_email": "The index uq_users_email of users is missing.",
    "DROP INDEX knowledge_embeddings_embedding_cosine_idx": "The index knowledge_embeddings_embedding_cosine_idx of",
    "ALTER TABLE users DROP COLUMN first_name": "The column users.first_name is missing.",
    "ALTER TABLE users ALTER role SET DEFAULT 'admin'": "The default of the column users.role is different",
    "ALTER TABLE assistants ALTER widget_settings SET DEFAULT '{\"a\": 1}'": "assistants.widget_settings is different",
    "ALTER TABLE users ALTER email DROP NOT NULL": "The nullable of the column users.email is different",
    "ALTER TABLE dialogs ALTER fallback TYPE bigint": "dialogs.fallback is different: BIGINT in the database, INTEGER",
    "ALTER TABLE query_embeddings_cache ALTER embedding TYPE vector": "query_embeddings_cache.embedding is different",
    "ALTER TABLE ai_token_pool DROP CONSTRAINT ck_ai_token_pool_priority": "ck_ai_token_pool_priority of ai_token_pool",
    "ALTER TABLE ai_token_usage DROP CONSTRAINT uq_ai_token_usage_request_id_attempt": "request_id_attempt of",
    "ALTER TABLE dialogs DROP CONSTRAINT fk_dialogs_bot_id_bot_instances": "fk_dialogs_bot_id_bot_instances of dialogs",
    "ALTER TABLE dialog_messages DROP CONSTRAINT fk_dialog_messages_dialog_id_dialogs, ADD CONSTRAINT"
    " fk_dialog_messages_dialog_id_dialogs FOREIGN KEY (dialog_id) REFERENCES dialogs": "_dialog_id_dialogs of",
}
SURPLUS = {
    "CREATE TABLE backup_2025 (id int)": "The table backup_2025 is unknown",
    "CREATE INDEX mine ON users (status)": "The index mine of users is unknown",
    "ALTER TABLE users ADD COLUMN extra text": "The column users.extra is unknown",
}


def test_a_migrated_database_has_no_drift(database_url: str) -> None:
    survey = migrations.check(database_url)
    assert survey.status == "ok"
    assert [finding.name for finding in survey.checks] == ["revision", "schema"]


def test_what_is_missing_or_different_is_critical(database: Database, database_url: str) -> None:
    for change in BROKEN:
        database.execute(change)
    survey = migrations.check(database_url)
    said = "\n".join(finding.summary for finding in survey.checks if finding.status == "critical")
    assert survey.status == "critical"
    assert [words for words in BROKEN.values() if words not in said] == []


def test_what_is_there_besides_is_a_warning(database: Database, database_url: str) -> None:
    for change in SURPLUS:
        database.execute(change)
    survey = migrations.check(database_url)
    said = "\n".join(finding.summary for finding in survey.checks)
    assert survey.status == "warning"
    assert [words for words in SURPLUS.values() if words not in said] == []


def test_a_column_that_nobody_fills_is_critical(database: Database, database_url: str) -> None:
    database.execute("ALTER TABLE users ADD COLUMN extra int NOT NULL")
    (finding,) = [one for one in migrations.check(database_url).checks if one.status != "ok"]
    assert finding.status == "critical"
    assert finding.summary.startswith("The column users.extra is unknown to this version of ChatAI, and needs a value")


def test_what_a_former_chatai_left_is_named_and_harmless(database: Database, database_url: str) -> None:
    database.execute("CREATE TABLE payments (id int)")
    database.execute("CREATE TABLE training_runs (id int)")
    database.execute("ALTER TABLE assistants ADD COLUMN widget_version int")
    survey = migrations.check(database_url)
    assert survey.status == "ok"
    assert survey.checks[-1].evidence == {"tables": ["payments", "training_runs"]}


def test_an_old_revision_is_critical_and_says_what_repairs_it(empty_database_url: str) -> None:
    (finding,) = migrations.check(empty_database_url).checks
    assert (finding.status, finding.remedy) == ("critical", "chatai migrate upgrade")
    assert finding.evidence == {"revision": None, "head": HEAD}


def test_a_revision_of_a_newer_version_is_critical(database: Database, database_url: str) -> None:
    database.execute("UPDATE alembic_version SET version_num = '9999'")
    (finding,) = migrations.check(database_url).checks
    assert finding.status == "critical"
    assert "9999, which this version of ChatAI does not know" in finding.summary


CHAT = "ON dialogs USING btree (bot_id, telegram_chat_id)"
COSINE = "knowledge_embeddings_embedding_cosine_idx"
OWNER = "fk_documents_user_id_users"
PRIORITY = "ck_ai_token_pool_priority"
# One object each, which Alembic's own comparison takes for what the models say: what is done, what is said of it.
SPOILT = [
    (
        "ALTER TABLE qa_knowledge DROP CONSTRAINT pk_qa_knowledge CASCADE",
        "The constraint pk_qa_knowledge of qa_knowledge is missing.",
    ),
    (
        f"DROP INDEX uq_dialogs_open_chat; CREATE UNIQUE INDEX uq_dialogs_open_chat {CHAT}",
        (
            f"The index uq_dialogs_open_chat of dialogs is different: CREATE UNIQUE INDEX {CHAT} in the database,"
            f" CREATE UNIQUE INDEX {CHAT} WHERE (ended_at IS NULL) expected."
        ),
    ),
    (
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'idx_documents_hash'::regclass",
        "The index idx_documents_hash of documents is different",
    ),
    (
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'pk_documents'::regclass",
        "The constraint pk_documents of documents is different",
    ),
    (
        f"DROP INDEX {COSINE}; CREATE INDEX {COSINE} ON knowledge_embeddings USING ivfflat (embedding vector_l2_ops)",
        f"The index {COSINE} of knowledge_embeddings is different: CREATE INDEX ON knowledge_embeddings USING ivfflat",
    ),
    (
        "DROP INDEX idx_ai_token_usage_created; CREATE INDEX idx_ai_token_usage_created ON ai_token_usage (created_at)",
        "The index idx_ai_token_usage_created of ai_token_usage is different",
    ),
    (
        f"ALTER TABLE ai_token_pool DROP CONSTRAINT {PRIORITY}, ADD CONSTRAINT {PRIORITY} CHECK (priority >= 0)",
        (
            f"The constraint {PRIORITY} of ai_token_pool is different: CHECK ((priority >= 0)) in the database,"
            " CHECK ((priority >= 1)) expected."
        ),
    ),
    (
        (
            f"ALTER TABLE documents DROP CONSTRAINT {OWNER}, ADD CONSTRAINT {OWNER} FOREIGN KEY (user_id)"
            " REFERENCES users (id) ON DELETE CASCADE NOT VALID"
        ),
        f"The constraint {OWNER} of documents is different",
    ),
]


@pytest.mark.parametrize(("change", "said"), SPOILT)
def test_what_only_the_catalogue_tells_is_critical_and_told_once(
    change: str, said: str, database: Database, database_url: str
) -> None:
    database.execute("SET client_min_messages = error")
    database.execute(change)
    survey = migrations.check(database_url)
    own = [finding for finding in survey.checks if said in finding.summary]
    assert [finding.status for finding in own] == ["critical"]
    objects = [finding.evidence.get("object") for finding in survey.checks]
    assert len(objects) == len(set(objects))


def test_how_an_index_is_stored_is_the_operators_own_choice(database: Database, database_url: str) -> None:
    database.execute("ALTER INDEX idx_documents_hash SET (fillfactor = 70)")
    database.execute("ALTER TABLE users RENAME CONSTRAINT pk_users TO users_pkey")
    assert migrations.check(database_url).status == "ok"


def test_both_defaults_are_told_as_sql(database: Database, database_url: str) -> None:
    database.execute("ALTER TABLE users ALTER role SET DEFAULT 'admin'")
    database.execute("ALTER TABLE users ALTER onboarding_step DROP DEFAULT")
    said = [finding.summary for finding in migrations.check(database_url).checks if finding.status != "ok"]
    assert said == [
        f"The default of the column users.{column} is different: {found} in the database, {wanted} expected."
        for column, found, wanted in (
            ("role", "'admin'::character varying", "'user'"),
            ("onboarding_step", "none", "0"),
        )
    ]


def test_check_leaves_nothing_in_the_database(database: Database, database_url: str) -> None:
    before = database.value("SELECT array_agg(oid::text ORDER BY oid) FROM pg_class")
    assert migrations.check(database_url).status == "ok"
    temporary = "SELECT count(*) FROM pg_class WHERE relpersistence = 't'"
    assert database.value(temporary) == 0
    assert database.value("SELECT array_agg(oid::text ORDER BY oid) FROM pg_class") == before


def test_where_no_pattern_can_be_made_check_says_what_it_does_not_know(database: Database, database_url: str) -> None:
    """As on a replica, or for a role without TEMPORARY: never a clean bill."""
    name = database.value("SELECT current_database()")
    database.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    survey = migrations.check(database_url)
    assert survey.status == "unknown"
    (finding,) = [one for one in survey.checks if one.status == "unknown"]
    assert "read-only transaction" in finding.summary


def test_a_locked_table_is_waited_for_no_longer_than_3_s(database_url: str) -> None:
    with holding(database_url, "LOCK TABLE dialogs IN ACCESS EXCLUSIVE MODE"):
        began = time.monotonic()
        with pytest.raises(Busy):
            migrations.check(database_url)
        assert time.monotonic() - began < 9
