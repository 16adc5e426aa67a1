"""The names that the runbook's queries, the old clients and adopted databases rely on."""

import pytest

from chatai_core.adapters.postgres import Database
from chatai_core.models import Base

TABLES = {
    "users": (
        "id yandex_id email hashed_password role status created_at last_activity is_email_confirmed"
        " email_confirmation_code first_name onboarding_completed onboarding_step onboarding_started_at"
        " onboarding_completed_at onboarding_skipped first_bot_created first_message_sent tutorial_tips_shown"
        " welcome_bonus_received password_reset_token password_reset_expires"
    ),
    "assistants": (
        "id user_id name ai_model system_prompt created_at updated_at is_active website_integration_enabled"
        " allowed_domains knowledge_version operator_name business_name avatar_url widget_theme widget_settings"
    ),
    "bot_instances": "id user_id assistant_id platform bot_token is_active created_at",
    "dialogs": (
        "id user_id assistant_id started_at ended_at auto_response first_response_time fallback is_taken_over"
        " telegram_chat_id telegram_username first_name last_name guest_id handoff_status handoff_requested_at"
        " handoff_started_at handoff_resolved_at handoff_reason assigned_manager_id request_id"
    ),
    "dialog_messages": "id dialog_id sender text timestamp delivered message_kind system_type",
    "ai_token_pool": (
        "id name token model_access daily_limit monthly_limit current_daily_usage current_monthly_usage"
        " last_reset_daily last_reset_monthly priority is_active created_at last_used error_count last_error notes"
    ),
    "ai_token_usage": (
        "id token_id user_id assistant_id model_used prompt_tokens completion_tokens total_tokens request_type"
        " response_time success error_message created_at"
    ),
    "documents": "id user_id filename size upload_date doc_hash",
    "user_knowledge": (
        "id user_id assistant_id doc_id content type doc_type importance last_used usage_count created_at updated_at"
    ),
    "knowledge_embeddings": (
        "id user_id assistant_id doc_id qa_id chunk_index chunk_text embedding doc_type importance token_count"
        " chunk_hash source created_at updated_at"
    ),
    "query_embeddings_cache": "id query_hash query_text embedding created_at last_used usage_count",
    "qa_knowledge": (
        "id user_id assistant_id question answer category keywords importance usage_count last_used is_active"
        " created_at updated_at"
    ),
}

INDEXES = {
    "idx_ai_token_usage_token_created",
    "idx_ai_token_usage_user_model",
    "idx_bot_instances_assistant_active",
    "idx_bot_instances_platform",
    "idx_dialog_messages_dialog_timestamp",
    "idx_dialog_messages_kind_timestamp",
    "idx_dialog_messages_sender_timestamp",
    "idx_dialogs_assistant_created",
    "idx_dialogs_handoff_status",
    "idx_dialogs_user_started",
    "idx_documents_hash",
    "idx_documents_user_upload",
    "idx_knowledge_embeddings_assistant_importance",
    "idx_knowledge_embeddings_chunk_hash",
    "idx_knowledge_embeddings_source_created",
    "idx_knowledge_embeddings_user_doc",
    "idx_user_knowledge_doc_type",
    "idx_user_knowledge_last_used",
    "idx_user_knowledge_user_assistant",
    "ix_dialogs_guest_id",
    "ix_users_email",
    "knowledge_embeddings_embedding_cosine_idx",
    "query_embeddings_cache_embedding_cosine_idx",
    "uq_ai_token_pool_token",
    "uq_users_email",
}


@pytest.mark.parametrize("table", TABLES)
def test_a_table_has_the_columns_of_the_contract(table: str) -> None:
    assert set(TABLES[table].split()) <= set(Base.metadata.tables[table].columns.keys())


def test_the_indexes_have_the_names_of_the_contract(database: Database) -> None:
    there = database.rows(lambda indexname: indexname, "SELECT indexname FROM pg_indexes WHERE schemaname = 'public'")
    assert set(there) >= INDEXES


def test_constraints_and_indexes_are_named_by_one_convention(database: Database) -> None:
    odd = database.rows(
        lambda conname: conname,
        """
        SELECT conname FROM pg_constraint
         WHERE connamespace = 'public'::regnamespace AND contype IN ('p', 'u', 'f', 'c')
           AND conrelid <> 'alembic_version'::regclass
           AND conname !~ ('^' || CASE contype WHEN 'p' THEN 'pk' WHEN 'u' THEN 'uq' WHEN 'f' THEN 'fk' ELSE 'ck' END
                           || '_' || conrelid::regclass)
        """,
    )
    assert odd == []


def test_every_moment_has_a_time_zone(database: Database) -> None:
    naive = database.value(
        "SELECT count(*) FROM information_schema.columns"
        " WHERE table_schema = 'public' AND data_type = 'timestamp without time zone'"
    )
    assert naive == 0


def test_the_embeddings_are_vectors_of_1536_numbers(database: Database) -> None:
    types = database.rows(
        lambda relation, type_: (relation, type_),
        "SELECT attrelid::regclass::text AS relation, format_type(atttypid, atttypmod) AS type_"
        "  FROM pg_attribute WHERE attname = 'embedding' AND attrelid::regclass::text !~ '_idx$' ORDER BY 1",
    )
    assert types == [("knowledge_embeddings", "vector(1536)"), ("query_embeddings_cache", "vector(1536)")]


def test_every_foreign_key_can_be_followed_backwards_through_an_index(database: Database) -> None:
    """Without one, deleting a user would read the whole table."""
    unindexed = database.rows(
        lambda conname: conname,
        """
        SELECT conname FROM pg_constraint c
         WHERE contype = 'f' AND NOT EXISTS (
               SELECT FROM pg_index i
                WHERE i.indrelid = c.conrelid AND i.indkey[0] = c.conkey[1] AND i.indpred IS NULL)
        """,
    )
    assert unindexed == []


def test_no_index_repeats_another(database: Database) -> None:
    repeated = database.rows(
        lambda pair: pair,
        """
        SELECT a.indexrelid::regclass || ' ' || b.indexrelid::regclass AS pair
          FROM pg_index a JOIN pg_index b USING (indrelid, indclass)
         WHERE a.indexrelid < b.indexrelid AND a.indkey = b.indkey
           AND coalesce(pg_get_expr(a.indexprs, a.indrelid), '') = coalesce(pg_get_expr(b.indexprs, b.indrelid), '')
           AND coalesce(pg_get_expr(a.indpred, a.indrelid), '') = coalesce(pg_get_expr(b.indpred, b.indrelid), '')
        """,
    )
    assert repeated == []
