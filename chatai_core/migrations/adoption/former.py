"""The database of the ChatAI before this one, as its models and its Alembic scripts left it (September 2025).

The facts behind these names stand in the test's builder, tests/core/migrations/former.py.
"""

# Its revisions, the oldest first; any of them may stand in alembic_version.
REVISIONS = ("66ea5c9e3d91", "165e5d314eaf", "6d3478c239ce", "c4132f66258f", "23081a5beb71", "fb3228f45466")

_WRITTEN = {
    "users": "id yandex_id email hashed_password role status created_at last_activity is_email_confirmed"
    " email_confirmation_code first_name onboarding_completed onboarding_step onboarding_started_at"
    " onboarding_completed_at onboarding_skipped first_bot_created first_message_sent tutorial_tips_shown"
    " welcome_bonus_received password_reset_token password_reset_expires",
    "assistants": "id user_id name ai_model system_prompt created_at updated_at is_active website_integration_enabled"
    " allowed_domains knowledge_version operator_name business_name avatar_url widget_theme widget_settings",
    "bot_instances": "id user_id assistant_id platform bot_token is_active created_at",
    "dialogs": "id user_id assistant_id started_at ended_at auto_response first_response_time fallback is_taken_over"
    " telegram_chat_id telegram_username first_name last_name guest_id handoff_status handoff_requested_at"
    " handoff_started_at handoff_resolved_at handoff_reason assigned_manager_id request_id",
    "dialog_messages": "id dialog_id sender text timestamp delivered message_kind system_type",
    "ai_token_pool": "id name token model_access daily_limit monthly_limit current_daily_usage current_monthly_usage"
    " last_reset_daily last_reset_monthly priority is_active created_at last_used error_count last_error notes",
    "ai_token_usage": "id token_id user_id assistant_id model_used prompt_tokens completion_tokens total_tokens"
    " request_type response_time success error_message created_at",
    "documents": "id user_id filename size upload_date doc_hash",
    "user_knowledge": "id user_id assistant_id doc_id content type doc_type importance last_used usage_count"
    " created_at updated_at",
    "qa_knowledge": "id user_id assistant_id question answer category keywords importance usage_count last_used"
    " is_active created_at updated_at",
    "knowledge_embeddings": "id user_id assistant_id doc_id qa_id chunk_index chunk_text embedding doc_type importance"
    " token_count chunk_hash source created_at updated_at",
    "query_embeddings_cache": "id query_hash query_text embedding created_at last_used usage_count",
}
# The tables that both have, with the columns that the former had in each.
TABLES = {table: tuple(columns.split()) for table, columns in _WRITTEN.items()}

# Only the former ones lack it: whoever has it is no former database, whatever alembic_version says.
SEALED = ("ai_token_pool", "token_fingerprint")

NOTES = "adoption_notes"  # the table in which the adoption itself writes what it changed
_TABLES_LEFT = frozenset(
    {
        NOTES,
        "user_balances",
        "balance_transactions",
        "service_prices",
        "integration_tokens",
        "telegram_tokens",
        "openai_tokens",
        "payments",
        "operator_presence",
        "handoff_audit",
        "system_settings",
        "start_page_events",
        "dialog_ratings",
        "message_ratings",
        "organization_features",
    }
)
_TRAINING = "training_"
_COLUMNS_LEFT = frozenset({("assistants", "widget_version")})
WITH_SECRETS = ("integration_tokens", "telegram_tokens", "openai_tokens")


def is_left(kind: str, name: str | None, table: str | None) -> bool:
    """Whether this table (or column of a table) is the former ChatAI's, and known to be left alone."""
    if kind == "table":
        return name is not None and (name in _TABLES_LEFT or name.startswith(_TRAINING))
    return kind == "column" and (table, name) in _COLUMNS_LEFT
