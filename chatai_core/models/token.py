"""The AI token pool, and the ledger of what each key was used for."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text, true
from sqlalchemy.orm import Mapped, mapped_column

from chatai_core.models.base import Base, CreatedAt, Id, LongText


class AiToken(Base):
    """One key of the pool. ``token`` is sealed for ``ai_token_pool:<id>``; priority 1 is picked first.

    ``model_access`` is a list with commas; limits and usage count requests; ``token_hint`` may be shown.
    """

    __tablename__ = "ai_token_pool"

    id: Mapped[Id]
    name: Mapped[str]
    token: Mapped[str]
    token_fingerprint: Mapped[str] = mapped_column(String(64))
    token_hint: Mapped[str]
    base_url: Mapped[str | None]
    model_access: Mapped[str] = mapped_column(server_default="gpt-4o,gpt-4o-mini")
    daily_limit: Mapped[int] = mapped_column(server_default=text("10000"))
    monthly_limit: Mapped[int] = mapped_column(server_default=text("300000"))
    current_daily_usage: Mapped[int] = mapped_column(server_default=text("0"))
    current_monthly_usage: Mapped[int] = mapped_column(server_default=text("0"))
    last_reset_daily: Mapped[CreatedAt]
    last_reset_monthly: Mapped[CreatedAt]
    priority: Mapped[int] = mapped_column(server_default=text("1"))
    is_active: Mapped[bool] = mapped_column(server_default=true())
    created_at: Mapped[CreatedAt]
    last_used: Mapped[datetime | None]
    error_count: Mapped[int] = mapped_column(server_default=text("0"))
    last_error: Mapped[datetime | None]
    notes: Mapped[LongText | None]
    cooling_until: Mapped[datetime | None]
    quarantined_at: Mapped[datetime | None]
    quarantine_reason: Mapped[LongText | None]

    __table_args__ = (
        # The same key sealed twice gives two texts: only its fingerprint shows that it is here already.
        UniqueConstraint("token_fingerprint", name="uq_ai_token_pool_token"),
        CheckConstraint("daily_limit >= 0", name="daily_limit"),
        CheckConstraint("monthly_limit >= 0", name="monthly_limit"),
        CheckConstraint("current_daily_usage >= 0", name="current_daily_usage"),
        CheckConstraint("current_monthly_usage >= 0", name="current_monthly_usage"),
        CheckConstraint("priority >= 1", name="priority"),
    )


class AiTokenUsage(Base):
    """One attempt of one request: what it used and how it ended. ``response_time`` is in seconds.

    It outlives its key, its user and its assistant: what was used stays used.
    """

    __tablename__ = "ai_token_usage"

    id: Mapped[Id]
    request_id: Mapped[str] = mapped_column(String(36))
    attempt: Mapped[int] = mapped_column(server_default=text("1"))
    token_id: Mapped[int | None] = mapped_column(ForeignKey("ai_token_pool.id", ondelete="SET NULL"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    assistant_id: Mapped[int | None] = mapped_column(ForeignKey("assistants.id", ondelete="SET NULL"))
    model_used: Mapped[str]
    prompt_tokens: Mapped[int] = mapped_column(server_default=text("0"))
    completion_tokens: Mapped[int] = mapped_column(server_default=text("0"))
    total_tokens: Mapped[int] = mapped_column(server_default=text("0"))
    request_type: Mapped[str] = mapped_column(server_default="chat")
    response_time: Mapped[float] = mapped_column(server_default=text("0"))
    success: Mapped[bool] = mapped_column(server_default=true())
    error_message: Mapped[LongText | None]
    created_at: Mapped[CreatedAt]

    __table_args__ = (
        UniqueConstraint("request_id", "attempt"),
        Index("idx_ai_token_usage_token_created", "token_id", "created_at"),
        Index("idx_ai_token_usage_user_model", "user_id", "model_used"),
        Index("idx_ai_token_usage_created", "created_at", postgresql_using="brin"),  # appended in the order of time
        Index(None, "assistant_id"),
        CheckConstraint("attempt >= 1", name="attempt"),
    )
