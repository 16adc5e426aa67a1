"""What a server and a database lack to be ChatAI's, and the statements that give it to them, in their order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chatai_core.adapters.postgres import Address, Database, identifier, question
from chatai_core.errors import Misconfigured
from chatai_core.i18n import _

REQUIRED = ("vector",)
USEFUL = ("pg_stat_statements",)  # slow queries come from it; it must be preloaded, too

_PACKAGES = {"vector": "pgvector"}


@dataclass(frozen=True, slots=True)
class Server:
    """What the server has. ``preloaded`` is None to who may not see it."""

    version: int
    actor: str
    is_superuser: bool
    has_role: bool
    role_logs_in: bool
    is_member: bool
    has_database: bool
    encoding: str
    preloaded: str | None
    available: list[str]
    trusted: list[str]


# What is assumed of one that lets us see nothing.
UNSEEN = Server(0, "", True, False, False, False, False, "UTF8", None, [], [])


@dataclass(frozen=True, slots=True)
class Inside:
    """What the database has, and what ChatAI's role may do in it."""

    encoding: str
    may_connect: bool
    may_extend: bool
    has_public: bool
    may_make_tables: bool
    extensions: list[str]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that is lacking, and the statement that makes it. ``is_inside``: carried out in the database itself.

    With ``has_password`` the statement goes on with the password of the URL.
    """

    thing: str
    sql: str
    is_inside: bool = False
    has_password: bool = False
    extension: str | None = None


def server(database: Database, address: Address, extensions: Sequence[str]) -> Server:
    """What the server of this session has."""
    wanted = {"role": address.role, "database": address.database, "extensions": [*extensions, *USEFUL]}
    return database.rows(Server, question(__file__, "server"), **wanted)[0]


def inside(database: Database, address: Address) -> Inside:
    """What the database of this session has."""
    return database.rows(Inside, question(__file__, "database"), role=address.role)[0]


def must_be_available(found: Server, extensions: Sequence[str]) -> None:
    """Refuse a server on which an extension is not installed. Raises Misconfigured."""
    for name in extensions:
        if name not in found.available:
            raise Misconfigured(
                _("The PostgreSQL server has no extension {name}.").format(name=name),
                why=_("Its files are not installed on the server's machine."),
                hint=f"apt install postgresql-{found.version // 10000}-{_PACKAGES.get(name, name)}",
            )


def lacking(
    address: Address, found: Server, database: Inside | None, extensions: Sequence[str], *, set_password: bool = False
) -> list[Step]:
    """The steps that are left, none when all is there; ``database`` is None while there is none."""
    rights = list(_rights(address, database))
    added = [_extension(name) for name in extensions if database is None or name not in database.extensions]
    has_public = database is None or database.has_public
    schema = [_schema()] if (rights or added) and not has_public else []
    return [*_role(address, found, set_password), *_database(address, found), *schema, *rights, *added]


def useful(found: Server, database: Inside | None, before: Sequence[Step]) -> list[Step]:
    """The extensions that ChatAI can do without, where they are preloaded and who asks may create them.

    They come after the steps of ``before``, of which one may make the schema that they need.
    """
    has_public = database is None or database.has_public or _schema() in before
    if not (found.is_superuser and has_public):
        return []
    there = database.extensions if database else []
    preloaded = (found.preloaded or "").replace(" ", "").split(",")
    names = [name for name in USEFUL if name in preloaded and name in found.available and name not in there]
    return [_extension(name) for name in names]


def things(address: Address, extensions: Sequence[str]) -> list[str]:
    """All that must be there, in the order of the steps."""
    return [
        _a_role(address),
        _a_database(address),
        _a_right(),
        *(_an_extension(name) for name in extensions),
    ]


def _role(address: Address, found: Server, set_password: bool) -> Iterator[Step]:
    role, has_password = identifier(address.role), address.password is not None
    if not found.has_role:
        yield Step(_a_role(address), f"CREATE ROLE {role} LOGIN", has_password=has_password)
    elif set_password and has_password:
        yield Step(_("its password"), f"ALTER ROLE {role} LOGIN", has_password=True)
    elif not found.role_logs_in:
        yield Step(_("its right to log in"), f"ALTER ROLE {role} LOGIN")


def _database(address: Address, found: Server) -> Iterator[Step]:
    if found.has_database:
        return
    if not (found.is_superuser or found.is_member):  # who gives a database away must be able to take the owner's part
        yield Step(_("a membership"), f"GRANT {identifier(address.role)} TO {identifier(found.actor)}")
    owner = f"CREATE DATABASE {identifier(address.database)} OWNER {identifier(address.role)}"
    is_utf8 = found.encoding == "UTF8"
    yield Step(_a_database(address), owner if is_utf8 else f"{owner} TEMPLATE template0 ENCODING 'UTF8'")


def _rights(address: Address, database: Inside | None) -> Iterator[Step]:
    """Since 15 nobody but a database's owner makes tables in public, unless told so."""
    role = identifier(address.role)
    if database is not None and not database.may_connect:
        name = identifier(address.database)
        yield Step(_("the right to connect"), f"GRANT CONNECT ON DATABASE {name} TO {role}", is_inside=True)
    if database is None or not database.may_make_tables:
        yield Step(_a_right(), f"GRANT USAGE, CREATE ON SCHEMA public TO {role}", is_inside=True)


def _schema() -> Step:
    return Step(_("the schema public"), "CREATE SCHEMA IF NOT EXISTS public", is_inside=True)


def _extension(name: str) -> Step:
    sql = f"CREATE EXTENSION IF NOT EXISTS {identifier(name)} WITH SCHEMA public"
    return Step(_an_extension(name), sql, is_inside=True, extension=name)


def _a_role(address: Address) -> str:
    return _("the role {name}").format(name=address.role)


def _a_database(address: Address) -> str:
    return _("the database {name}").format(name=address.database)


def _a_right() -> str:
    return _("the right to make tables")


def _an_extension(name: str) -> str:
    return _("the extension {name}").format(name=name)
