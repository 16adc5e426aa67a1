"""The dialogs and what was said in them."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy import text as sql  # a message has a column of that name
from sqlalchemy.orm import Mapped, mapped_column

from chatai_core.models.base import Base, CreatedAt, Id, LongText


class Dialog(Base):
    """One conversation; open while ``ended_at`` is empty. ``first_response_time`` is in seconds.

    ``telegram_chat_id`` is text, as it was in the system before. ``handoff_status`` is none, requested,
    active, released or cancelled; ``handoff_reason`` keyword, fallback, retries, manual or auto_trigger.
    """

    __tablename__ = "dialogs"

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    assistant_id: Mapped[int | None] = mapped_column(ForeignKey("assistants.id", ondelete="SET NULL"))
    bot_id: Mapped[int | None] = mapped_column(ForeignKey("bot_instances.id", ondelete="SET NULL"))
    started_at: Mapped[CreatedAt]
    ended_at: Mapped[datetime | None]
    auto_response: Mapped[int] = mapped_column(server_default=sql("0"))
    first_response_time: Mapped[float | None]
    fallback: Mapped[int] = mapped_column(server_default=sql("0"))
    is_taken_over: Mapped[int] = mapped_column(server_default=sql("0"))
    telegram_chat_id: Mapped[str | None]
    telegram_username: Mapped[str | None]
    first_name: Mapped[str | None]
    last_name: Mapped[str | None]
    guest_id: Mapped[str | None]
    handoff_status: Mapped[str] = mapped_column(server_default="none")
    handoff_requested_at: Mapped[datetime | None]
    handoff_started_at: Mapped[datetime | None]
    handoff_resolved_at: Mapped[datetime | None]
    handoff_reason: Mapped[str | None]
    assigned_manager_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    request_id: Mapped[str | None] = mapped_column(String(36))

    __table_args__ = (
        # One open dialog for each chat of a bot, however many workers answer at the same moment.
        Index(
            "uq_dialogs_open_chat",
            "bot_id",
            "telegram_chat_id",
            unique=True,
            postgresql_where=sql("ended_at IS NULL"),
        ),
        Index("idx_dialogs_bot_started", "bot_id", "started_at"),
        Index("idx_dialogs_user_started", "user_id", "started_at"),
        Index("idx_dialogs_handoff_status", "handoff_status", "handoff_requested_at"),
        Index("idx_dialogs_assistant_created", "assistant_id", "started_at"),
        Index(None, "guest_id"),
        Index(None, "assigned_manager_id"),
    )


class DialogMessage(Base):
    """One message; ``message_kind`` is user, assistant, operator or system.

    ``sender`` is user, assistant or manager.
    """

    __tablename__ = "dialog_messages"

    id: Mapped[Id]
    dialog_id: Mapped[int] = mapped_column(ForeignKey("dialogs.id", ondelete="CASCADE"))
    sender: Mapped[str]
    text: Mapped[LongText]
    timestamp: Mapped[CreatedAt]
    delivered: Mapped[int] = mapped_column(server_default=sql("0"))
    message_kind: Mapped[str] = mapped_column(server_default="user")
    system_type: Mapped[str | None]

    __table_args__ = (
        Index("idx_dialog_messages_dialog_timestamp", "dialog_id", "timestamp"),
        Index("idx_dialog_messages_kind_timestamp", "message_kind", "timestamp"),
        Index("idx_dialog_messages_sender_timestamp", "sender", "timestamp"),
    )
