"""Where the values come from, and what is wrong with them.

From the command line, the environment, ``.env`` (or ``.env.NAME`` with a profile), ``/etc/chatai/chatai.env``, the
default, in this order. ``NAME_FILE`` names a file that holds the value of ``NAME``. An empty value counts as not given.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_type_hints

import msgspec

from chatai_core.errors import Misconfigured
from chatai_core.i18n import _
from chatai_core.settings.declared import Definition, Settings, definitions, names

SYSTEM_FILE = Path("/etc/chatai/chatai.env")


class Value(msgspec.Struct, frozen=True):
    """A setting's text as it was found, and where."""

    text: str
    origin: str


def load(
    overrides: Mapping[str, str] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> Settings:
    """The settings of this process; ``overrides`` (the command line) are by name, as text. Raises Misconfigured."""
    return build(found(overrides, environ=environ, directory=directory))


def found(
    overrides: Mapping[str, str] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> dict[str, Value]:
    """Every value that was given, by the setting's name, from the source that wins. Raises Misconfigured."""
    environ = os.environ if environ is None else environ
    given: dict[str, Value] = {}
    for origin, values in _sources(overrides or {}, environ, directory or _here()):
        for definition in definitions():
            text = _text(definition.name, values, origin)
            if text is not None and definition.name not in given:
                given[definition.name] = text
    return given


def _here() -> Path:
    """The working directory, or a path that finds nothing when that was removed under our feet."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return Path()


def build(given: Mapping[str, Value]) -> Settings:
    """Settings from texts; the first value that does not fit its type is named. Raises Misconfigured."""
    tree: dict[str, Any] = {}
    for definition in definitions():
        if definition.name in given:
            value = _converted(definition, given[definition.name])
            (tree.setdefault(definition.section, {}) if definition.section else tree)[definition.field] = value
    for name, values in tree.items():
        if isinstance(values, dict):
            tree[name] = get_type_hints(Settings)[name](**values)
    return Settings(**tree)


def _converted(definition: Definition, value: Value) -> Any:
    text: str | bool = value.text.strip()
    if isinstance(definition.default, bool):
        text = {"1": True, "yes": True, "on": True, "0": False, "no": False, "off": False}.get(
            value.text.strip().lower(), value.text.strip().lower()
        )
    try:
        return msgspec.convert(text, definition.type, strict=False, dec_hook=lambda kind, raw: kind(raw))
    except (msgspec.ValidationError, ValueError, TypeError) as error:
        shown = "********" if definition.is_secret else value.text
        raise Misconfigured(
            _("{name} cannot be {value}.").format(name=definition.name, value=repr(shown)),
            why=_("{origin}: {reason}.").format(origin=value.origin, reason=str(error).rstrip(".")),
            hint="chatai config example",
        ) from error


def _sources(
    overrides: Mapping[str, str], environ: Mapping[str, str], directory: Path
) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Pairs of the source's name and its values, the strongest first."""
    if overrides:
        yield _("command line"), overrides
    _refuse_unknown({n: v for n, v in environ.items() if n.startswith("CHATAI_")}, _("environment"), strict=True)
    yield _("environment"), environ
    profile = overrides.get("CHATAI_PROFILE") or environ.get("CHATAI_PROFILE")
    file = directory / (f".env.{profile}" if profile else ".env")
    if profile and not file.exists():
        raise Misconfigured(
            _("There is no profile {name}.").format(name=profile),
            why=_("{file} does not exist.").format(file=file),
            hint=f"ls -a {directory}",
        )
    for path in (file, SYSTEM_FILE):
        if values := _read(path):
            _refuse_unknown(values, str(path), strict=False)
            yield str(path), values


def _text(name: str, values: Mapping[str, str], origin: str) -> Value | None:
    """The value of NAME, or what the file behind NAME_FILE holds."""
    direct, file = values.get(name), values.get(f"{name}_FILE")
    if direct and file:
        raise Misconfigured(
            _("Both {name} and {name}_FILE are set.").format(name=name),
            why=_("Only one of them can be meant, in {origin}.").format(origin=origin),
            hint=f"unset {name}_FILE" if values is os.environ else f"grep -n {name} {origin}",
        )
    if file:
        try:
            return Value(Path(file).read_text("utf-8").strip(), f"{origin}, {file}")
        except (OSError, UnicodeError) as error:
            raise Misconfigured(
                _("{name}_FILE cannot be read.").format(name=name),
                why=f"{file}: {error}",
                hint=f"ls -l {file}",
            ) from error
    return Value(direct, origin) if direct else None


def _read(path: Path) -> dict[str, str]:
    """What an environment file says; empty when there is none."""
    from dotenv.parser import parse_stream  # the only user of the library

    try:
        with path.open(encoding="utf-8-sig") as stream:
            bindings = list(parse_stream(stream))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeError) as error:
        raise Misconfigured(
            _("{file} cannot be read.").format(file=path), why=f"{error}.", hint=f"ls -l {path}"
        ) from error
    for binding in bindings:
        if binding.error:
            raise Misconfigured(
                _("{file} is broken in line {line}.").format(file=path, line=binding.original.line),
                why=_("A line is NAME=value, a comment, or empty; quotes must be closed."),
                hint=f"${{EDITOR:-vi}} +{binding.original.line} {path}",
            )
    return {b.key: b.value or "" for b in bindings if b.key is not None}


def _refuse_unknown(values: Mapping[str, str], origin: str, *, strict: bool) -> None:
    """Refuse CHATAI_… that nobody reads and what looks like a slip; other programs' names pass."""
    for name in unknown(values):
        nearest = close_name(name)
        if strict or name.startswith("CHATAI_") or nearest:
            raise Misconfigured(
                _("There is no setting {name}.").format(name=name),
                why=_("It stands in {origin}.").format(origin=origin)
                + (" " + _("Did you mean {name}?").format(name=nearest) if nearest else ""),
                hint="chatai config example",  # it needs no settings: most commands would say the same again
            )


def unknown(values: Mapping[str, str]) -> list[str]:
    """The names among these that ChatAI does not read."""
    return [name for name in values if name not in names()]


def close_name(name: str) -> str | None:
    """The setting that this name is a slip of, if it is near enough to one."""
    import difflib

    known = [definition.name for definition in definitions()]
    return next(iter(difflib.get_close_matches(name, known, n=1, cutoff=0.88)), None)


def ignored(directory: Path | None = None) -> dict[str, str]:
    """Names in the environment files that ChatAI does not read, with the file."""
    files = (directory or _here()) / ".env", SYSTEM_FILE
    return {name: str(path) for path in files for name in unknown(_read(path))}
