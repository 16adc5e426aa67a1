"""What every chatai command shares: it returns what it found; here that is shown and becomes an exit code."""

import functools
import inspect
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import typer
import typer.main

from chatai_core.errors import Misused
from chatai_core.findings import Rows, Survey
from chatai_core.i18n import _
from chatai_core.plans import Explained, typed
from chatai_ops import ask, exits, look, options, render
from chatai_ops.grammar import Command, Group

if TYPE_CHECKING:
    from chatai_core.installation import Installation

Function = TypeVar("Function", bound=Callable[..., object])
_KEYWORD = inspect.Parameter.KEYWORD_ONLY
_ASKED = "asked_"
_SHORTEST_PAUSE = 0.5  # seconds between two questions of --watch


class Commands:
    """A group of commands; without a sentence, one command that stands alone."""

    def __init__(self, sentence: str = "") -> None:
        """The sentence is the group's help."""
        self._sentence = sentence
        self._typer = typer.Typer(
            help=sentence, cls=Group, add_completion=False, rich_markup_mode="rich" if look.is_drawn() else None
        )

    def command(
        self,
        name: str | None = None,
        *,
        changes: bool | str = False,
        watch: bool = True,
        empty: str = "",
        examples: Iterable[str] = (),
        hidden: bool = False,
        panel: str | None = None,
        explains: bool = False,
    ) -> Callable[[Function], Function]:
        """Register a function that takes the Installation first and returns what it found; it stays a plain function.

        One that ``changes`` something only plans it and returns ``ask.Planned``; when that is the name of an argument,
        it only answers where the argument is not given. ``empty`` is said when the answer has no row. The examples
        stand in the help. ``watch=False`` for what does not end or cannot be repeated. ``explains`` when it asks or
        tells PostgreSQL something, which ``--explain`` shows.
        """

        def decorate(function: Function) -> Function:
            register = self._typer.command(
                name or function.__name__.strip("_").replace("_", "-"),
                cls=Command,
                help=_translated(function.__doc__ or ""),
                epilog="\n".join(examples),
                hidden=hidden,
                rich_help_panel=panel,
            )
            register(_for_the_terminal(function, changes=changes, watch=watch, empty=empty, explains=explains))
            return function

        return decorate

    def adding(self, *others: "Commands") -> "Commands":
        """Itself, with the commands of the others behind its own: a group may be written in several files."""
        for other in others:
            self._typer.registered_commands += other._typer.registered_commands
        return self

    def parsed(self) -> Any:
        """What typer makes of it: a group or a single command."""
        return typer.main.get_group(self._typer) if self._sentence else typer.main.get_command(self._typer)


@dataclass(frozen=True, slots=True)
class Asked:
    """The options that every command has, as they were given."""

    form: look.CheckFormat
    command: str
    profile: str | None
    empty: str
    watch: float | None = None
    dry_run: bool = False
    yes: bool = False
    confirm: str | None = None
    explain: bool = False

    def installation(self, *, explaining: bool = False) -> "Installation":
        """The installation that is meant, with nothing opened yet."""
        from chatai_core.installation import Installation  # psycopg2 and more, which --help does not need

        return Installation({"CHATAI_PROFILE": self.profile} if self.profile else {}, explaining=explaining)


def _translated(docstring: str) -> str:
    """A docstring as help: each paragraph is one sentence or more of the catalogue, in one line."""
    paragraphs = inspect.cleandoc(docstring).split("\n\n")
    return "\n\n".join(_(" ".join(paragraph.split())) for paragraph in paragraphs)


def _for_the_terminal(
    function: Callable[..., Any], *, changes: bool | str, watch: bool, empty: str, explains: bool
) -> Callable[..., None]:
    """Feed the installation in, show what comes out, exit as it says."""
    shared = _shared(function, changes=bool(changes), watch=watch and changes is not True, explains=explains)

    @functools.wraps(function)
    def command(*, asked_context: typer.Context, **arguments: Any) -> None:
        given = {name: arguments.pop(_ASKED + name) for name in shared}
        changing = arguments[changes] is not None if isinstance(changes, str) else changes
        run = _change if changing else _answer
        raise typer.Exit(run(function, arguments, _asked(asked_context, given, empty)))

    parameters = [
        inspect.Parameter("asked_context", _KEYWORD, annotation=typer.Context),
        *_own_parameters(function),
        *(_parameter(name, kind) for name, kind in shared.items()),
    ]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command


def _shared(function: Callable[..., Any], *, changes: bool, watch: bool, explains: bool) -> dict[str, Any]:
    """The options that are added to a command, by the name of what they say in Asked."""
    shared: dict[str, Any] = {}
    if changes:
        shared |= {"dry_run": options.DryRun, "yes": options.Yes, "confirm": options.Confirm}
    checks = function.__annotations__.get("return") in {Survey, Survey.__name__}
    output = options.CheckOutput if checks else options.Output
    shared |= {"output": output, "as_json": options.Json, "color": options.Colors}
    if watch:
        shared["watch"] = options.Watch
    if explains:
        shared["explain"] = options.Explain
    return shared | {"profile": options.Profile}


def _parameter(name: str, kind: Any) -> inspect.Parameter:
    # The prefix leaves every name to the commands: one of them may well take a profile or a color.
    default = False if kind.__origin__ is bool else None
    return inspect.Parameter(_ASKED + name, _KEYWORD, default=default, annotation=kind)


def _own_parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """All parameters but the installation, whose type need not be imported to read the others."""
    _installation, *own = inspect.signature(function).parameters.values()
    return [parameter.replace(kind=_KEYWORD, annotation=_evaluated(parameter, function)) for parameter in own]


def _evaluated(parameter: inspect.Parameter, function: Callable[..., Any]) -> Any:
    written = parameter.annotation
    return eval(written, function.__globals__) if isinstance(written, str) else written  # noqa: S307


def _asked(context: typer.Context, shared: dict[str, Any], empty: str) -> Asked:
    form, as_json = shared.pop("output"), shared.pop("as_json")
    if as_json and form not in {None, "json"}:
        raise Misused(_("--json and -o {form} contradict each other.").format(form=form), hint="-o json")
    shared.pop("color")  # carried out when it was read
    shared["profile"] = shared["profile"] or (context.obj or {}).get("profile")
    command = context.command_path.partition(" ")[2]
    return Asked(form="json" if as_json else form or "table", command=command, empty=empty, **shared)


def _answer(function: Callable[..., Any], arguments: dict[str, Any], asked: Asked) -> int:
    if asked.explain:
        return _explain(function, arguments, asked)
    with asked.installation() as chatai:
        while True:
            result = function(chatai, **arguments)
            render.show(result, asked.form, empty=asked.empty, command=asked.command, row=_row(function, 0))
            if asked.watch is None:
                return exits.for_result(result)
            time.sleep(max(asked.watch, _SHORTEST_PAUSE))
            look.start_again(asked.form)


def _change(function: Callable[..., Any], arguments: dict[str, Any], asked: Asked) -> int:
    with asked.installation() as chatai:
        if not (asked.dry_run or asked.explain):
            chatai.must_be_writable()
        planned = function(chatai, **arguments)
        assert isinstance(planned, ask.Planned), f"{function} changes something: it must return ask.Planned."
        if asked.explain:
            _show_statements(planned.plan.statements, asked)
            return exits.OK
        if asked.dry_run:
            render.show(planned.plan, asked.form)
            return exits.OK
        ask.agreed(planned, yes=asked.yes, confirm=asked.confirm)
        from chatai_ops.record import recorded  # logging and the rest of the journal take 35 ms

        operation = asked.command.replace(" ", "_").replace("-", "_")
        result = recorded(chatai, operation, planned.plan.summary, planned.carry_out)
        render.show(result, asked.form, empty=asked.empty, row=_row(function, -1))
        if isinstance(result, Rows) and result.failure is not None:
            raise result.failure
        return exits.for_result(result)


def _row(function: Callable[..., Any], part: int) -> Callable[[], type | None]:
    """What finds the type of its rows; ``part`` of "answer | plan". None where the annotation is for mypy alone."""

    def row() -> type | None:
        written = function.__annotations__.get("return")
        try:
            kind = eval(written, {"Rows": Rows, **function.__globals__}) if isinstance(written, str) else written  # noqa: S307
        except (NameError, AttributeError):
            return None
        while parts := get_args(kind):
            kind = parts[part]
        return kind if isinstance(kind, type) else None

    return row


def _explain(function: Callable[..., Any], arguments: dict[str, Any], asked: Asked) -> int:
    """Show the questions that the answer would come from; facts that they depend on are asked for all the same."""
    with asked.installation(explaining=True) as chatai:
        try:
            function(chatai, **arguments)
        except Explained:
            pass
        _show_statements(chatai.explained or [], asked)
    return exits.OK


def _show_statements(statements: list[str], asked: Asked) -> None:
    render.show(
        [typed(statement) for statement in statements],
        asked.form,
        empty=_("Nothing would be run."),
    )
