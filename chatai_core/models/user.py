"""The people who own assistants, and those who operate ChatAI."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from chatai_core.models.base import Base, CreatedAt, Id, LongText


class User(Base):
    """An account. Its address is unique whatever the case of its letters."""

    __tablename__ = "users"

    id: Mapped[Id]
    yandex_id: Mapped[str | None]
    email: Mapped[str]
    hashed_password: Mapped[str]
    role: Mapped[str] = mapped_column(server_default="user")
    status: Mapped[str] = mapped_column(server_default="active")
    created_at: Mapped[CreatedAt]
    last_activity: Mapped[datetime | None]
    is_email_confirmed: Mapped[bool] = mapped_column(server_default=false())
    email_confirmation_code: Mapped[str | None]
    first_name: Mapped[str | None]
    onboarding_completed: Mapped[bool] = mapped_column(server_default=false())
    onboarding_step: Mapped[int] = mapped_column(server_default=text("0"))
    onboarding_started_at: Mapped[datetime | None]
    onboarding_completed_at: Mapped[datetime | None]
    onboarding_skipped: Mapped[bool] = mapped_column(server_default=false())
    first_bot_created: Mapped[bool] = mapped_column(server_default=false())
    first_message_sent: Mapped[bool] = mapped_column(server_default=false())
    tutorial_tips_shown: Mapped[LongText | None]
    welcome_bonus_received: Mapped[bool] = mapped_column(server_default=false())
    password_reset_token: Mapped[str | None]
    password_reset_expires: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("yandex_id"),
        Index("uq_users_email", text("lower(email)"), unique=True),
        Index("ix_users_email", "email"),
        CheckConstraint("role IN ('user', 'admin', 'operator')", name="role"),
        CheckConstraint("status IN ('active', 'blocked')", name="status"),
    )
