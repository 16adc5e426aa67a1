"""What a person gives to psql."""

import shlex

from chatai_core.adapters.postgres.addresses import read
from chatai_core.adapters.postgres.database import identifier

_PORT = 5432


def command(url: str, statement: str, *, user: str | None = None) -> str:
    """The command that has this database carry out a statement: as the URL's role unless told.

    >>> command("postgresql://u:secret@h:5433/d", "SELECT 1", user="postgres")
    "psql -U postgres -h h -p 5433 -d d -c 'SELECT 1'"
    """
    address = read(url)
    port = "" if address.port == _PORT else str(address.port)
    options = {"-U": user or address.role, "-h": address.host, "-p": port, "-d": _target(address.database)}
    words = [word for option, value in options.items() if value for word in (option, value)]
    return shlex.join(["psql", *words, "-c", statement])


def connecting(database: str) -> str:
    r"""The line after which all is carried out in this database of the same server.

    It ends in two backslashes: a terminal hands over what is pasted in one piece (bracketed paste), and psql would take
    the next line for more arguments.

    >>> print(connecting('Б "x" y'))
    \connect "Б ""x"" y" \\
    >>> print(connecting("a='b"))
    \connect -reuse-previous=on "dbname='a=\'b'" \\
    """
    target = _target(database)
    reusing = "" if target == database else "-reuse-previous=on "
    return rf"\connect {reusing}{identifier(target)} \\"


def asking_for_password(role: str) -> str:
    r"""The line by which psql asks for a role's new password; the last of a script, because what follows is the answer.

    >>> print(asking_for_password("Вася"))
    \password "Вася"
    """
    return rf"\password {identifier(role)}"


def _target(database: str) -> str:
    """The name, or the words of an address where psql would take the name itself for one."""
    if "=" not in database and "://" not in database:
        return database
    quoted = database.replace("\\", r"\\").replace("'", r"\'")
    return f"dbname='{quoted}'"
