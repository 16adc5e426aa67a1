"""chatai bots: what their owners want of them, what they do, and the manager that runs them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chatai_core.bots import client, enrolment, instances, overview
from chatai_core.bots.enrolment import Changes, NewBot
from chatai_core.bots.instances import Bot
from chatai_core.bots.overview import BotRow, BotSheet
from chatai_core.bots.switching import Switch
from chatai_core.errors import ChataiError, Misused
from chatai_core.i18n import _
from chatai_core.settings import Secret
from chatai_ops import ask, options
from chatai_ops.app import Commands
from chatai_ops.streams import note

if TYPE_CHECKING:
    from chatai_core.installation import Installation

app = Commands(_("The bots: start, stop, see what they do."))

Id = Annotated[str, typer.Argument(metavar="ID", help=_("The bot: 123 or bot123."))]
Ids = Annotated[list[str] | None, typer.Argument(metavar="ID…", help=_("The bots: 123 or bot123."))]
OneId = Annotated[str | None, typer.Argument(metavar="ID", help=_("Only this bot."))]
All = Annotated[bool, typer.Option("--all", help=_("All bots."))]
NoWait = Annotated[bool, typer.Option("--no-wait", help=_("Do not wait until it is done."))]
Name = Annotated[str | None, typer.Argument(metavar="NAME", help=_("How you call it; else as Telegram does."))]
NewName = Annotated[str | None, typer.Option("--name", metavar="NAME", help=_("How you call it; empty: no name."))]
Assistant = Annotated[int | None, typer.Option("--assistant", metavar="ID", help=_("The assistant that speaks."))]
Owner = Annotated[
    str | None, typer.Option("--owner", metavar="EMAIL", help=_("Whose bot it is; else the first administrator's."))
]
NoStart = Annotated[bool, typer.Option("--no-start", help=_("Leave it stopped."))]
Port = Annotated[int | None, typer.Option("--port", min=0, max=65535, help=_("In place of CHATAI_MANAGER_PORT."))]
Workers = Annotated[
    int | None, typer.Option("--workers", min=1, max=256, help=_("At most so many worker processes; else one a core."))
]

_EMPTY = _("There are no bots yet: chatai bots add --token-file FILE")


@app.command("list", empty=_EMPTY, examples=["chatai bots list", "chatai bots list --json"])
def list_(chatai: "Installation") -> list[BotRow]:
    """Every bot: whether it should run, and what is observed of it."""
    found = overview.all(chatai.database, chatai.settings.server.manager_url)
    _note(found.manager_error)
    return found.bots


@app.command(examples=["chatai bots show 7"])
def show(chatai: "Installation", id: Id) -> BotSheet:
    """All about one bot; its token is masked."""
    return overview.sheet(chatai.database, chatai.settings.server.manager_url, id)


@app.command(empty=_("No bot runs, and none should."), examples=["chatai bots status", "chatai bots status 7 -w"])
def status(chatai: "Installation", id: OneId = None) -> list[BotRow] | BotRow:
    """What the bot manager observes of the bots that run or should, or of one bot. Exit code 69 when it is away."""
    found = overview.observed(chatai.database, chatai.settings.server.manager_url, id)
    return found if id is None else found[0]


@app.command(changes=True, examples=["chatai bots add shop --token-file shop.token --owner ann@example.com"])
def add(
    chatai: "Installation",
    name: Name = None,
    token_stdin: options.TokenStdin = False,
    token_file: options.TokenFile = None,
    assistant: Assistant = None,
    owner: Owner = None,
    no_start: NoStart = False,
) -> ask.Planned[BotSheet]:
    """Add a bot and start it; its token comes from a prompt, standard input or a file, never from an argument."""
    token = Secret(ask.secret(_("Token"), stdin=token_stdin, file=token_file))
    who = enrolment.identify(chatai.settings.telegram.api_url, token)
    whose = enrolment.owner(chatai.database, owner)
    new = NewBot(token, who, whose.id, assistant, name)
    summary = _("Add the bot @{username} for {owner}.").format(username=who.username, owner=whose.email)
    return ask.change(summary, lambda: _added(chatai, new, starts=not no_start))


@app.command(changes=True, examples=["chatai bots update 7 --assistant 3", "chatai bots update 7 --token-file F"])
def update(
    chatai: "Installation",
    id: Id,
    name: NewName = None,
    token_stdin: options.TokenStdin = False,
    token_file: options.TokenFile = None,
    assistant: Assistant = None,
) -> ask.Planned[BotSheet]:
    """Change a bot's name, assistant or token; one that runs starts again with them."""
    bot = instances.show(chatai.database, id)
    token = _new_token(bot, stdin=token_stdin, file=token_file, needed=name is None and assistant is None)
    who = enrolment.identify(chatai.settings.telegram.api_url, token) if token else None
    changes = Changes(token, who, assistant, name)
    return ask.change(_("Change {bot}.").format(bot=_named(bot)), lambda: _updated(chatai, bot, changes))


@app.command(changes=True, examples=["chatai bots remove 7"])
def remove(chatai: "Installation", id: Id) -> ask.Planned[Bot]:
    """Stop a bot and forget it with its token; its dialogs stay."""
    bot = instances.show(chatai.database, id)
    return ask.change(_("Remove {bot}.").format(bot=_named(bot)), lambda: _removed(chatai, bot), asks=True)


@app.command(changes=True, examples=["chatai bots start 7", "chatai bots start 7 8 9", "chatai bots start --all"])
def start(
    chatai: "Installation", ids: Ids = None, every: All = False, no_wait: NoWait = False
) -> ask.Planned[list[BotRow]]:
    """Start bots, and wait until they run; nothing happens to those that do."""
    bots = _chosen(chatai, ids, every)
    summary = _("Start {bots}.").format(bots=_many(bots))
    return ask.change(summary, lambda: overview.rows(bots, _switch(chatai, no_wait).start(bots)))


@app.command(changes=True, examples=["chatai bots stop 7", "chatai bots stop --all --yes"])
def stop(
    chatai: "Installation", ids: Ids = None, every: All = False, no_wait: NoWait = False
) -> ask.Planned[list[BotRow]]:
    """Stop bots, and wait until their last answers are given; nothing happens to those that are stopped."""
    bots = _chosen(chatai, ids, every)
    summary = _("Stop {bots}.").format(bots=_many(bots))
    return ask.change(summary, lambda: overview.rows(bots, _switch(chatai, no_wait).stop(bots)), asks=every)


@app.command(changes=True, examples=["chatai bots restart 7"])
def restart(
    chatai: "Installation", ids: Ids = None, every: All = False, no_wait: NoWait = False
) -> ask.Planned[list[BotRow]]:
    """Stop bots and start them; one that is stopped is started."""
    bots = _chosen(chatai, ids, every)
    summary = _("Start {bots} again.").format(bots=_many(bots))
    return ask.change(summary, lambda: overview.rows(bots, _switch(chatai, no_wait).restart(bots)))


@app.command(watch=False, examples=["chatai bots manager", "chatai bots manager --port 3002 --workers 2"])
def manager(chatai: "Installation", port: Port = None, workers: Workers = None) -> None:
    """Run the bot manager: it starts, watches and stops the bots until it is told to end."""
    from chatai_core import bot_manager

    bot_manager.run(chatai, port=port, workers=workers)


def _chosen(chatai: "Installation", ids: list[str] | None, every: bool) -> list[Bot]:
    """The bots that are meant, each once. Raises NotFound, Misused."""
    if every == bool(ids):
        what = _("No bot is named.") if not every else _("Both bots and --all are given.")
        raise Misused(what, why=_("Either ids or --all say which bots are meant."), hint="chatai bots list")
    if every:
        return instances.all(chatai.database)
    chosen = [instances.show(chatai.database, id) for id in ids or ()]
    return list({bot.id: bot for bot in chosen}.values())


def _switch(chatai: "Installation", no_wait: bool) -> Switch:
    url = chatai.settings.server.manager_url
    return Switch(chatai.orm, url, Secret(chatai.internal_key), None if no_wait else client.WAIT)


def _added(chatai: "Installation", new: NewBot, *, starts: bool) -> BotSheet:
    bot = enrolment.add(chatai.orm, chatai.cipher, new, is_active=starts)
    try:
        if starts:
            _switch(chatai, no_wait=False).start([bot])
    except ChataiError as error:  # the bot is there; why it does not run yet is said beside it
        _note(error)
    return overview.sheet(chatai.database, chatai.settings.server.manager_url, bot.id)


def _updated(chatai: "Installation", bot: Bot, changes: Changes) -> BotSheet:
    enrolment.update(chatai.orm, chatai.cipher, bot, changes)
    _switch(chatai, no_wait=True).tell()
    return overview.sheet(chatai.database, chatai.settings.server.manager_url, bot.id)


def _removed(chatai: "Installation", bot: Bot) -> Bot:
    gone = instances.remove(chatai.orm, bot.id)
    _switch(chatai, no_wait=True).tell()
    return gone


def _new_token(bot: Bot, *, stdin: bool, file: Path | None, needed: bool) -> Secret | None:
    if stdin or file is not None:
        return Secret(ask.secret(_("Token"), stdin=stdin, file=file))
    if needed:
        raise Misused(_("Nothing is to be changed."), hint=f"chatai bots update {bot.id} --name NAME")
    return None


def _named(bot: Bot) -> str:
    return _("bot {id} ({name})").format(id=bot.id, name=bot.name or bot.telegram_username or bot.assistant)


def _many(bots: Sequence[Bot]) -> str:
    return ", ".join(map(_named, bots)) if 0 < len(bots) < 6 else _("{number} bots").format(number=len(bots))


def _note(error: ChataiError | None) -> None:
    if error is not None:
        note("\n".join(line for line in (error.what, error.why, error.hint and f"  {error.hint}") if line))
