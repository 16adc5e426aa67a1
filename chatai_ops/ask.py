"""Questions to the person at the terminal: may this be done, and what is the secret."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from chatai_core.errors import BadData, ChataiError, Declined, Misused, NotFound
from chatai_core.i18n import _
from chatai_core.plans import Plan

Result = TypeVar("Result")
_LONGEST_SECRET = 65536


@dataclass(frozen=True, slots=True)
class Planned(Generic[Result]):
    """A change that a command has planned and not yet made.

    Nothing is asked unless ``asks`` is true; with a ``name`` the person must type it, and a script gives --confirm;
    with ``yes_will_do`` its --yes is enough. What is ``refused`` is only shown.
    """

    plan: Plan
    carry_out: Callable[[], Result]
    asks: bool = False
    name: str | None = None
    yes_will_do: bool = False
    refused: ChataiError | None = None


def change(
    summary: str, carry_out: Callable[[], Result], *, asks: bool = False, name: str | None = None
) -> Planned[Result]:
    """A change of a single step, said in one sentence."""
    return Planned(Plan(summary), carry_out, asks=asks, name=name)


def agreed(planned: Planned[Result], *, yes: bool, confirm: str | None) -> None:
    """Return when the change may be made. Raises why it is refused, Declined, or Misused where nobody can be asked."""
    if planned.refused is not None:
        raise planned.refused
    if planned.name is not None and not (yes and confirm is None and planned.yes_will_do):
        _agreed_by_name(planned.name, planned, confirm)
    elif planned.asks and not yes:
        _show(planned.plan)
        if not _is_yes(_answer(_("Go on? [y/N] "), hint="--yes")):
            raise Declined()


def secret(
    what: str, *, stdin: bool = False, file: Path | None = None, option: str = "--token-stdin", repeat: bool = False
) -> str:
    """A secret from standard input, a file or a hidden prompt, in one line and never empty.

    ``what`` names it in the prompt ("Token"), ``option`` is the one that reads it in a script; ``repeat`` asks twice.
    """
    if stdin and file is not None:
        raise Misused(_("The secret was given in two ways."), why=_("Standard input or a file: only one can be meant."))
    if file is not None:
        return _clean(_read_file(file), what)
    if not _a_person_answers():
        if not stdin:
            raise Misused(
                _("{what} is needed, and nobody can be asked.").format(what=what),
                why=_("Standard input is not a terminal, and a secret is never an argument."),
                hint=f"{option} < FILE",
            )
        return _clean(sys.stdin.buffer.read(_LONGEST_SECRET + 1), what)
    return _clean(_hidden(what, repeat=repeat), what)


def _agreed_by_name(name: str, planned: Planned[Result], confirm: str | None) -> None:
    if confirm is None:
        _show(planned.plan)
        hint = f"--confirm {name}" + (_(" (or --yes)") if planned.yes_will_do else "")
        confirm = _answer(_("Type {name} to go on: ").format(name=name), hint=hint)
        if confirm.strip() != name:
            raise Declined()
    elif confirm != name:
        raise Misused(
            _("--confirm {given} does not name what would be changed.").format(given=confirm),
            why=planned.plan.summary,
            hint=f"--confirm {name}",
        )


def _show(plan: Plan) -> None:
    from chatai_ops import tables

    sys.stderr.write(tables.text(plan))


def _answer(question: str, *, hint: str) -> str:
    if not _a_person_answers():
        raise Misused(
            _("This must be agreed to, and nobody can be asked."),
            why=_("Standard input or standard error is not a terminal."),
            hint=hint,
        )
    sys.stderr.write(question)
    sys.stderr.flush()
    answer = sys.stdin.readline()
    if not answer:
        raise Declined()
    return answer


def _is_yes(answer: str) -> bool:
    return answer.strip().casefold() in {"y", "yes", _("y"), _("yes")}


def _a_person_answers() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _hidden(what: str, *, repeat: bool) -> bytes:
    import getpass

    given = getpass.getpass(f"{what}: ", stream=sys.stderr)
    if repeat and given != getpass.getpass(_("{what} again: ").format(what=what), stream=sys.stderr):
        raise Misused(_("The two inputs differ."))
    return given.encode()


def _read_file(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(_LONGEST_SECRET + 1)
    except FileNotFoundError as error:
        raise NotFound(_("There is no file {file}.").format(file=file), hint=f"ls -l {file.parent}") from error
    except OSError as error:
        raise Misused(
            _("{file} cannot be read.").format(file=file), why=f"{error.strerror}.", hint=f"ls -l {file}"
        ) from error


def _clean(given: bytes, what: str) -> str:
    """The secret without the one line end that editors and echo add."""
    try:
        text = given.decode("utf-8").removeprefix("\ufeff").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise BadData(_("{what} is not text.").format(what=what), why=_("It is not valid UTF-8.")) from error
    if not text.strip():
        raise Misused(_("{what} is empty.").format(what=what))
    if len(given) > _LONGEST_SECRET or not text.isprintable():
        raise BadData(
            _("{what} cannot be a secret.").format(what=what), why=_("It has more than one line or control characters.")
        )
    return text
