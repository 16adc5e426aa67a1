"""Users, assistants, bots, dialogs, token pool, knowledge.

Revision ID: 0001
Revises:
Create Date: 2026-11-24 08:00:00+00:00
"""

from typing import Any

import sqlalchemy as sa
from pgvector.sqlalchemy import VECTOR
from sqlalchemy.dialects.postgresql import JSONB

from alembic import op

revision = "0001"
down_revision = None

WORD, WORDS, NUMBER, MOMENT = sa.String(), sa.Text(), sa.Integer(), sa.DateTime(timezone=True)
NOW = sa.text("now()")
HNSW = {"postgresql_using": "hnsw", "postgresql_ops": {"embedding": "vector_cosine_ops"}}


def upgrade() -> None:
    # pgvector is no trusted extension: where it is missing, only a superuser gets past this line.
    op.execute("CREATE EXTENSION IF NOT EXISTS vector")
    create_users()
    create_assistants()
    create_bots()
    create_dialogs()
    create_dialog_messages()
    create_token_pool()
    create_token_usage()
    create_documents()
    create_user_knowledge()
    create_questions()
    create_embeddings()
    create_query_cache()


def downgrade() -> None:
    # The extension stays: it may have been here before, and may belong to a superuser.
    for table in (
        "query_embeddings_cache",
        "knowledge_embeddings",
        "qa_knowledge",
        "user_knowledge",
        "documents",
        "ai_token_usage",
        "ai_token_pool",
        "dialog_messages",
        "dialogs",
        "bot_instances",
        "assistants",
        "users",
    ):
        op.drop_table(table)


def create_users() -> None:
    create(
        "users",
        optional("yandex_id"),
        required("email"),
        required("hashed_password"),
        required("role", default="user"),
        required("status", default="active"),
        required("created_at", MOMENT, NOW),
        optional("last_activity", MOMENT),
        flag("is_email_confirmed", "false"),
        optional("email_confirmation_code"),
        optional("first_name"),
        flag("onboarding_completed", "false"),
        number("onboarding_step", "0"),
        optional("onboarding_started_at", MOMENT),
        optional("onboarding_completed_at", MOMENT),
        flag("onboarding_skipped", "false"),
        flag("first_bot_created", "false"),
        flag("first_message_sent", "false"),
        optional("tutorial_tips_shown", WORDS),
        flag("welcome_bonus_received", "false"),
        optional("password_reset_token"),
        optional("password_reset_expires", MOMENT),
        sa.UniqueConstraint("yandex_id", name=op.f("uq_users_yandex_id")),
        sa.CheckConstraint("role IN ('user', 'admin', 'operator')", name=op.f("ck_users_role")),
        sa.CheckConstraint("status IN ('active', 'blocked')", name=op.f("ck_users_status")),
    )
    op.create_index("uq_users_email", "users", [sa.text("lower(email)")], unique=True)
    index("ix_users_email", "users", "email")


def create_assistants() -> None:
    create(
        "assistants",
        required("user_id", NUMBER),
        required("name", default="AI-ассистент"),
        required("ai_model", default="gpt-4o-mini"),
        optional("system_prompt", WORDS),
        required("created_at", MOMENT, NOW),
        required("updated_at", MOMENT, NOW),
        flag("is_active", "true"),
        flag("website_integration_enabled", "false"),
        optional("allowed_domains", WORDS),
        number("knowledge_version", "1"),
        optional("operator_name", sa.String(255)),
        optional("business_name", sa.String(255)),
        optional("avatar_url", WORDS),
        required("widget_theme", sa.String(50), "blue"),
        required("widget_settings", JSONB(), sa.text("'{}'")),
        references("assistants", "user_id", "users", "CASCADE"),
    )
    index("ix_assistants_user_id", "assistants", "user_id")


def create_bots() -> None:
    create(
        "bot_instances",
        required("user_id", NUMBER),
        required("assistant_id", NUMBER),
        required("platform", default="telegram"),
        optional("name"),
        optional("bot_token"),
        optional("bot_token_fingerprint", sa.String(64)),
        optional("bot_token_hint"),
        optional("telegram_username"),
        optional("telegram_bot_id", sa.BigInteger()),
        flag("is_active", "true"),
        required("created_at", MOMENT, NOW),
        required("updated_at", MOMENT, NOW),
        sa.UniqueConstraint("bot_token_fingerprint", name=op.f("uq_bot_instances_bot_token_fingerprint")),
        references("bot_instances", "user_id", "users", "CASCADE"),
        references("bot_instances", "assistant_id", "assistants", "CASCADE"),
    )
    index("idx_bot_instances_assistant_active", "bot_instances", "assistant_id", "is_active")
    index("idx_bot_instances_platform", "bot_instances", "platform", "is_active")
    index("ix_bot_instances_user_id", "bot_instances", "user_id")


def create_dialogs() -> None:
    create(
        "dialogs",
        required("user_id", NUMBER),
        optional("assistant_id", NUMBER),
        optional("bot_id", NUMBER),
        required("started_at", MOMENT, NOW),
        optional("ended_at", MOMENT),
        number("auto_response", "0"),
        optional("first_response_time", sa.Double()),
        number("fallback", "0"),
        number("is_taken_over", "0"),
        *(optional(name) for name in ("telegram_chat_id", "telegram_username", "first_name", "last_name", "guest_id")),
        required("handoff_status", default="none"),
        *(optional(f"handoff_{step}_at", MOMENT) for step in ("requested", "started", "resolved")),
        optional("handoff_reason"),
        optional("assigned_manager_id", NUMBER),
        optional("request_id", sa.String(36)),
        references("dialogs", "user_id", "users", "CASCADE"),
        references("dialogs", "assistant_id", "assistants", "SET NULL"),
        references("dialogs", "bot_id", "bot_instances", "SET NULL"),
        references("dialogs", "assigned_manager_id", "users", "SET NULL"),
    )
    is_open = {"unique": True, "postgresql_where": sa.text("ended_at IS NULL")}
    op.create_index("uq_dialogs_open_chat", "dialogs", ["bot_id", "telegram_chat_id"], **is_open)
    index("idx_dialogs_bot_started", "dialogs", "bot_id", "started_at")
    index("idx_dialogs_user_started", "dialogs", "user_id", "started_at")
    index("idx_dialogs_handoff_status", "dialogs", "handoff_status", "handoff_requested_at")
    index("idx_dialogs_assistant_created", "dialogs", "assistant_id", "started_at")
    index("ix_dialogs_guest_id", "dialogs", "guest_id")
    index("ix_dialogs_assigned_manager_id", "dialogs", "assigned_manager_id")


def create_dialog_messages() -> None:
    create(
        "dialog_messages",
        required("dialog_id", NUMBER),
        required("sender"),
        required("text", WORDS),
        required("timestamp", MOMENT, NOW),
        number("delivered", "0"),
        required("message_kind", default="user"),
        optional("system_type"),
        references("dialog_messages", "dialog_id", "dialogs", "CASCADE"),
    )
    index("idx_dialog_messages_dialog_timestamp", "dialog_messages", "dialog_id", "timestamp")
    index("idx_dialog_messages_kind_timestamp", "dialog_messages", "message_kind", "timestamp")
    index("idx_dialog_messages_sender_timestamp", "dialog_messages", "sender", "timestamp")


def create_token_pool() -> None:
    limits = ("daily_limit", "monthly_limit", "current_daily_usage", "current_monthly_usage")
    create(
        "ai_token_pool",
        required("name"),
        required("token"),
        required("token_fingerprint", sa.String(64)),
        required("token_hint"),
        optional("base_url"),
        required("model_access", default="gpt-4o,gpt-4o-mini"),
        number("daily_limit", "10000"),
        number("monthly_limit", "300000"),
        number("current_daily_usage", "0"),
        number("current_monthly_usage", "0"),
        required("last_reset_daily", MOMENT, NOW),
        required("last_reset_monthly", MOMENT, NOW),
        number("priority", "1"),
        flag("is_active", "true"),
        required("created_at", MOMENT, NOW),
        optional("last_used", MOMENT),
        number("error_count", "0"),
        optional("last_error", MOMENT),
        optional("notes", WORDS),
        optional("cooling_until", MOMENT),
        optional("quarantined_at", MOMENT),
        optional("quarantine_reason", WORDS),
        sa.UniqueConstraint("token_fingerprint", name=op.f("uq_ai_token_pool_token")),
        *(sa.CheckConstraint(f"{name} >= 0", name=op.f(f"ck_ai_token_pool_{name}")) for name in limits),
        sa.CheckConstraint("priority >= 1", name=op.f("ck_ai_token_pool_priority")),
    )


def create_token_usage() -> None:
    create(
        "ai_token_usage",
        required("request_id", sa.String(36)),
        number("attempt", "1"),
        optional("token_id", NUMBER),
        optional("user_id", NUMBER),
        optional("assistant_id", NUMBER),
        required("model_used"),
        number("prompt_tokens", "0"),
        number("completion_tokens", "0"),
        number("total_tokens", "0"),
        required("request_type", default="chat"),
        required("response_time", sa.Double(), sa.text("0")),
        flag("success", "true"),
        optional("error_message", WORDS),
        required("created_at", MOMENT, NOW),
        sa.UniqueConstraint("request_id", "attempt", name=op.f("uq_ai_token_usage_request_id_attempt")),
        sa.CheckConstraint("attempt >= 1", name=op.f("ck_ai_token_usage_attempt")),
        references("ai_token_usage", "token_id", "ai_token_pool", "SET NULL"),
        references("ai_token_usage", "user_id", "users", "SET NULL"),
        references("ai_token_usage", "assistant_id", "assistants", "SET NULL"),
    )
    index("idx_ai_token_usage_token_created", "ai_token_usage", "token_id", "created_at")
    index("idx_ai_token_usage_user_model", "ai_token_usage", "user_id", "model_used")
    index("ix_ai_token_usage_assistant_id", "ai_token_usage", "assistant_id")


def create_documents() -> None:
    create(
        "documents",
        required("user_id", NUMBER),
        required("filename"),
        required("size", NUMBER),
        required("upload_date", MOMENT, NOW),
        optional("doc_hash", sa.String(64)),
        references("documents", "user_id", "users", "CASCADE"),
    )
    index("idx_documents_user_upload", "documents", "user_id", "upload_date")
    index("idx_documents_hash", "documents", "doc_hash")


def create_user_knowledge() -> None:
    create(
        "user_knowledge",
        required("user_id", NUMBER),
        optional("assistant_id", NUMBER),
        optional("doc_id", NUMBER),
        required("content", WORDS),
        required("type", default="summary"),
        optional("doc_type"),
        number("importance", "10"),
        optional("last_used", MOMENT),
        number("usage_count", "0"),
        required("created_at", MOMENT, NOW),
        required("updated_at", MOMENT, NOW),
        references("user_knowledge", "user_id", "users", "CASCADE"),
        references("user_knowledge", "assistant_id", "assistants", "CASCADE"),
        references("user_knowledge", "doc_id", "documents", "CASCADE"),
    )
    index("idx_user_knowledge_user_assistant", "user_knowledge", "user_id", "assistant_id")
    index("idx_user_knowledge_doc_type", "user_knowledge", "doc_type", "importance")
    index("idx_user_knowledge_last_used", "user_knowledge", "last_used")
    index("ix_user_knowledge_assistant_id", "user_knowledge", "assistant_id")
    index("ix_user_knowledge_doc_id", "user_knowledge", "doc_id")


def create_questions() -> None:
    create(
        "qa_knowledge",
        required("user_id", NUMBER),
        optional("assistant_id", NUMBER),
        required("question", WORDS),
        required("answer", WORDS),
        optional("category"),
        optional("keywords", WORDS),
        number("importance", "10"),
        number("usage_count", "0"),
        optional("last_used", MOMENT),
        flag("is_active", "true"),
        required("created_at", MOMENT, NOW),
        required("updated_at", MOMENT, NOW),
        references("qa_knowledge", "user_id", "users", "CASCADE"),
        references("qa_knowledge", "assistant_id", "assistants", "CASCADE"),
    )
    index("ix_qa_knowledge_user_id", "qa_knowledge", "user_id")
    index("ix_qa_knowledge_assistant_id", "qa_knowledge", "assistant_id")


def create_embeddings() -> None:
    create(
        "knowledge_embeddings",
        required("user_id", NUMBER),
        optional("assistant_id", NUMBER),
        optional("doc_id", NUMBER),
        optional("qa_id", NUMBER),
        required("chunk_index", NUMBER),
        required("chunk_text", WORDS),
        required("embedding", VECTOR(1536)),
        optional("doc_type"),
        number("importance", "10"),
        optional("token_count", NUMBER),
        optional("chunk_hash", sa.String(64)),
        optional("source"),
        required("created_at", MOMENT, NOW),
        required("updated_at", MOMENT, NOW),
        references("knowledge_embeddings", "user_id", "users", "CASCADE"),
        references("knowledge_embeddings", "assistant_id", "assistants", "CASCADE"),
        references("knowledge_embeddings", "doc_id", "documents", "CASCADE"),
        references("knowledge_embeddings", "qa_id", "qa_knowledge", "CASCADE"),
    )
    op.create_index("knowledge_embeddings_embedding_cosine_idx", "knowledge_embeddings", ["embedding"], **HNSW)
    index("idx_knowledge_embeddings_user_doc", "knowledge_embeddings", "user_id", "doc_id")
    index("idx_knowledge_embeddings_assistant_importance", "knowledge_embeddings", "assistant_id", "importance")
    index("idx_knowledge_embeddings_source_created", "knowledge_embeddings", "source", "created_at")
    index("idx_knowledge_embeddings_chunk_hash", "knowledge_embeddings", "chunk_hash")
    index("ix_knowledge_embeddings_doc_id", "knowledge_embeddings", "doc_id")
    index("ix_knowledge_embeddings_qa_id", "knowledge_embeddings", "qa_id")


def create_query_cache() -> None:
    create(
        "query_embeddings_cache",
        required("query_hash", sa.String(64)),
        required("query_text", WORDS),
        required("embedding", VECTOR(1536)),
        required("created_at", MOMENT, NOW),
        optional("last_used", MOMENT),
        number("usage_count", "1"),
        sa.UniqueConstraint("query_hash", name=op.f("uq_query_embeddings_cache_query_hash")),
    )
    op.create_index("query_embeddings_cache_embedding_cosine_idx", "query_embeddings_cache", ["embedding"], **HNSW)


def create(table: str, *parts: sa.Column[Any] | sa.Constraint) -> None:
    """A table with a numbered primary key."""
    key = sa.Column("id", sa.Integer(), sa.Identity(), nullable=False)
    op.create_table(table, key, *parts, sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")))


def index(name: str, table: str, *columns: str) -> None:
    op.create_index(op.f(name), table, list(columns))


def references(table: str, column: str, parent: str, on_delete: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{parent}")
    return sa.ForeignKeyConstraint([column], [f"{parent}.id"], name=name, ondelete=on_delete)


def required(name: str, kind: Any = WORD, default: Any = None) -> sa.Column[Any]:
    return sa.Column(name, kind, server_default=default, nullable=False)


def optional(name: str, kind: Any = WORD) -> sa.Column[Any]:
    return sa.Column(name, kind)


def number(name: str, default: str) -> sa.Column[Any]:
    return required(name, NUMBER, sa.text(default))


def flag(name: str, default: str) -> sa.Column[Any]:
    return required(name, sa.Boolean(), sa.text(default))
