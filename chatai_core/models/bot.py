"""The bots: which assistant speaks where, and whether it should."""

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint, true
from sqlalchemy.orm import Mapped, mapped_column

from chatai_core.models.base import Base, CreatedAt, Id, UpdatedAt


class BotInstance(Base):
    """One bot. ``is_active`` is what its owner wants; ``bot_token`` is sealed for ``bot_instances:<id>``."""

    __tablename__ = "bot_instances"

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    assistant_id: Mapped[int] = mapped_column(ForeignKey("assistants.id", ondelete="CASCADE"))
    platform: Mapped[str] = mapped_column(server_default="telegram")
    name: Mapped[str | None]
    bot_token: Mapped[str | None]
    bot_token_fingerprint: Mapped[str | None] = mapped_column(String(64))
    bot_token_hint: Mapped[str | None]
    telegram_username: Mapped[str | None]
    telegram_bot_id: Mapped[int | None] = mapped_column(BigInteger)
    is_active: Mapped[bool] = mapped_column(server_default=true())
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[UpdatedAt]

    __table_args__ = (
        UniqueConstraint("bot_token_fingerprint"),
        Index("idx_bot_instances_assistant_active", "assistant_id", "is_active"),
        Index("idx_bot_instances_platform", "platform", "is_active"),
        Index(None, "user_id"),
    )
