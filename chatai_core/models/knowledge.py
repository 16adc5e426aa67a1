"""What assistants know: documents, their pieces as vectors, questions with answers.

An empty ``assistant_id`` means "known to all assistants of this user". What belonged to one assistant goes
with it: emptied, its knowledge would be told by all the others.
"""

from datetime import datetime
from typing import Annotated

from pgvector.sqlalchemy import VECTOR
from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text, true
from sqlalchemy.orm import Mapped, mapped_column

from chatai_core.models.base import Base, CreatedAt, Id, LongText, UpdatedAt

DIMENSIONS = 1536  # text-embedding-3-small

Embedding = Annotated[list[float], mapped_column(VECTOR(DIMENSIONS))]
Owner = Annotated[int, mapped_column(ForeignKey("users.id", ondelete="CASCADE"))]
OfAssistant = Annotated[int, mapped_column(ForeignKey("assistants.id", ondelete="CASCADE"))]
OfDocument = Annotated[int, mapped_column(ForeignKey("documents.id", ondelete="CASCADE"))]


def _nearest(name: str) -> Index:
    """The index that finds the nearest vectors by cosine; docs/decisions/0003-hnsw.md says why it is HNSW."""
    return Index(name, "embedding", postgresql_using="hnsw", postgresql_ops={"embedding": "vector_cosine_ops"})


class Document(Base):
    """A file that a user uploaded; ``size`` in bytes."""

    __tablename__ = "documents"

    id: Mapped[Id]
    user_id: Mapped[Owner]
    filename: Mapped[str]
    size: Mapped[int]
    upload_date: Mapped[CreatedAt]
    doc_hash: Mapped[str | None] = mapped_column(String(64))

    __table_args__ = (
        Index("idx_documents_user_upload", "user_id", "upload_date"),
        Index("idx_documents_hash", "doc_hash"),
    )


class UserKnowledge(Base):
    """A text that an assistant may use: a document's summary, or its original. ``importance`` is 1 to 10."""

    __tablename__ = "user_knowledge"

    id: Mapped[Id]
    user_id: Mapped[Owner]
    assistant_id: Mapped[OfAssistant | None]
    doc_id: Mapped[OfDocument | None]
    content: Mapped[LongText]
    type: Mapped[str] = mapped_column(server_default="summary")
    doc_type: Mapped[str | None]
    importance: Mapped[int] = mapped_column(server_default=text("10"))
    last_used: Mapped[datetime | None]
    usage_count: Mapped[int] = mapped_column(server_default=text("0"))
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]

    __table_args__ = (
        Index("idx_user_knowledge_user_assistant", "user_id", "assistant_id"),
        Index("idx_user_knowledge_doc_type", "doc_type", "importance"),
        Index("idx_user_knowledge_last_used", "last_used"),
        Index(None, "assistant_id"),
        Index(None, "doc_id"),
    )


class QaKnowledge(Base):
    """A question with the answer that its owner gave."""

    __tablename__ = "qa_knowledge"

    id: Mapped[Id]
    user_id: Mapped[Owner]
    assistant_id: Mapped[OfAssistant | None]
    question: Mapped[LongText]
    answer: Mapped[LongText]
    category: Mapped[str | None]
    keywords: Mapped[LongText | None]
    importance: Mapped[int] = mapped_column(server_default=text("10"))
    usage_count: Mapped[int] = mapped_column(server_default=text("0"))
    last_used: Mapped[datetime | None]
    is_active: Mapped[bool] = mapped_column(server_default=true())
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]

    __table_args__ = (Index(None, "user_id"), Index(None, "assistant_id"))


class KnowledgeEmbedding(Base):
    """One piece of knowledge as a vector. ``source`` is document, confirmed_knowledge or website."""

    __tablename__ = "knowledge_embeddings"

    id: Mapped[Id]
    user_id: Mapped[Owner]
    assistant_id: Mapped[OfAssistant | None]
    doc_id: Mapped[OfDocument | None]
    qa_id: Mapped[int | None] = mapped_column(ForeignKey("qa_knowledge.id", ondelete="CASCADE"))
    chunk_index: Mapped[int]
    chunk_text: Mapped[LongText]
    embedding: Mapped[Embedding]
    doc_type: Mapped[str | None]
    importance: Mapped[int] = mapped_column(server_default=text("10"))
    token_count: Mapped[int | None]
    chunk_hash: Mapped[str | None] = mapped_column(String(64))
    source: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]

    __table_args__ = (
        _nearest("knowledge_embeddings_embedding_cosine_idx"),
        Index("idx_knowledge_embeddings_user_doc", "user_id", "doc_id"),
        Index("idx_knowledge_embeddings_assistant_importance", "assistant_id", "importance"),
        Index("idx_knowledge_embeddings_source_created", "source", "created_at"),
        Index("idx_knowledge_embeddings_chunk_hash", "chunk_hash"),
        Index(None, "doc_id"),
        Index(None, "qa_id"),
    )


class QueryEmbedding(Base):
    """The vector of a question that was asked before."""

    __tablename__ = "query_embeddings_cache"

    id: Mapped[Id]
    query_hash: Mapped[str] = mapped_column(String(64))
    query_text: Mapped[LongText]
    embedding: Mapped[Embedding]
    created_at: Mapped[CreatedAt]
    last_used: Mapped[datetime | None]
    usage_count: Mapped[int] = mapped_column(server_default=text("1"))

    __table_args__ = (
        UniqueConstraint("query_hash"),
        _nearest("query_embeddings_cache_embedding_cosine_idx"),
    )
