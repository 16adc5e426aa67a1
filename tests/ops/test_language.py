"""Every sentence can be translated without touching code."""

import ast
import io
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo

from tests import sentences
from tests.ops.conftest import Process

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*ROOT.glob("chatai_core/**/*.py"), *ROOT.glob("chatai_ops/**/*.py")])
RUSSIAN = {
    "Error: {what}": "Ошибка: {what}",
    "There is no option {name}.": "Нет параметра {name}.",
    "Did you mean {name}?": "Может быть, {name}?",
    "Show the settings and check them.": "Показать и проверить настройки.",
    "Every setting and its value; secrets are masked.": "Все настройки и их значения.",
    "Name": "Имя",
    "Is active": "Включено",
    "yes": "да",
    "Interrupted.": "Прервано.",
    "Where ChatAI keeps its files.": "Где лежат файлы.",
    "ChatAI has met a bug of its own.": "Ошибка в самом ChatAI.",
    "{count} checks": "Проверок: {count}",
    "A server does not answer.": "Сервер не отвечает.",
}


@pytest.fixture(scope="session")
def catalogue() -> dict[str, str]:
    """All sentences of both packages, by Babel."""
    found: dict[str, str] = {}
    for package in ("chatai_core", "chatai_ops"):
        method = [("**.py", "tests.sentences:extract")]
        for file, _line, message, _comments, _context in extract_from_dir(ROOT / package, method):
            found.update(dict.fromkeys(message if isinstance(message, tuple) else [message], file))
    return found


@pytest.fixture
def russian(tmp_path: Path, catalogue: dict[str, str]) -> dict[str, str]:
    """The environment of somebody who reads Russian."""
    catalog = Catalog(locale="ru")
    for sentence in catalogue:
        catalog.add(sentence, RUSSIAN.get(sentence, ""))
    text = io.BytesIO()
    write_mo(text, catalog)
    directory = tmp_path / "locale" / "ru" / "LC_MESSAGES"
    directory.mkdir(parents=True)
    (directory / "chatai.mo").write_bytes(text.getvalue())
    return {"CHATAI_LANG": "ru", "CHATAI_LOCALE_DIR": str(tmp_path / "locale")}


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_sentence_is_formatted_before_it_is_translated(file: Path) -> None:
    assert list(sentences.broken(ast.parse(file.read_text("utf-8")))) == []


def test_the_extraction_finds_a_broken_one() -> None:
    wrong = '_(f"a {b}"); _("a" + b); _("{b}".format(b=b)); _("a {b}").format(b=b); _("a" "b")'
    assert list(sentences.broken(ast.parse(wrong))) == [1, 1, 1]


@pytest.mark.parametrize("sentence", RUSSIAN)
def test_the_catalogue_knows_what_is_shown(sentence: str, catalogue: dict[str, str]) -> None:
    assert sentence in {*catalogue, "Is active"}


def test_an_error_is_translated(it: Process, russian: dict[str, str]) -> None:
    ended = it("config", "show", "--origni", env=russian)
    assert ended.exit_code == 64
    assert ended.stderr.startswith("Ошибка: Нет параметра --origni.\nМожет быть, --origin?\n")


def test_the_sentence_of_an_errors_class_is_translated(environment: dict[str, str], russian: dict[str, str]) -> None:
    program = "from chatai_core.errors import Unavailable; print(Unavailable().what)"
    done = subprocess.run(
        [sys.executable, "-c", program], env={**environment, **russian}, capture_output=True, check=True, text=True
    )
    assert done.stdout == "Сервер не отвечает.\n"


def test_help_is_translated(it: Process, russian: dict[str, str]) -> None:
    assert "Показать и проверить настройки." in it("--help", env=russian).stdout
    assert "Все настройки и их значения." in it("config", "--help", env=russian).stdout


def test_columns_and_values_are_translated(toys: Process, russian: dict[str, str]) -> None:
    head, bear, _ball = toys("list", env=russian).stdout.splitlines()
    assert head.split()[1] == "Имя"
    assert bear.split()[-4] == "да"
    assert toys("survey", "ok", env=russian).stdout.endswith("Проверок: 1\n")


def test_json_is_never_translated(toys: Process, russian: dict[str, str]) -> None:
    assert toys("list", "--json", env=russian).stdout == toys("list", "--json").stdout


def test_settings_are_translated(it: Process, russian: dict[str, str]) -> None:
    assert "# Где лежат файлы." in it("config", "example", env=russian).stdout


def test_a_language_without_a_catalogue_is_english(it: Process) -> None:
    assert it("xyzzy", env={"CHATAI_LANG": "de"}).stderr.startswith("Error: There is no command")
