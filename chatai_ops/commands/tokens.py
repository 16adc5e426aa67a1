"""The pool of AI keys: what each may be used for, how much of it is used, and how they are changed."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from chatai_core.i18n import _
from chatai_core.tokens import keys
from chatai_core.tokens.keys import Day, Key, KeyStats
from chatai_ops import ask, options
from chatai_ops.app import Commands
from chatai_ops.ask import Planned

if TYPE_CHECKING:
    from chatai_core.installation import Installation

app = Commands(_("The pool of AI keys."))

Id = Annotated[int, typer.Argument(metavar="ID", help=_("The key's number."))]
OneId = Annotated[int | None, typer.Argument(metavar="ID", help=_("Only this key."))]
Name = Annotated[str, typer.Argument(metavar="NAME", help=_("How you call it."))]
NewName = Annotated[str | None, typer.Option("--name", metavar="NAME", help=_("How you call it."))]
Priority = Annotated[
    int | None, typer.Option("--priority", min=1, metavar="N", help=_("1, unless told, is picked first."))
]
DailyLimit = Annotated[
    int | None,
    typer.Option("--daily-limit", min=0, metavar="N", help=_("Requests a day (UTC): 10000 unless told, 0: no limit.")),
]
MonthlyLimit = Annotated[
    int | None,
    typer.Option("--monthly-limit", min=0, metavar="N", help=_("Requests a month: 300000 unless told, 0: no limit.")),
]
Models = Annotated[
    str | None,
    typer.Option("--models", metavar="A,B", help=_("Names or patterns (gpt-4o*): gpt-4o,gpt-4o-mini unless told.")),
]
BaseUrl = Annotated[
    str | None, typer.Option("--base-url", metavar="URL", help=_("Its server, when it is not OPENAI_BASE_URL."))
]
Notes = Annotated[str | None, typer.Option("--notes", metavar="TEXT", help=_("Whatever you want to remember of it."))]

_EMPTY = _("There are no keys yet: chatai tokens add NAME --token-file FILE")
_UNUSED = _("There were no requests in the last 30 days.")


@app.command("list", empty=_EMPTY, examples=["chatai tokens list", "chatai tokens list --json"])
def list_(chatai: "Installation") -> list[Key]:
    """Every key, in the order in which the pool prefers them, with its usage and whether it can serve now."""
    return keys.all(chatai.database)


@app.command(examples=["chatai tokens show 3"])
def show(chatai: "Installation", id: Id) -> Key:
    """One key; its token is masked."""
    return keys.show(chatai.database, id)


@app.command(
    changes=True,
    examples=["chatai tokens add main --token-file main.key", "chatai tokens add spare --priority 2 --daily-limit 500"],
)
def add(
    chatai: "Installation",
    name: Name,
    token_stdin: options.TokenStdin = False,
    token_file: options.TokenFile = None,
    priority: Priority = None,
    daily_limit: DailyLimit = None,
    monthly_limit: MonthlyLimit = None,
    models: Models = None,
    base_url: BaseUrl = None,
    notes: Notes = None,
) -> Planned[Key]:
    """Add a key; its token comes from a prompt, standard input or a file, and is stored encrypted."""
    said = _said(models, priority=priority, daily_limit=daily_limit, monthly_limit=monthly_limit)
    said |= _said(base_url=base_url, notes=notes)
    keys.checked({"name": name, **said})
    token = ask.secret(_("Token"), stdin=token_stdin, file=token_file)
    summary = _("Add the key {name} to the pool.").format(name=name)
    return ask.change(summary, lambda: keys.add(chatai.orm, chatai.cipher, name, token, **said))


@app.command(
    changes=True, examples=["chatai tokens update 3 --priority 2", "chatai tokens update 3 --models 'gpt-4o*'"]
)
def update(
    chatai: "Installation",
    id: Id,
    name: NewName = None,
    priority: Priority = None,
    daily_limit: DailyLimit = None,
    monthly_limit: MonthlyLimit = None,
    models: Models = None,
    base_url: BaseUrl = None,
    notes: Notes = None,
) -> Planned[Key]:
    """Change what is said of a key; the rest stays."""
    said = _said(models, name=name, priority=priority, daily_limit=daily_limit, monthly_limit=monthly_limit)
    said |= _said(base_url=base_url, notes=notes)
    key = keys.show(chatai.database, id)
    changes = ", ".join(f"{column}={value}" for column, value in keys.checked(said).items())
    summary = _("Change the key {name} ({id}): {changes}.").format(name=key.name, id=id, changes=changes)
    return ask.change(summary, lambda: keys.update(chatai.orm, id, **said))


@app.command(changes=True, examples=["chatai tokens enable 3"])
def enable(chatai: "Installation", id: Id) -> Planned[Key]:
    """Let the pool use a key again; this also ends its rest and its quarantine."""
    summary = _("Let the pool use the key {name} ({id}).").format(name=keys.show(chatai.database, id).name, id=id)
    return ask.change(summary, lambda: keys.update(chatai.orm, id, is_active=True))


@app.command(changes=True, examples=["chatai tokens disable 3"])
def disable(chatai: "Installation", id: Id) -> Planned[Key]:
    """Keep the pool from using a key; what it is answering at the moment is finished."""
    summary = _("Do not use the key {name} ({id}).").format(name=keys.show(chatai.database, id).name, id=id)
    return ask.change(summary, lambda: keys.update(chatai.orm, id, is_active=False))


@app.command(changes=True, examples=["chatai tokens remove 3", "chatai tokens remove 3 --yes"])
def remove(chatai: "Installation", id: Id) -> Planned[Key]:
    """Forget a key with its token; its usage stays in the ledger."""
    summary = _("Remove the key {name} ({id}) from the pool.").format(name=keys.show(chatai.database, id).name, id=id)
    return ask.change(summary, lambda: keys.remove(chatai.orm, id), asks=True)


@app.command(empty=_UNUSED, examples=["chatai tokens usage", "chatai tokens usage 3"])
def usage(chatai: "Installation", id: OneId = None) -> list[Day]:
    """The last 30 days of one key, or of the whole pool with OPENAI_API_KEY."""
    return keys.usage(chatai.database, id)


@app.command(empty=_("There are no active keys."), examples=["chatai tokens stats"])
def stats(chatai: "Installation") -> list[KeyStats]:
    """The active keys, the most used first: today's usage, errors, requests and their mean time."""
    return keys.stats(chatai.database)


def _said(models: str | None = None, **said: Any) -> dict[str, Any]:
    """What was given of a key's properties."""
    given = {name: value for name, value in said.items() if value is not None}
    return given if models is None else {"models": models.split(","), **given}
