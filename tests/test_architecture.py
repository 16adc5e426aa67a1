"""The house keeps to its plan: arrows, sizes, names, and what every command owes its reader."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from chatai_ops.root import root, run

ROOT = Path(__file__).parents[1]
SOURCES = sorted([*ROOT.glob("chatai_core/**/*.py"), *ROOT.glob("chatai_ops/**/*.py")])
QUESTIONS = sorted(ROOT.glob("chatai_core/**/*.sql"))
LONGEST_FUNCTION, LONGEST_FILE, LONGEST_COMMAND, MEDIAN_FUNCTION = 40, 400, 6, 8
REFUSED_NAMES = {"utils", "helpers", "common", "misc", "data", "info", "handler", "handlers", "service"}

each_source = pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(ROOT)))


def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"))


def functions(file: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def body(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.stmt]:
    """The statements of a function without its docstring."""
    return function.body[1:] if ast.get_docstring(function) is not None else function.body


def lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function, its signature included, its docstring not."""
    first = function.body[0]
    docstring = first.end_lineno - first.lineno + 1 if ast.get_docstring(function) is not None else 0  # type: ignore[operator]
    return (function.end_lineno or 0) - function.lineno + 1 - docstring


def commands() -> Iterator[tuple[str, Any]]:
    """Every command that ends a command line, with the words that lead to it."""
    for name, later in root().commands.items():
        if find_spec(f"chatai_ops.commands.{name}") is None:
            continue  # tests/ops/test_root.py complains
        command = later.load()
        yield name, command
        yield from ((f"{name} {sub}", each) for sub, each in getattr(command, "commands", {}).items())


COMMANDS = dict(commands())
each_command = pytest.mark.parametrize("words", COMMANDS)


def test_the_arrows_point_one_way() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@each_source
def test_a_file_is_short_and_says_what_it_is(file: Path) -> None:
    assert len(file.read_text("utf-8").splitlines()) <= LONGEST_FILE
    assert ast.get_docstring(tree(file))
    assert file.stem not in REFUSED_NAMES


@each_source
def test_a_function_fits_on_a_screen(file: Path) -> None:
    assert {f.name: lines(f) for f in functions(file) if lines(f) > LONGEST_FUNCTION} == {}


def test_the_median_function_is_short() -> None:
    sizes = sorted(lines(function) - 1 for source in SOURCES for function in functions(source))
    assert sizes[len(sizes) // 2] <= MEDIAN_FUNCTION


@each_source
def test_nothing_prints_but_render(file: Path) -> None:
    calls = [node for node in ast.walk(tree(file)) if isinstance(node, ast.Call)]
    assert [call.lineno for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"] == []


@each_source
def test_nobody_imports_click(file: Path) -> None:
    """Typer brings its own."""
    imports = [node for node in ast.walk(tree(file)) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {alias.name for node in imports for alias in node.names} | {getattr(node, "module", "") for node in imports}
    assert not {name for name in names if name and name.partition(".")[0] == "click"}


@pytest.mark.parametrize("file", QUESTIONS, ids=lambda file: file.stem)
def test_a_question_says_what_it_asks_and_has_its_module(file: Path) -> None:
    assert file.read_text("utf-8").startswith("-- ")
    assert file.with_suffix(".py").exists() or any(f'"{file.stem}"' in p.read_text() for p in file.parent.glob("*.py"))


def test_migrations_are_no_package() -> None:
    """With an __init__.py, ``alembic`` here would shadow the library."""
    assert not (ROOT / "alembic" / "__init__.py").exists()


@pytest.mark.parametrize("name", sorted({words.split()[0] for words in COMMANDS}))
def test_a_command_is_a_few_lines(name: str) -> None:
    """It asks the core; who knows how lives there."""
    group = ROOT / "chatai_ops" / "commands" / name
    files = sorted(group.glob("*.py")) or [group.with_suffix(".py")]
    registered = [f for file in files for f in functions(file) if _is_command(f)]
    sizes = {f.name: len(ast.unparse(body(f)).splitlines()) for f in registered}  # type: ignore[arg-type]
    assert {name: size for name, size in sizes.items() if size > LONGEST_COMMAND} == {}


def _is_command(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    calls = (d.func for d in function.decorator_list if isinstance(d, ast.Call))
    return any(isinstance(call, ast.Attribute) and call.attr == "command" for call in calls)


@each_command
def test_every_command_explains_itself(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*words.split(), "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"Usage: chatai {words} ")


@each_command
def test_every_command_and_option_has_its_sentence(words: str) -> None:
    command = COMMANDS[words]
    assert (command.help or "").strip()
    assert [param.name for param in command.params if param.param_type_name == "option" and not param.help] == []


@each_command
def test_examples_are_command_lines_that_exist(words: str) -> None:
    for example in (COMMANDS[words].epilog or "").splitlines():
        assert f"chatai {words}" in example or "--profile" in example or "|" in example, example
