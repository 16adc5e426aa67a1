"""Settings: which source wins, what is refused, and that secrets stay hidden."""

from pathlib import Path

import pytest

from chatai_core import settings
from chatai_core.errors import Misconfigured


def write_env(directory: Path, text: str, name: str = ".env") -> None:
    (directory / name).write_text(text, encoding="utf-8")


def test_the_command_line_wins_over_environment_and_file(tmp_path: Path) -> None:
    write_env(tmp_path, "CHATAI_PORT=1\nCHATAI_HOST=file\nLOG_LEVEL=DEBUG\n")
    found = settings.found(
        {"CHATAI_PORT": "3"}, environ={"CHATAI_PORT": "2", "CHATAI_HOST": "environment"}, directory=tmp_path
    )
    assert (found["CHATAI_PORT"].text, found["CHATAI_PORT"].origin) == ("3", "command line")
    assert (found["CHATAI_HOST"].text, found["CHATAI_HOST"].origin) == ("environment", "environment")
    assert found["LOG_LEVEL"].origin == str(tmp_path / ".env")


def test_a_default_needs_no_file(tmp_path: Path) -> None:
    assert settings.load(environ={}, directory=tmp_path).server.port == 8000


def test_a_profile_reads_its_own_file_alone(tmp_path: Path) -> None:
    write_env(tmp_path, "CHATAI_PORT=1\nLOG_LEVEL=DEBUG\n")
    write_env(tmp_path, "CHATAI_PORT=2\nCHATAI_READONLY=true\n", ".env.prod")
    loaded = settings.load({"CHATAI_PROFILE": "prod"}, environ={}, directory=tmp_path)
    assert (loaded.server.port, loaded.journal.level, loaded.readonly) == (2, "INFO", True)


def test_an_unknown_profile_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"no profile nowhere"):
        settings.load({"CHATAI_PROFILE": "nowhere"}, environ={}, directory=tmp_path)


def test_a_secret_can_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("hush\n")
    loaded = settings.load(environ={"SECRET_KEY_FILE": str(tmp_path / "key")}, directory=tmp_path)
    assert loaded.keys.secret is not None
    assert loaded.keys.secret.reveal() == "hush"


def test_a_value_and_its_file_together_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="Both SECRET_KEY and SECRET_KEY_FILE"):
        settings.load(environ={"SECRET_KEY": "a", "SECRET_KEY_FILE": "b"}, directory=tmp_path)


def test_a_missing_secret_file_names_itself(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as caught:
        settings.load(environ={"SECRET_KEY_FILE": str(tmp_path / "gone")}, directory=tmp_path)
    assert str(tmp_path / "gone") in caught.value.why


def test_secrets_never_show_in_a_representation(tmp_path: Path) -> None:
    loaded = settings.load(
        environ={"SECRET_KEY": "hush-1", "DATABASE_URL": "postgresql://u:hush-2@h/d"}, directory=tmp_path
    )
    assert "hush" not in repr(loaded)
    assert "hush" not in str(loaded.keys.secret)


def test_a_secret_that_does_not_fit_is_not_repeated_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as caught:
        settings.load(environ={"CHATAI_PORT": "hello"}, directory=tmp_path)
    assert "'hello'" in caught.value.what
    assert caught.value.why.startswith("environment: ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CHATAI_PORT", "eight"),
        ("CHATAI_PORT", "65536"),
        ("CHATAI_PORT", "-1"),
        ("ENVIRONMENT", "prod"),
        ("LOG_FORMAT", "xml"),
        ("OPENAI_BASE_URL", "ftp://x"),
        ("ENABLE_CSRF_PROTECTION", "maybe"),
        ("DB_POOL_SIZE", "0"),
    ],
)
def test_a_wrong_value_is_refused_by_name(name: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=name):
        settings.load(environ={name: value}, directory=tmp_path)


@pytest.mark.parametrize("value", ["true", "1", "yes", "on", "True"])
def test_yes_is_written_in_several_ways(value: str, tmp_path: Path) -> None:
    assert settings.load(environ={"CHATAI_READONLY": value}, directory=tmp_path).readonly is True


def test_an_empty_value_counts_as_not_given(tmp_path: Path) -> None:
    write_env(tmp_path, "OPENAI_API_KEY=\n")
    assert settings.load(environ={"CHATAI_PORT": ""}, directory=tmp_path).openai.api_key is None


@pytest.mark.parametrize(
    ("text", "line"),
    [("A=1\nnot a setting at all = = \n'x\n", 2), ('SECRET_KEY="never closed\n', 1)],
)
def test_a_broken_file_names_its_line(text: str, line: int, tmp_path: Path) -> None:
    write_env(tmp_path, text)
    with pytest.raises(Misconfigured, match=f"broken in line {line}"):
        settings.load(environ={}, directory=tmp_path)


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"SECRET_KEY=\xff\xfe\n")
    with pytest.raises(Misconfigured, match="cannot be read"):
        settings.load(environ={}, directory=tmp_path)


@pytest.mark.parametrize("where", ["environment", "file"])
def test_an_unknown_setting_of_ours_is_refused_with_the_nearest_name(where: str, tmp_path: Path) -> None:
    if where == "file":
        write_env(tmp_path, "CHATAI_PROT=1\n")
    with pytest.raises(Misconfigured) as caught:
        settings.load(environ={"CHATAI_PROT": "1"} if where == "environment" else {}, directory=tmp_path)
    assert "Did you mean CHATAI_PORT?" in caught.value.why


def test_a_slip_in_the_file_is_refused(tmp_path: Path) -> None:
    write_env(tmp_path, "DATABSE_URL=postgresql://h/d\n")
    with pytest.raises(Misconfigured, match="no setting DATABSE_URL"):
        settings.load(environ={}, directory=tmp_path)


def test_names_of_other_programs_pass_and_can_be_listed(tmp_path: Path) -> None:
    write_env(tmp_path, "SMTP_SERVER=smtp.example.org\nPOSTGRES_PASSWORD=x\n")
    settings.load(environ={}, directory=tmp_path)
    assert set(settings.ignored(tmp_path)) == {"SMTP_SERVER", "POSTGRES_PASSWORD"}


def test_every_setting_is_described_and_named_once() -> None:
    names = [definition.name for definition in settings.definitions()]
    assert len(names) == len(set(names))
    assert all(definition.description.endswith((".", "ru.")) for definition in settings.definitions())


def test_production_keeps_its_logs_where_operators_look(tmp_path: Path) -> None:
    assert settings.load(environ={"ENVIRONMENT": "production"}, directory=tmp_path).log_dir == Path("/var/log/chatai")
