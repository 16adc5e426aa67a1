"""What goes with a row that is deleted, and what stays."""

import pytest

from chatai_core.models import (
    AiToken,
    AiTokenUsage,
    Assistant,
    Base,
    BotInstance,
    Dialog,
    DialogMessage,
    Document,
    KnowledgeEmbedding,
    QaKnowledge,
    User,
    UserKnowledge,
)
from tests.core.models.conftest import World

RULES = {
    "assistants.user_id": "CASCADE",
    "bot_instances.user_id": "CASCADE",
    "bot_instances.assistant_id": "CASCADE",
    "dialogs.user_id": "CASCADE",
    "dialogs.assistant_id": "SET NULL",
    "dialogs.bot_id": "SET NULL",
    "dialogs.assigned_manager_id": "SET NULL",
    "dialog_messages.dialog_id": "CASCADE",
    "ai_token_usage.token_id": "SET NULL",
    "ai_token_usage.user_id": "SET NULL",
    "ai_token_usage.assistant_id": "SET NULL",
    "documents.user_id": "CASCADE",
    "user_knowledge.user_id": "CASCADE",
    "user_knowledge.assistant_id": "CASCADE",
    "user_knowledge.doc_id": "CASCADE",
    "qa_knowledge.user_id": "CASCADE",
    "qa_knowledge.assistant_id": "CASCADE",
    "knowledge_embeddings.user_id": "CASCADE",
    "knowledge_embeddings.assistant_id": "CASCADE",
    "knowledge_embeddings.doc_id": "CASCADE",
    "knowledge_embeddings.qa_id": "CASCADE",
}


def test_every_foreign_key_says_what_happens() -> None:
    declared = {
        f"{table.name}.{key.parent.name}": key.ondelete
        for table in Base.metadata.tables.values()
        for key in table.foreign_keys
    }
    assert declared == RULES


def test_with_a_user_goes_all_that_is_theirs(world: World) -> None:
    world.delete(world.user)
    owned = (Assistant, BotInstance, Dialog, DialogMessage, Document, UserKnowledge, QaKnowledge, KnowledgeEmbedding)
    assert [world.count(table) for table in owned] == [0] * len(owned)
    assert world.count(User) == 1


def test_the_ledger_outlives_user_assistant_and_key(world: World) -> None:
    world.delete(world.user)
    world.delete(world.token)
    usage = world.usage
    assert (usage.token_id, usage.user_id, usage.assistant_id) == (None, None, None)
    assert (usage.request_id, usage.model_used) == ("r-1", "gpt-4o-mini")
    assert (world.count(AiToken), world.count(AiTokenUsage)) == (0, 1)


def test_a_dialog_outlives_its_assistant_its_bot_and_its_manager(world: World) -> None:
    world.delete(world.assistant)
    world.delete(world.manager)
    dialog = world.dialog
    assert (dialog.assistant_id, dialog.bot_id, dialog.assigned_manager_id) == (None, None, None)
    assert world.count(DialogMessage) == 1


def test_with_an_assistant_go_its_bots_and_what_only_it_knew(world: World) -> None:
    world.delete(world.assistant)
    known = (BotInstance, UserKnowledge, QaKnowledge, KnowledgeEmbedding)
    assert [world.count(table) for table in known] == [0, 0, 0, 0]
    assert world.count(Document) == 1


def test_a_dialog_outlives_its_bot(world: World) -> None:
    world.delete(world.bot)
    assert world.dialog.bot_id is None
    assert world.dialog.assistant_id == world.assistant.id


def test_with_a_dialog_go_its_messages(world: World) -> None:
    world.delete(world.dialog)
    assert world.count(DialogMessage) == 0


@pytest.mark.parametrize("source", ["document", "question"])
def test_with_its_source_goes_a_vector(world: World, source: str) -> None:
    world.delete(getattr(world, source))
    assert world.count(KnowledgeEmbedding) == 0
