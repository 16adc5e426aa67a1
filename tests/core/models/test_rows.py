"""What the tables refuse, and what they fill in."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from chatai_core.adapters.postgres import Database
from chatai_core.models import AiToken, AiTokenUsage, Base, BotInstance, Dialog, KnowledgeEmbedding, User
from tests.core.models.conftest import VECTOR, World


def refused(session: Session, row: Base) -> str:
    """The name of the constraint that refuses this row."""
    session.add(row)
    with pytest.raises(IntegrityError) as caught:
        session.flush()
    session.rollback()
    return str(caught.value.orig.diag.constraint_name)  # type: ignore[union-attr]


def key(**values: object) -> AiToken:
    return AiToken(**{"name": "k", "token": "s", "token_fingerprint": "0" * 64, "token_hint": "sk-…1234", **values})


def test_an_address_is_taken_whatever_the_case_of_its_letters(session: Session) -> None:
    session.add(User(email="Owner@Example.com", hashed_password="-"))
    session.flush()
    assert refused(session, User(email="owner@example.COM", hashed_password="-")) == "uq_users_email"


@pytest.mark.parametrize(("field", "value"), [("role", "root"), ("status", "asleep")])
def test_a_user_has_a_role_and_a_status_that_exist(session: Session, field: str, value: str) -> None:
    assert refused(session, User(email="a@b.c", hashed_password="-", **{field: value})) == f"ck_users_{field}"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("daily_limit", -1),
        ("monthly_limit", -1),
        ("current_daily_usage", -1),
        ("current_monthly_usage", -1),
        ("priority", 0),
    ],
)
def test_a_key_has_possible_numbers(session: Session, field: str, value: int) -> None:
    assert refused(session, key(**{field: value})) == f"ck_ai_token_pool_{field}"


def test_a_key_is_in_the_pool_once(session: Session) -> None:
    session.add(key())
    session.flush()
    assert refused(session, key(token="sealed again")) == "uq_ai_token_pool_token"


def test_a_bot_token_is_used_once_but_many_bots_may_have_none(world: World) -> None:
    owner = {"user_id": world.user.id, "assistant_id": world.assistant.id}
    world.session.add_all([BotInstance(**owner), BotInstance(**owner, bot_token_fingerprint="1" * 64)])
    world.session.flush()
    again = BotInstance(**owner, bot_token_fingerprint="1" * 64)
    assert refused(world.session, again) == "uq_bot_instances_bot_token_fingerprint"


def test_an_attempt_is_settled_once(session: Session) -> None:
    session.add_all(AiTokenUsage(request_id="r", attempt=number, model_used="m") for number in (1, 2))
    session.flush()
    again = AiTokenUsage(request_id="r", attempt=2, model_used="m")
    assert refused(session, again) == "uq_ai_token_usage_request_id_attempt"


def test_a_chat_has_one_open_dialog_and_many_ended_ones(world: World) -> None:
    chat = {"user_id": world.user.id, "bot_id": world.bot.id, "telegram_chat_id": "100"}
    world.session.add_all(Dialog(**chat, ended_at=datetime.now(UTC)) for _number in range(2))
    world.session.flush()
    assert refused(world.session, Dialog(**chat)) == "uq_dialogs_open_chat"


def test_the_open_dialog_of_a_chat_is_found_through_its_index(database: Database) -> None:
    with database.connection() as connection, connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT id FROM dialogs WHERE bot_id = 1 AND telegram_chat_id = '100' AND ended_at IS NULL"
        )
        assert "uq_dialogs_open_chat" in "\n".join(line for (line,) in cursor)


def test_the_nearest_vectors_are_found_through_the_hnsw_index(world: World) -> None:
    far = KnowledgeEmbedding(user_id=world.user.id, chunk_index=1, chunk_text="far", embedding=[1.0] + [0.0] * 1535)
    world.session.add(far)
    world.session.flush()
    nearest = (
        select(KnowledgeEmbedding.chunk_text).order_by(KnowledgeEmbedding.embedding.cosine_distance(VECTOR)).limit(1)
    )
    assert world.session.scalar(nearest) == "A text."
    world.session.execute(text("SET LOCAL enable_seqscan = off"))
    plan = world.session.scalars(
        text("EXPLAIN SELECT id FROM knowledge_embeddings ORDER BY embedding <=> :vector LIMIT 1"),
        {"vector": str(VECTOR)},
    )
    assert "knowledge_embeddings_embedding_cosine_idx" in "\n".join(plan)


def test_defaults_are_the_databases_own(database: Database) -> None:
    """psql and the reports write rows too."""
    user = database.value("INSERT INTO users (email, hashed_password) VALUES ('a@b.c', '-') RETURNING id")
    row = database.one(
        lambda **columns: columns, "INSERT INTO assistants (user_id) VALUES (%(user)s) RETURNING *", user=user
    )
    assert row is not None
    assert (row["name"], row["ai_model"], row["widget_theme"]) == ("AI-ассистент", "gpt-4o-mini", "blue")
    assert (row["is_active"], row["knowledge_version"], row["widget_settings"]) == (True, 1, {})
    assert row["created_at"].tzinfo is not None


def test_a_change_moves_updated_at(world: World) -> None:
    world.assistant.updated_at = datetime.now(UTC) - timedelta(days=1)
    world.session.flush()
    world.assistant.name = "Another"
    world.session.flush()
    assert datetime.now(UTC) - world.assistant.updated_at < timedelta(minutes=1)
