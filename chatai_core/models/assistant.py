"""The assistants: which model answers, with which prompt, under which name."""

from typing import Any

from sqlalchemy import ForeignKey, Index, String, false, text, true
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from chatai_core.models.base import Base, CreatedAt, Id, LongText, UpdatedAt


class Assistant(Base):
    """One assistant of one user; ``allowed_domains`` is a list with commas."""

    __tablename__ = "assistants"

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(server_default="AI-ассистент")
    ai_model: Mapped[str] = mapped_column(server_default="gpt-4o-mini")
    system_prompt: Mapped[LongText | None]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]
    is_active: Mapped[bool] = mapped_column(server_default=true())
    website_integration_enabled: Mapped[bool] = mapped_column(server_default=false())
    allowed_domains: Mapped[LongText | None]
    knowledge_version: Mapped[int] = mapped_column(server_default=text("1"))
    operator_name: Mapped[str | None] = mapped_column(String(255))
    business_name: Mapped[str | None] = mapped_column(String(255))
    avatar_url: Mapped[LongText | None]
    widget_theme: Mapped[str] = mapped_column(String(50), server_default="blue")
    widget_settings: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))

    __table_args__ = (Index(None, "user_id"),)
