"""The tables of ChatAI: one file for each aggregate, all of them known to ``Base.metadata``."""

from chatai_core.models.assistant import Assistant
from chatai_core.models.base import Base
from chatai_core.models.bot import BotInstance
from chatai_core.models.dialog import Dialog, DialogMessage
from chatai_core.models.knowledge import (
    Document,
    KnowledgeEmbedding,
    QaKnowledge,
    QueryEmbedding,
    UserKnowledge,
)
from chatai_core.models.token import AiToken, AiTokenUsage
from chatai_core.models.user import User

__all__ = [
    "AiToken",
    "AiTokenUsage",
    "Assistant",
    "Base",
    "BotInstance",
    "Dialog",
    "DialogMessage",
    "Document",
    "KnowledgeEmbedding",
    "QaKnowledge",
    "QueryEmbedding",
    "User",
    "UserKnowledge",
]
