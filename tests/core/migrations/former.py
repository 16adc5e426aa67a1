"""The database of the ChatAI before this one, built as its models and Alembic left it, with rows in it.

The source of every name is research/contract.md, section 1: keys from sequences, naive timestamps, defaults that only
Python knew, foreign keys without ON DELETE, ivfflat indexes, tokens in plaintext.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg2

REVISION = "fb3228f45466"
SECRET_KEY = "the-key-of-this-installation-0123456789abcdef"
PASSWORD = "correct horse"

TABLES = """
CREATE EXTENSION IF NOT EXISTS vector;
CREATE TABLE users (
    id SERIAL CONSTRAINT pk_users PRIMARY KEY, yandex_id VARCHAR CONSTRAINT uq_users_yandex_id UNIQUE,
    email VARCHAR NOT NULL CONSTRAINT uq_users_email UNIQUE, hashed_password VARCHAR NOT NULL, role VARCHAR,
    status VARCHAR, created_at TIMESTAMP, last_activity TIMESTAMP, is_email_confirmed BOOLEAN,
    email_confirmation_code VARCHAR, first_name VARCHAR, onboarding_completed BOOLEAN, onboarding_step INTEGER,
    onboarding_started_at TIMESTAMP, onboarding_completed_at TIMESTAMP, onboarding_skipped BOOLEAN,
    first_bot_created BOOLEAN, first_message_sent BOOLEAN, tutorial_tips_shown TEXT, welcome_bonus_received BOOLEAN,
    password_reset_token VARCHAR, password_reset_expires TIMESTAMP);
CREATE INDEX ix_users_email ON users (email);
CREATE INDEX ix_users_id ON users (id);
CREATE TABLE assistants (
    id SERIAL CONSTRAINT pk_assistants PRIMARY KEY,
    user_id INTEGER CONSTRAINT fk_assistants_user_id_users REFERENCES users (id),
    name VARCHAR NOT NULL, ai_model VARCHAR, system_prompt TEXT, created_at TIMESTAMP, updated_at TIMESTAMP,
    is_active BOOLEAN, website_integration_enabled BOOLEAN, allowed_domains TEXT, knowledge_version INTEGER,
    operator_name VARCHAR(255), business_name VARCHAR(255), avatar_url TEXT, widget_theme VARCHAR(50),
    widget_settings JSON, widget_version INTEGER NOT NULL);
CREATE TABLE bot_instances (
    id SERIAL CONSTRAINT pk_bot_instances PRIMARY KEY,
    user_id INTEGER CONSTRAINT fk_bot_instances_user_id_users REFERENCES users (id),
    assistant_id INTEGER CONSTRAINT fk_bot_instances_assistant_id_assistants REFERENCES assistants (id),
    platform VARCHAR NOT NULL, bot_token VARCHAR, is_active BOOLEAN, created_at TIMESTAMP);
CREATE TABLE dialogs (
    id SERIAL CONSTRAINT pk_dialogs PRIMARY KEY,
    user_id INTEGER CONSTRAINT fk_dialogs_user_id_users REFERENCES users (id),
    assistant_id INTEGER CONSTRAINT fk_dialogs_assistant_id_assistants REFERENCES assistants (id),
    started_at TIMESTAMP, ended_at TIMESTAMP, auto_response INTEGER, first_response_time FLOAT, fallback INTEGER,
    is_taken_over INTEGER, telegram_chat_id VARCHAR, telegram_username VARCHAR, first_name VARCHAR, last_name VARCHAR,
    guest_id VARCHAR, handoff_status VARCHAR NOT NULL, handoff_requested_at TIMESTAMP, handoff_started_at TIMESTAMP,
    handoff_resolved_at TIMESTAMP, handoff_reason VARCHAR,
    assigned_manager_id INTEGER CONSTRAINT fk_dialogs_assigned_manager_id_users REFERENCES users (id),
    request_id VARCHAR(36));
CREATE INDEX ix_dialogs_guest_id ON dialogs (guest_id);
CREATE INDEX idx_dialogs_user_started ON dialogs (user_id, started_at);
CREATE INDEX idx_dialogs_handoff_status ON dialogs (handoff_status, handoff_requested_at);
CREATE INDEX idx_dialogs_assistant_created ON dialogs (assistant_id, started_at);
CREATE TABLE dialog_messages (
    id SERIAL CONSTRAINT pk_dialog_messages PRIMARY KEY,
    dialog_id INTEGER CONSTRAINT fk_dialog_messages_dialog_id_dialogs REFERENCES dialogs (id),
    sender VARCHAR, text TEXT NOT NULL, timestamp TIMESTAMP, delivered INTEGER, message_kind VARCHAR NOT NULL,
    system_type VARCHAR);
CREATE INDEX idx_dialog_messages_dialog_timestamp ON dialog_messages (dialog_id, timestamp);
CREATE INDEX idx_dialog_messages_kind_timestamp ON dialog_messages (message_kind, timestamp);
CREATE INDEX idx_dialog_messages_sender_timestamp ON dialog_messages (sender, timestamp);
CREATE TABLE ai_token_pool (
    id SERIAL CONSTRAINT pk_ai_token_pool PRIMARY KEY, name VARCHAR NOT NULL,
    token VARCHAR NOT NULL CONSTRAINT uq_ai_token_pool_token UNIQUE, model_access VARCHAR, daily_limit INTEGER,
    monthly_limit INTEGER, current_daily_usage INTEGER, current_monthly_usage INTEGER, last_reset_daily TIMESTAMP,
    last_reset_monthly TIMESTAMP, priority INTEGER, is_active BOOLEAN, created_at TIMESTAMP, last_used TIMESTAMP,
    error_count INTEGER, last_error TIMESTAMP, notes TEXT);
CREATE INDEX ix_ai_token_pool_id ON ai_token_pool (id);
CREATE TABLE ai_token_usage (
    id SERIAL CONSTRAINT pk_ai_token_usage PRIMARY KEY,
    token_id INTEGER CONSTRAINT fk_ai_token_usage_token_id_ai_token_pool REFERENCES ai_token_pool (id),
    user_id INTEGER NOT NULL CONSTRAINT fk_ai_token_usage_user_id_users REFERENCES users (id),
    assistant_id INTEGER CONSTRAINT fk_ai_token_usage_assistant_id_assistants REFERENCES assistants (id),
    model_used VARCHAR NOT NULL, prompt_tokens INTEGER, completion_tokens INTEGER, total_tokens INTEGER,
    request_type VARCHAR, response_time FLOAT, success BOOLEAN, error_message TEXT, created_at TIMESTAMP);
CREATE INDEX idx_ai_token_usage_token_created ON ai_token_usage (token_id, created_at);
CREATE INDEX idx_ai_token_usage_user_model ON ai_token_usage (user_id, model_used);
CREATE TABLE documents (
    id SERIAL CONSTRAINT pk_documents PRIMARY KEY,
    user_id INTEGER CONSTRAINT fk_documents_user_id_users REFERENCES users (id),
    filename VARCHAR NOT NULL, size INTEGER NOT NULL, upload_date TIMESTAMP, doc_hash VARCHAR(64));
CREATE INDEX idx_documents_user_upload ON documents (user_id, upload_date);
CREATE INDEX idx_documents_hash ON documents (doc_hash);
CREATE TABLE user_knowledge (
    id SERIAL CONSTRAINT pk_user_knowledge PRIMARY KEY,
    user_id INTEGER CONSTRAINT fk_user_knowledge_user_id_users REFERENCES users (id),
    assistant_id INTEGER CONSTRAINT fk_user_knowledge_assistant_id_assistants REFERENCES assistants (id),
    doc_id INTEGER CONSTRAINT fk_user_knowledge_doc_id_documents REFERENCES documents (id),
    content TEXT NOT NULL, type VARCHAR, doc_type VARCHAR, importance INTEGER, last_used TIMESTAMP,
    usage_count INTEGER, created_at TIMESTAMP, updated_at TIMESTAMP);
CREATE INDEX idx_user_knowledge_user_assistant ON user_knowledge (user_id, assistant_id);
CREATE INDEX idx_user_knowledge_doc_type ON user_knowledge (doc_type, importance);
CREATE INDEX idx_user_knowledge_last_used ON user_knowledge (last_used);
CREATE TABLE qa_knowledge (
    id SERIAL CONSTRAINT pk_qa_knowledge PRIMARY KEY,
    user_id INTEGER CONSTRAINT fk_qa_knowledge_user_id_users REFERENCES users (id),
    assistant_id INTEGER CONSTRAINT fk_qa_knowledge_assistant_id_assistants REFERENCES assistants (id),
    question TEXT, answer TEXT, category VARCHAR, keywords TEXT, importance INTEGER, usage_count INTEGER,
    last_used TIMESTAMP, is_active BOOLEAN, created_at TIMESTAMP, updated_at TIMESTAMP);
CREATE TABLE knowledge_embeddings (
    id SERIAL CONSTRAINT pk_knowledge_embeddings PRIMARY KEY,
    user_id INTEGER NOT NULL CONSTRAINT fk_knowledge_embeddings_user_id_users REFERENCES users (id),
    assistant_id INTEGER CONSTRAINT fk_knowledge_embeddings_assistant_id_assistants REFERENCES assistants (id),
    doc_id INTEGER CONSTRAINT fk_knowledge_embeddings_doc_id_documents REFERENCES documents (id),
    qa_id INTEGER CONSTRAINT fk_knowledge_embeddings_qa_id_qa_knowledge REFERENCES qa_knowledge (id),
    chunk_index INTEGER NOT NULL, chunk_text TEXT NOT NULL, embedding VECTOR(1536) NOT NULL, doc_type VARCHAR,
    importance INTEGER, token_count INTEGER, chunk_hash VARCHAR(64), source VARCHAR, created_at TIMESTAMP,
    updated_at TIMESTAMP);
CREATE INDEX idx_knowledge_embeddings_user_doc ON knowledge_embeddings (user_id, doc_id);
CREATE INDEX idx_knowledge_embeddings_assistant_importance ON knowledge_embeddings (assistant_id, importance);
CREATE INDEX idx_knowledge_embeddings_source_created ON knowledge_embeddings (source, created_at);
CREATE INDEX idx_knowledge_embeddings_chunk_hash ON knowledge_embeddings (chunk_hash);
CREATE TABLE query_embeddings_cache (
    id SERIAL CONSTRAINT pk_query_embeddings_cache PRIMARY KEY,
    query_hash VARCHAR(64) CONSTRAINT uq_query_embeddings_cache_query_hash UNIQUE, query_text TEXT,
    embedding VECTOR(1536), created_at TIMESTAMP, last_used TIMESTAMP, usage_count INTEGER);
CREATE TABLE user_balances (
    id SERIAL PRIMARY KEY, user_id INTEGER UNIQUE REFERENCES users (id), balance NUMERIC(12, 2),
    total_spent NUMERIC(12, 2), total_topped_up NUMERIC(12, 2), created_at TIMESTAMP, updated_at TIMESTAMP);
CREATE TABLE payments (
    id SERIAL PRIMARY KEY, user_id INTEGER REFERENCES users (id), amount NUMERIC(12, 2), created_at TIMESTAMP);
CREATE TABLE operator_presence (id SERIAL PRIMARY KEY, user_id INTEGER REFERENCES users (id), last_seen TIMESTAMP);
CREATE TABLE training_datasets (
    id SERIAL PRIMARY KEY, assistant_id INTEGER REFERENCES assistants (id), created_at TIMESTAMP);
CREATE TABLE dialog_ratings (id SERIAL PRIMARY KEY, dialog_id INTEGER REFERENCES dialogs (id), rating INTEGER);
CREATE TABLE system_settings (id SERIAL PRIMARY KEY, category VARCHAR, key VARCHAR, UNIQUE (category, key));
CREATE TABLE openai_tokens (id SERIAL PRIMARY KEY, user_id INTEGER REFERENCES users (id), token VARCHAR);
CREATE TABLE alembic_version (version_num VARCHAR(32) CONSTRAINT alembic_version_pkc PRIMARY KEY);
"""

IVFFLAT = """
SET client_min_messages = error;
CREATE INDEX knowledge_embeddings_embedding_cosine_idx ON knowledge_embeddings
    USING ivfflat (embedding vector_cosine_ops) WITH (lists = 100);
CREATE INDEX knowledge_embeddings_embedding_l2_idx ON knowledge_embeddings
    USING ivfflat (embedding vector_l2_ops) WITH (lists = 100);
CREATE INDEX query_embeddings_cache_embedding_cosine_idx ON query_embeddings_cache
    USING ivfflat (embedding vector_cosine_ops) WITH (lists = 50);
"""

_VECTOR = "(SELECT array_agg(random())::vector(1536) FROM generate_series(1, 1536) WHERE n = n)"
ROWS = f"""
INSERT INTO users (id, yandex_id, email, hashed_password, role, status, created_at, last_activity, is_email_confirmed,
                   onboarding_step, password_reset_expires)
SELECT n, CASE WHEN n % 3 = 0 THEN 'ya' || n END, 'User' || n || '@Example.org', 'HASHED',
       CASE n % 10 WHEN 0 THEN 'admin' ELSE 'user' END, CASE n % 7 WHEN 0 THEN 'blocked' ELSE 'active' END,
       '2025-03-30 02:30:00'::timestamp + n * interval '1 hour', '2025-09-01 12:00:00.123456', true, n % 6,
       '2025-10-26 02:30:00'
FROM generate_series(1, 500) n;
INSERT INTO assistants (user_id, name, ai_model, system_prompt, created_at, updated_at, is_active,
                        website_integration_enabled, knowledge_version, widget_theme, widget_settings, widget_version)
SELECT n, 'Помощник ' || n, 'gpt-4o-mini', 'Be brief. 100%', '2025-04-01'::timestamp + n * interval '1 minute',
       '2025-05-01', true, false, n, 'blue', json_build_object('color', '#' || n), 1
FROM generate_series(1, 500) n;
INSERT INTO bot_instances (user_id, assistant_id, platform, bot_token, is_active, created_at)
SELECT n, n, 'telegram', (700000000 + n) || ':PLAIN-bot-' || lpad(n::text, 25, 'x'), n % 2 = 0, '2025-06-01'
FROM generate_series(1, 200) n;
INSERT INTO dialogs (user_id, assistant_id, started_at, ended_at, auto_response, first_response_time, fallback,
                     is_taken_over, telegram_chat_id, telegram_username, handoff_status, assigned_manager_id)
SELECT n % 500 + 1, n % 500 + 1, '2025-07-01'::timestamp + n * interval '1 minute',
       CASE WHEN n % 4 = 0 THEN '2025-08-01'::timestamp END, n % 2, n / 7.0, 0, 0, (n * 1000)::text, 'who' || n, 'none',
       CASE WHEN n % 50 = 0 THEN 10 END
FROM generate_series(1, 1000) n;
INSERT INTO dialog_messages (dialog_id, sender, text, timestamp, delivered, message_kind)
SELECT n % 1000 + 1, CASE n % 2 WHEN 0 THEN 'user' ELSE 'assistant' END, 'Сообщение ' || n,
       '2025-07-01'::timestamp + n * interval '1 second', 1, CASE n % 2 WHEN 0 THEN 'user' ELSE 'assistant' END
FROM generate_series(1, 5000) n;
INSERT INTO ai_token_pool (name, token, model_access, daily_limit, monthly_limit, current_daily_usage,
                           current_monthly_usage, last_reset_daily, last_reset_monthly, priority, is_active, created_at,
                           error_count, last_error, notes)
SELECT 'key ' || n, 'sk-proj-PLAIN-pool-' || lpad(n::text, 20, 'y'), 'gpt-4o,gpt-4o-mini', 10000, 300000, n, n * 10,
       '2025-09-01', '2025-09-01', n, true, '2025-01-01', 0, NULL, 'bought by Anna'
FROM generate_series(1, 20) n;
INSERT INTO ai_token_usage (token_id, user_id, assistant_id, model_used, prompt_tokens, completion_tokens, total_tokens,
                            request_type, response_time, success, created_at)
SELECT n % 20 + 1, n % 500 + 1, n % 500 + 1, 'gpt-4o-mini', n, n, 2 * n, 'chat', n / 1000.0, n % 9 > 0,
       '2025-08-01'::timestamp + n * interval '10 minutes'
FROM generate_series(1, 2000) n;
INSERT INTO documents (user_id, filename, size, upload_date, doc_hash)
SELECT n, 'file ' || n || '.pdf', n * 1000, '2025-06-01', md5(n::text) FROM generate_series(1, 200) n;
INSERT INTO user_knowledge (user_id, assistant_id, doc_id, content, type, importance, usage_count, created_at,
                            updated_at)
SELECT n, n, n, 'What is known ' || n, 'summary', 10, 0, '2025-06-01', '2025-06-02' FROM generate_series(1, 200) n;
INSERT INTO qa_knowledge (user_id, assistant_id, question, answer, importance, usage_count, is_active, created_at,
                          updated_at)
SELECT n, n, 'Why ' || n || '?', 'Because.', 10, 0, true, '2025-06-01', '2025-06-02' FROM generate_series(1, 100) n;
INSERT INTO knowledge_embeddings (user_id, assistant_id, doc_id, qa_id, chunk_index, chunk_text, embedding, importance,
                                  chunk_hash, source, created_at, updated_at)
SELECT n, n, n, NULL, 0, 'chunk ' || n, {_VECTOR}, 10, md5(n::text), 'document', '2025-06-01', '2025-06-01'
FROM generate_series(1, 200) n;
INSERT INTO query_embeddings_cache (query_hash, query_text, embedding, created_at, last_used, usage_count)
SELECT md5(n::text), 'question ' || n, {_VECTOR}, '2025-06-01', '2025-06-02', 1 FROM generate_series(1, 100) n;
INSERT INTO user_balances (user_id, balance, created_at) SELECT n, 5.00, '2025-06-01' FROM generate_series(1, 500) n;
INSERT INTO payments (user_id, amount, created_at) SELECT n, 100.00, '2025-06-01' FROM generate_series(1, 50) n;
INSERT INTO openai_tokens (user_id, token) VALUES (1, 'sk-own-PLAINLEFT-0123456789');
"""
SERIALS = "SELECT setval('users_id_seq', 500); SELECT setval('dialog_messages_id_seq', 7000)"
NAMES = (
    "users",
    "assistants",
    "bot_instances",
    "dialogs",
    "dialog_messages",
    "ai_token_pool",
    "ai_token_usage",
    "documents",
    "user_knowledge",
    "qa_knowledge",
    "knowledge_embeddings",
    "query_embeddings_cache",
)


def build(url: str, *, rows: bool = True, revision: str | None = REVISION) -> None:
    """Make that database; ``revision`` None is what its developers' ``create_all`` left."""
    with opened(url) as cursor:
        cursor.execute(TABLES)
        if rows:
            cursor.execute(ROWS.replace("HASHED", bcrypted(PASSWORD)))
            cursor.execute(SERIALS)
        cursor.execute(IVFFLAT)
        if revision is None:
            cursor.execute("DROP TABLE alembic_version")
        else:
            cursor.execute("INSERT INTO alembic_version VALUES (%s)", (revision,))


def bcrypted(password: str) -> str:
    """A hash as the former ChatAI made it."""
    import bcrypt

    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


def contents(url: str) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table of the former ChatAI that this one has too, by column."""
    with opened(url) as cursor:
        found = {}
        for table in NAMES:
            cursor.execute(f"SELECT * FROM {table} ORDER BY id")
            names = [column.name for column in cursor.description or ()]
            found[table] = [dict(zip(names, row, strict=True)) for row in cursor]
        return found


def execute(url: str, *statements: str) -> None:
    """Change something in it."""
    with opened(url) as cursor:
        for statement in statements:
            cursor.execute(statement)


@contextmanager
def opened(url: str) -> Iterator[Any]:
    """A cursor in one transaction."""
    with closing(psycopg2.connect(url, options="-c timezone=UTC")) as connection, connection, connection.cursor() as c:
        yield c
