"""The address of a database: as libpq takes it, as a person may see it, as a program's arguments may hold it."""

import getpass
import os
import re
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

import psycopg2
import psycopg2.extensions

from chatai_core.errors import Misconfigured
from chatai_core.i18n import _


def libpq(url: str) -> str:
    """The URL as libpq takes it: SQLAlchemy's postgresql+driver:// and postgres:// are converted.

    >>> libpq("postgresql+psycopg2://u:p@h/d"), libpq("postgres://h/d")
    ('postgresql://u:p@h/d', 'postgresql://h/d')
    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.split("+")[0] not in {"postgresql", "postgres"}:
        raise no_address(_("It must begin with postgresql://."))
    before, at, after = rest.partition("?")[0].partition("@")
    if at and ("/" in before or "@" in after):  # libpq would take part of the password for a name, and say it
        raise no_address(_("In a password @ is written %40, and / %2F."))
    return f"postgresql://{rest}"


def masked(url: str) -> str:
    """The URL without its password, for people.

    >>> masked("postgresql://u:secret@h:5432/d?host=/tmp/x"), masked("postgresql://h/d?sslmode=require&password=secret")
    ('postgresql://u@h:5432/d?host=/tmp/x', 'postgresql://h/d?sslmode=require&password=********')
    """
    scheme, _separator, rest = url.partition("://")
    credentials, at, address = rest.rpartition("@")
    shown = re.sub(r"([?&](?:ssl)?password=)[^&]*", r"\1********", address)
    return f"{scheme}://{credentials.split(':')[0]}{at}{shown}"


def without_password(url: str) -> tuple[str, dict[str, str]]:
    """The address for a program's argv, and the environment that carries its password.

    >>> without_password("postgresql://u:secret@h:5432/d?sslmode=require")
    ("host='h' port='5432' user='u' dbname='d' sslmode='require'", {'PGPASSWORD': 'secret'})
    """
    parts = psycopg2.extensions.parse_dsn(libpq(url))
    password = parts.pop("password", None)
    order = ["host", "port", "user", "dbname", *sorted(set(parts) - {"host", "port", "user", "dbname"})]
    quoted = {name: str(parts[name]).replace("\\", "\\\\").replace("'", "\\'") for name in order if name in parts}
    return " ".join(f"{name}='{value}'" for name, value in quoted.items()), (
        {"PGPASSWORD": password} if password else {}
    )


def name_of(url: str) -> str:
    """The database's name in a URL.

    >>> name_of("postgresql://u@h/%D0%91%20%22x%22")
    'Б "x"'
    """
    return unquote(urlsplit(libpq(url)).path.lstrip("/")) or "postgres"


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of a URL, each as libpq would take it; ``host`` is empty or a directory for a Unix socket."""

    host: str
    port: int
    role: str
    database: str
    password: str | None = field(repr=False)


def read(url: str) -> Address:
    """What a URL means, where it is silent too; of several hosts the first port. Raises Misconfigured.

    >>> read("postgresql://Вася@/chatai?host=/run/pg")
    Address(host='/run/pg', port=5432, role='Вася', database='chatai')
    """
    try:
        parts = {**_silent(), **psycopg2.extensions.parse_dsn(libpq(url))}
        port = int(parts["port"].partition(",")[0])
    except (psycopg2.ProgrammingError, ValueError) as error:  # what libpq says holds the password
        raise no_address(_("libpq cannot read it.")) from error
    role = parts.get("user") or getpass.getuser()
    return Address(parts["host"], port, role, parts.get("dbname") or role, parts.get("password"))


def at(url: str, database: str) -> str:
    """The same server and role with another database.

    >>> at("postgresql://u@h:5433/a?sslmode=require", 'Б "x"/y')
    'postgresql://u@h:5433/%D0%91%20%22x%22%2Fy?sslmode=require'
    """
    before, question, query = libpq(url).partition("?")
    authority = before.removeprefix("postgresql://").partition("/")[0]
    return f"postgresql://{authority}/{quote(database, safe='')}{question}{query}"


def _silent() -> dict[str, str]:
    """What libpq takes when a URL does not say it."""
    variables = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "dbname": "PGDATABASE"}
    given = {name: os.environ[variable] for name, variable in variables.items() if os.environ.get(variable)}
    return {"host": "", "port": "5432", **given}


def no_address(why: str) -> Misconfigured:
    """The error of a URL that names no database."""
    return Misconfigured(
        _("DATABASE_URL is not a PostgreSQL address."),
        why=why,
        hint="DATABASE_URL=postgresql://user:password@localhost:5432/chatai",
    )
