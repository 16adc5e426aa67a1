"""The dialogs of a user's bots, and what was said in them."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query

from chatai_core.accounts.users import User
from chatai_core.chat import dialogs
from chatai_core.chat.dialogs import Channel, DialogSummary, Message, Page, Period, Status
from chatai_core.server import wording
from chatai_core.server.deps import Caller, Chatai, Id
from chatai_core.server.errors import missing_is
from chatai_core.server.texts import Text

router = APIRouter(tags=["dialogs"])

Number = Annotated[int, Query(ge=1, le=2_147_483_647)]


@router.get("/api/dialogs")
def list_dialogs(
    chatai: Chatai,
    caller: Caller,
    user_id: Number | None = None,
    all: bool = False,
    page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
    limit: Annotated[int, Query(ge=1, le=dialogs.LARGEST_PAGE)] = 50,
    search: Text | None = None,
    status: Status | None = None,
    channel: Channel | None = None,
    assistant_id: Number | None = None,
    time_filter: Period | None = None,
) -> Page:
    """Your dialogs, the newest first; an administrator may ask for everybody's (``all``) or one user's."""
    return dialogs.page(
        chatai.database,
        _owner(caller, user_id, everybody=all),
        page=page,
        limit=limit,
        search=search,
        status=status,
        channel=channel,
        assistant_id=assistant_id,
        time_filter=time_filter,
    )


@router.get("/api/dialogs/{id}")
def show_dialog(chatai: Chatai, caller: Caller, id: Id) -> DialogSummary:
    """One dialog with its last message."""
    with missing_is(wording.NO_DIALOG):
        return dialogs.show(chatai.database, id, owner=_own(caller))


@router.get("/api/dialogs/{id}/messages")
def list_messages(chatai: Chatai, caller: Caller, id: Id) -> list[Message]:
    """What was said in a dialog, the oldest first."""
    with missing_is(wording.NO_DIALOG):
        return dialogs.messages(chatai.database, id, owner=_own(caller))


def _own(caller: User) -> int | None:
    """Whose dialogs this caller may open; None is everybody's."""
    return None if caller.is_admin else caller.id


def _owner(caller: User, wanted: int | None, *, everybody: bool) -> int | None:
    if not caller.is_admin and (everybody or wanted not in {None, caller.id}):
        raise HTTPException(403, wording.NOT_ALLOWED)
    return None if everybody else wanted or caller.id
