"""A small world: one row of every table, all of them connected."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from chatai_core.adapters.orm import Orm
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
    QueryEmbedding,
    User,
    UserKnowledge,
)
from chatai_core.settings import Database as DatabaseSettings

VECTOR = [0.25] * 1536


@pytest.fixture
def session(database_url: str) -> Iterator[Session]:
    orm = Orm(database_url, DatabaseSettings())
    with orm.session() as opened:
        yield opened
        opened.rollback()
    orm.close()


@dataclass
class World:
    """Its rows, and how many of each table are left."""

    session: Session
    user: User
    manager: User
    assistant: Assistant
    bot: BotInstance
    dialog: Dialog
    message: DialogMessage
    token: AiToken
    usage: AiTokenUsage
    document: Document
    knowledge: UserKnowledge
    question: QaKnowledge
    embedding: KnowledgeEmbedding

    def delete(self, row: Base) -> None:
        self.session.delete(row)
        self.session.flush()
        self.session.expire_all()

    def count(self, table: type[Base]) -> int:
        return self.session.scalar(select(func.count()).select_from(table)) or 0


@pytest.fixture
def world(session: Session) -> World:
    def add(row: Any) -> Any:
        session.add(row)
        session.flush()
        return row

    user = add(User(email="owner@example.com", hashed_password="-"))
    manager = add(User(email="manager@example.com", hashed_password="-"))
    assistant = add(Assistant(user_id=user.id))
    bot = add(BotInstance(user_id=user.id, assistant_id=assistant.id))
    dialog = add(
        Dialog(
            user_id=user.id,
            assistant_id=assistant.id,
            bot_id=bot.id,
            telegram_chat_id="100",
            assigned_manager_id=manager.id,
        )
    )
    message = add(DialogMessage(dialog_id=dialog.id, sender="user", text="Здравствуйте"))
    token = add(AiToken(name="main", token="sealed", token_fingerprint="f" * 64, token_hint="sk-…wxyz"))
    usage = add(
        AiTokenUsage(
            request_id="r-1", token_id=token.id, user_id=user.id, assistant_id=assistant.id, model_used="gpt-4o-mini"
        )
    )
    document = add(Document(user_id=user.id, filename="price.pdf", size=1234))
    knowledge = add(UserKnowledge(user_id=user.id, assistant_id=assistant.id, doc_id=document.id, content="A text."))
    question = add(QaKnowledge(user_id=user.id, assistant_id=assistant.id, question="?", answer="!"))
    embedding = add(
        KnowledgeEmbedding(
            user_id=user.id,
            assistant_id=assistant.id,
            doc_id=document.id,
            qa_id=question.id,
            chunk_index=0,
            chunk_text="A text.",
            embedding=VECTOR,
        )
    )
    add(QueryEmbedding(query_hash="h" * 64, query_text="?", embedding=VECTOR))
    return World(
        session,
        user,
        manager,
        assistant,
        bot,
        dialog,
        message,
        token,
        usage,
        document,
        knowledge,
        question,
        embedding,
    )
