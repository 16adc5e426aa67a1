"""The keys of the AI token pool, for administrators."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from chatai_core.server import deps, wording
from chatai_core.server.deps import Admin, Chatai, Id, Visiting
from chatai_core.server.errors import missing_is
from chatai_core.server.texts import Line, Text
from chatai_core.tokens import keys
from chatai_core.tokens.keys import Key

router = APIRouter(tags=["ai-tokens"])
_changes = [Depends(deps.writable)]

Models = str | list[str]
Limit = Annotated[int, Field(ge=0, le=keys.LARGEST)]
Priority = Annotated[int, Field(ge=1, le=keys.LARGEST)]


class AiToken(BaseModel):
    """One key, without its secret; the percentages have one decimal."""

    id: int
    name: str
    is_active: bool
    priority: int
    models: list[str]
    daily_usage: int
    daily_limit: int
    daily_usage_percent: float
    monthly_usage: int
    monthly_limit: int
    monthly_usage_percent: float
    error_count: int
    last_used: datetime | None
    last_error: datetime | None
    state: str


class NewAiToken(BaseModel):
    """A key to be added; ``token`` is never shown again."""

    name: Line
    token: SecretStr
    model_access: Models = "gpt-4o,gpt-4o-mini"
    daily_limit: Limit = 10000
    monthly_limit: Limit = 300000
    priority: Priority = 1
    notes: Text | None = None


class AiTokenChanges(BaseModel):
    """What is to be changed; what is not given stays. A new ``token`` is refused: a key is added and removed whole."""

    model_config = ConfigDict(extra="forbid")

    name: Line | None = None
    model_access: Models | None = None
    daily_limit: Limit | None = None
    monthly_limit: Limit | None = None
    priority: Priority | None = None
    is_active: bool | None = None
    notes: Text | None = None


class AddedAiToken(BaseModel):
    """The key as it was added."""

    id: int
    name: str
    model_access: str
    daily_limit: int
    monthly_limit: int
    priority: int
    is_active: bool
    notes: str | None


class Day(BaseModel):
    """One day's requests; ``avg_response_time`` in seconds, ``success_rate`` in percent."""

    date: date
    requests: int
    tokens: int
    avg_response_time: float
    successful_requests: int
    failed_requests: int
    success_rate: float


class Message(BaseModel):
    """What was done."""

    message: str


@router.get("/api/admin/ai-tokens")
def list_ai_tokens(chatai: Chatai, admin: Admin) -> list[AiToken]:
    """Every key, in the order in which the pool prefers them."""
    return [_shown(key) for key in keys.all(chatai.database)]


@router.post("/api/admin/ai-tokens", dependencies=_changes)
def add_ai_token(chatai: Chatai, admin: Admin, visit: Visiting, new: NewAiToken) -> AddedAiToken:
    """Take a key into the pool."""
    key = keys.add(
        chatai.orm,
        chatai.cipher,
        new.name,
        new.token.get_secret_value(),
        models=_models(new.model_access),
        daily_limit=new.daily_limit,
        monthly_limit=new.monthly_limit,
        priority=new.priority,
        notes=new.notes,
    )
    visit.audit("token_create", token_id=key.id, name=key.name)
    return AddedAiToken(
        id=key.id,
        name=key.name,
        model_access=",".join(key.models),
        daily_limit=key.daily_limit,
        monthly_limit=key.monthly_limit,
        priority=key.priority,
        is_active=key.is_active,
        notes=key.notes,
    )


@router.put("/api/admin/ai-tokens/{id}", dependencies=_changes)
def update_ai_token(chatai: Chatai, admin: Admin, visit: Visiting, id: Id, changes: AiTokenChanges) -> Message:
    """Change a key."""
    given: dict[str, Any] = changes.model_dump(exclude_none=True)
    if "model_access" in given:
        given["models"] = _models(given.pop("model_access"))
    if "notes" in changes.model_fields_set:
        given["notes"] = changes.notes
    with missing_is(wording.NO_AI_TOKEN):
        key = keys.update(chatai.orm, id, **given) if given else keys.show(chatai.database, id)
    visit.audit("token_update", token_id=key.id, name=key.name)
    return Message(message=wording.AI_TOKEN_UPDATED)


@router.delete("/api/admin/ai-tokens/{id}", dependencies=_changes)
def remove_ai_token(chatai: Chatai, admin: Admin, visit: Visiting, id: Id) -> Message:
    """Take a key out of the pool; its usage stays in the ledger."""
    with missing_is(wording.NO_AI_TOKEN):
        key = keys.remove(chatai.orm, id)
    visit.audit("token_delete", token_id=key.id, name=key.name)
    return Message(message=wording.AI_TOKEN_DELETED)


@router.get("/api/admin/ai-tokens/{id}/usage")
def ai_token_usage(chatai: Chatai, admin: Admin, id: Id) -> list[Day]:
    """The last 30 days of a key, by day; days without requests are left out."""
    with missing_is(wording.NO_AI_TOKEN):
        days = keys.usage(chatai.database, id)
    return [Day.model_validate(day, from_attributes=True) for day in days]


def _shown(key: Key) -> AiToken:
    return AiToken(
        id=key.id,
        name=key.name,
        is_active=key.is_active,
        priority=key.priority,
        models=key.models,
        daily_usage=key.daily_usage,
        daily_limit=key.daily_limit,
        daily_usage_percent=_percent(key.daily_usage, key.daily_limit),
        monthly_usage=key.monthly_usage,
        monthly_limit=key.monthly_limit,
        monthly_usage_percent=_percent(key.monthly_usage, key.monthly_limit),
        error_count=key.error_count,
        last_used=key.last_used,
        last_error=key.last_error,
        state=key.state,
    )


def _percent(used: int, limit: int) -> float:
    return round(100 * used / limit, 1) if limit else 0.0


def _models(given: Models) -> Sequence[str]:
    return given.split(",") if isinstance(given, str) else given
