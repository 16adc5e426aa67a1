"""Which names of a role and a database PostgreSQL takes, and which of them ChatAI may have."""

from chatai_core.adapters.postgres import Address
from chatai_core.errors import ChataiError, Misconfigured, NotPermitted
from chatai_core.i18n import _

_LONGEST = 63  # bytes; the server cuts off what is longer, and finds nothing by the whole name
_TEMPLATES = {"template0", "template1"}
_NO_ROLES = {"public", "none"}
_TOOLS = "postgres"


def must_be_usable(address: Address) -> None:
    """Refuse names that the server would not take, or take as others. Raises Misconfigured, NotPermitted."""
    if address.role in _NO_ROLES or address.role.startswith("pg_"):
        raise _misnamed(address.role, _("PostgreSQL keeps it for itself, as every role's name that begins with pg_."))
    for name in (address.role, address.database):
        if len(name.encode()) > _LONGEST:
            raise _misnamed(name, _("It is longer than {count} bytes.").format(count=_LONGEST))
        if any(character < " " for character in name):
            raise _misnamed(name, _("There is a line end or another control character in it."))
    if address.database in _TEMPLATES:
        raise NotPermitted(
            _("The database {name} is not for ChatAI.").format(name=address.database),
            why=_("PostgreSQL makes every new database as a copy of it, with all that is in it."),
            hint=_hint(),
        )


def remarks(address: Address) -> list[str]:
    """What must be known of the names, in sentences."""
    if address.database != _TOOLS:
        return []
    return [_("Tools begin in the database postgres, whatever they are for: one of ChatAI's own is better.")]


def _misnamed(name: str, why: str) -> ChataiError:
    return Misconfigured(_("DATABASE_URL names {name}, which cannot be made.").format(name=name), why=why, hint=_hint())


def _hint() -> str:
    return "DATABASE_URL=postgresql://chatai:password@localhost:5432/chatai"
