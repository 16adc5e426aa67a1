"""The assistants: which model answers, with which prompt."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from chatai_core.adapters.postgres import Database, question
from chatai_core.errors import NotFound
from chatai_core.i18n import _

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from chatai_core.adapters.orm import Orm


@dataclass(frozen=True, slots=True)
class Assistant:
    """One assistant; ``owner`` is the address of the user it belongs to."""

    id: int
    name: str
    owner: str
    user_id: int
    model: str
    prompt: str | None
    is_active: bool
    bots: int
    created_at: datetime
    updated_at: datetime


def all(database: Database, *, owner: int | None = None) -> list[Assistant]:
    """Every assistant, or those of one owner."""
    return database.rows(Assistant, question(__file__), id=None, owner=owner)


def show(database: Database, id: int, *, owner: int | None = None) -> Assistant:
    """One assistant; with an owner, only when it is theirs. Raises NotFound."""
    assistant = database.one(Assistant, question(__file__), id=id, owner=owner)
    if assistant is None:
        raise NotFound(_("There is no assistant {id}.").format(id=id), hint="chatai assistants list")
    return assistant


def default(orm: "Orm", owner: int) -> int:
    """The number of the owner's first assistant; one is made when there is none. Raises NotFound."""
    from sqlalchemy import select

    from chatai_core.models import Assistant as Row
    from chatai_core.models import User

    with orm.session() as session:
        if session.get(User, owner, with_for_update=True) is None:  # two at once make one
            raise NotFound(_("There is no user {id}.").format(id=owner), hint="chatai users list")
        first = session.scalar(select(Row.id).where(Row.user_id == owner).order_by(Row.id).limit(1))
        return first if first is not None else _made(session, owner)


def _made(session: "Session", owner: int) -> int:
    from chatai_core.models import Assistant as Row

    row = Row(
        user_id=owner, system_prompt=_("You are a friendly assistant. Answer briefly, in the language of the question.")
    )
    session.add(row)
    session.flush()
    return row.id
