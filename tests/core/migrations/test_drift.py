"""A database that is not what its revision claims."""

from chatai_core import migrations
from chatai_core.adapters.postgres import Database
from chatai_core.migrations import scripts

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
