"""What an operator asks of the settings."""

from pathlib import Path

import pytest

from chatai_core import configuration, settings
from chatai_core.errors import CannotCreate, NotFound
from chatai_core.settings import Value


def built(**given: str) -> settings.Settings:
    return settings.build({name: Value(text, "test") for name, text in given.items()})


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:pw@h:5432/d?password=pw", "postgresql://u:********@h:5432/d"),
        ("postgresql://u@h/d", "postgresql://u@h/d"),
        ("postgresql://h/d", "postgresql://h/d"),
        ("postgresql://u:p@w@h/d", "postgresql://u:********@h/d"),
        ("postgresql:///d?password=pw", "********"),
        ("pw", "********"),
    ],
)
def test_an_address_is_shown_without_its_secrets(url: str, shown: str) -> None:
    values = {row.name: row.value for row in configuration.in_force(built(DATABASE_URL=url))}
    assert values["DATABASE_URL"] == shown


def test_the_template_names_every_setting_once() -> None:
    names = [line.lstrip("#").partition("=")[0] for line in configuration.template().splitlines() if "=" in line]
    for definition in settings.definitions():
        assert names.count(definition.name) == 1


def test_the_template_can_be_read_and_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(configuration.template())
    assert settings.load(environ={}, directory=tmp_path) == settings.Settings()


def test_every_setting_of_the_template_has_its_sentence() -> None:
    lines = configuration.template().splitlines()
    for definition in settings.definitions():
        place = next(n for n, line in enumerate(lines) if line.startswith(f"#{definition.name}="))
        assert lines[place - 1] == f"# {definition.description}"


def test_two_at_once_write_one_file(tmp_path: Path) -> None:
    """Whoever comes second is refused, also when the file was not there when the plan was made."""
    path = tmp_path / ".env"
    configuration.plan_file(path)
    first = configuration.write_file(path)
    with pytest.raises(CannotCreate, match="exists already"):
        configuration.write_file(path)
    assert first.path == str(path)


def test_a_directory_that_is_gone_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(NotFound, match="does not exist any more"):
        configuration.here()
