"""How a command line is read and how its help looks: typer's commands and groups, with what they lack."""

import difflib
import importlib
import re
import sys
import types
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from chatai_core.errors import Misused
from chatai_core.i18n import _
from chatai_ops.streams import write
from chatai_ops.values import Plain, shown

_NEGATIVE = re.compile(r"-\d+")
_WATCH = ("-w", "--watch")


class _Ours:
    """What commands and groups have in common."""

    params: list[Any]
    rich_markup_mode: Any
    help: str | None
    epilog: str | None

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters, converted without pydantic."""
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for param in params:
            if param.name == "help":
                param.callback = _show_help
            if param._runtime_param is None:
                descriptor = param.type_descriptor
                param._runtime_param = Plain(descriptor.annotation, descriptor.parameter_info)
        return params

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The help with its examples, in panels on a terminal."""
        examples, self.epilog = self.epilog, None
        if self.rich_markup_mode:
            _load_panels()
            self._escape()
            for param in self.get_params(ctx):
                if getattr(param, "is_flag", False):
                    param.metavar = ""  # a switch has no type to show
        super().format_help(ctx, formatter)  # type: ignore[misc]
        if examples and self.rich_markup_mode:
            _panel(_("Examples"), examples)
        elif examples:
            formatter.write(f"\n{_('Examples')}:\n" + "".join(f"  {line}\n" for line in examples.splitlines()))

    def _escape(self) -> None:
        """Square brackets are no markup in our sentences."""
        for item in (self, *self.params, *getattr(self, "commands", {}).values()):
            if item.help:
                item.help = item.help.replace("[", r"\[")


def _load_panels() -> None:
    """Import typer's drawing of help without what it never uses for us: half of the import's time."""
    unused = {"rich.markdown": "Markdown", "rich.traceback": "Traceback"}
    stand_ins = {name: types.ModuleType(name) for name in unused if name not in sys.modules}
    for name, module in stand_ins.items():
        setattr(module, unused[name], type(unused[name], (), {}))
    sys.modules.update(stand_ins)
    try:
        importlib.import_module("typer.rich_utils")
    finally:
        for name in stand_ins:  # whoever wants the real one imports it
            del sys.modules[name]


class Command(_Ours, TyperCommand):
    """A command whose negative numbers are values and whose --watch needs no number."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words after the command's name."""
        with_value = {opt for param in self.params if not getattr(param, "is_flag", True) for opt in param.opts}
        with _slips(ctx):
            return super().parse_args(ctx, list(_numbers_last(_watched(args, with_value), with_value)))


class Group(_Ours, TyperGroup):
    """A group that shows its help when nothing follows, and knows what was meant by a slip."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the words after the group's name."""
        with _slips(ctx):
            return super().parse_args(ctx, args if args or ctx.resilient_parsing else ["--help"])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that the first word names. Raises Misused with the nearest one."""
        if args[0] in self.commands or ctx.resilient_parsing or args[0].startswith("-"):
            return super().resolve_command(ctx, args)
        near = difflib.get_close_matches(args[0], self.commands, n=1, cutoff=0.5)
        raise Misused(
            _("There is no command {name}.").format(name=f"{ctx.command_path} {args[0]}"),
            why=_("Did you mean {name}?").format(name=near[0]) if near else "",
            hint=" ".join([ctx.command_path, *near, *args[1:]]) if near else f"{ctx.command_path} --help",
        )


class Later(TyperCommand):
    """A group or command in the table of the root, whose module is imported when it is called."""

    def __init__(self, name: str, sentence: str, panel: str) -> None:
        """The sentence is shown in the root's help, below the panel's title."""
        super().__init__(name, help=sentence, rich_help_panel=panel)

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Let the real command read its part of the command line."""
        return self.load().make_context(info_name, args, parent=parent, **extra)

    def load(self) -> Any:
        """The real command."""
        module = importlib.import_module(f"chatai_ops.commands.{self.name}")
        command = module.app.parsed()
        command.name = self.name
        return command


@contextmanager
def _slips(ctx: Any) -> Iterator[None]:
    """What typer refuses is a Misused that names the command."""
    try:
        yield
    except typer.TyperException as error:
        raise misused(error, ctx.command_path) from error


def misused(error: typer.TyperException, path: str = "chatai") -> Misused:
    """A mistake on the command line, as typer found it, in our three sentences."""
    name: str | None = getattr(error, "option_name", None)
    near: list[str] = getattr(error, "possibilities", None) or []
    param: Any = getattr(error, "param", None)
    what, why = error.format_message(), ""
    match type(error).__name__:
        case "NoSuchOption":
            what = _("There is no option {name}.").format(name=name)
            why = _("Did you mean {name}?").format(name=near[0]) if near else ""
        case "MissingParameter" if param is not None:
            what, why = _("{name} is missing.").format(name=shown(param)), param.help or ""
        case "BadOptionUsage" if "requires" in what:
            what = _("{name} needs a value.").format(name=name)
        case "BadOptionUsage":
            what = _("{name} takes no value.").format(name=name)
        case "UsageError" if "unexpected extra" in what:
            words = what.partition(" (")[2].rstrip(")")
            what = _("This is more than the command takes: {words}.").format(words=words)
    return Misused(what, why=why, hint=f"{path} --help")


def _show_help(ctx: Any, param: Any, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        text = ctx.get_help()  # empty when rich has drawn it already
        write(f"{text}\n" if text else "")
        ctx.exit()


def _watched(args: list[str], with_value: set[str]) -> list[str]:
    """``-w`` alone means every two seconds."""
    if "--watch" not in with_value:
        return args
    read: list[str] = []
    for word, following in zip(args, [*args[1:], ""], strict=False):
        alone = word in _WATCH and not re.fullmatch(r"\d+(\.\d+)?", following)
        read.append("--watch=2" if alone else word)
    return read


def _numbers_last(args: list[str], with_value: set[str]) -> Iterable[str]:
    """``downgrade -1``: a negative number is no option unless it follows one that takes a value."""
    if "--" in args:
        return args
    last = [
        word
        for before, word in zip(["", *args], args, strict=False)
        if _NEGATIVE.fullmatch(word) and before not in with_value
    ]
    return [word for word in args if word not in last] + (["--", *last] if last else [])


def _panel(heading: str, lines: str) -> None:
    from rich.console import Console
    from rich.panel import Panel
    from rich.text import Text

    Console().print(Panel(Text(lines), title=heading, title_align="left", border_style="dim"))
