"""Finds every sentence that a user can read; a catalogue is made of them.

An extraction method for Babel: the arguments of ``_`` and ``plural``, and what the program translates at run time: the
docstrings of commands, of errors and of settings' sections, and the field names that head columns.
"""

import ast
import inspect
from collections.abc import Iterator
from typing import IO, Any

from chatai_ops.cells import heading

Message = tuple[int, str | None, str | tuple[str, ...], list[str]]


def extract(stream: IO[bytes], keywords: Any, comment_tags: Any, options: Any) -> Iterator[Message]:
    """Babel's protocol: (line, function, messages, comments)."""
    yield from found(ast.parse(stream.read()))


def found(tree: ast.AST) -> Iterator[Message]:
    """The sentences of one module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) in {"_", "plural"}:
            texts = tuple(a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str))
            if texts:
                yield node.lineno, "ngettext" if len(texts) > 1 else None, texts if len(texts) > 1 else texts[0], []
        elif isinstance(node, ast.FunctionDef) and any(map(_is_command, node.decorator_list)):
            for paragraph in inspect.cleandoc(ast.get_docstring(node) or "").split("\n\n"):
                yield node.lineno, None, " ".join(paragraph.split()), []
        elif isinstance(node, ast.ClassDef):
            yield from _of_class(node)


def broken(tree: ast.AST) -> Iterator[int]:
    """Lines in which ``_`` is given something that no catalogue can know: an f-string, a sum, a formatted text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) == "_" and node.args:
            argument = node.args[0]
            formatted = isinstance(argument, ast.Call) and _name(argument.func) == "format"
            if isinstance(argument, ast.JoinedStr | ast.BinOp) or formatted:
                yield node.lineno


def _of_class(node: ast.ClassDef) -> Iterator[Message]:
    bases = {_name(base) for base in node.bases}
    sentence = (ast.get_docstring(node) or "").partition("\n")[0]
    if sentence and (bases & {"Section"} or node.name.endswith("Error") or bases & ERRORS):
        yield node.lineno, None, sentence, []
    if any(_name(d.func if isinstance(d, ast.Call) else d) == "dataclass" for d in node.decorator_list):
        for field in node.body:
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and field.target.id[0] != "_":
                yield field.lineno, None, heading(field.target.id), []


ERRORS = {
    "ChataiError", "Misused", "BadData", "NotFound", "Unavailable", "CannotCreate", "Busy", "NotPermitted",
    "Misconfigured", "ProgramFailed",
}  # fmt: skip


def _is_command(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Call) and _name(decorator.func) == "command"


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
