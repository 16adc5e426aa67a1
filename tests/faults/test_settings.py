"""Settings that are broken, unknown, or missing in production; and words on the command line that make no sense."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.errors import refused
from tests.servers.command import Command
from tests.servers.secured import PASSWORD

# One of each kind: it goes on, it reads, it changes, it starts programs.
COMMANDS = ["serve --json", "tokens list", "users block ann@example.com", "db backup --json"]

PRODUCTION = {
    "ENVIRONMENT": "production",
    "DATABASE_URL": "postgresql://127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1",
    "SECRET_KEY": "s" * 64,
    "CHATAI_INTERNAL_KEY": "i" * 64,
}


@pytest.fixture
def env_file(chatai: Command) -> Path:
    """The .env that the command reads."""
    return chatai.directory / ".env"


@pytest.mark.parametrize("line", COMMANDS)
def test_a_broken_env_file_is_named_with_its_line(line: str, chatai: Command, env_file: Path) -> None:
    env_file.write_text(f'CHATAI_PORT=0\nDATABASE_URL="postgresql://u:{PASSWORD}@h/d\n')
    told = refused(chatai, line, 78)
    assert told.what == f"{env_file} is broken in line 2."
    assert told.hint == f"${{EDITOR:-vi}} +2 {env_file}"


@pytest.mark.parametrize(
    "spoil", [lambda file: file.mkdir(), lambda file: file.write_bytes(b"\xff\xfeD\x00")], ids=["directory", "UTF-16"]
)
def test_an_env_file_that_cannot_be_read_is_named(
    spoil: Callable[[Path], None], chatai: Command, env_file: Path
) -> None:
    spoil(env_file)
    assert refused(chatai, "tokens list", 78).what == f"{env_file} cannot be read."


def test_help_needs_no_settings(chatai: Command, env_file: Path) -> None:
    env_file.write_text("'")
    for line in ("--version", "--help", "serve --help", "config example"):
        ended = chatai(*line.split())
        assert (ended.exit_code, ended.stderr) == (0, ""), line


def test_an_unknown_setting_in_the_file_is_refused_and_the_nearest_one_named(chatai: Command, env_file: Path) -> None:
    env_file.write_text("DATABASE_ULR=postgresql://localhost/chatai\n")
    told = refused(chatai, "serve", 78)
    assert told.what == "There is no setting DATABASE_ULR."
    assert told.why == f"It stands in {env_file}. Did you mean DATABASE_URL?"
    assert chatai(*told.hint.split()[1:]).exit_code == 0  # what is to be typed next does not fail for the same reason


def test_an_unknown_setting_in_the_environment_is_refused(chatai: Command) -> None:
    assert refused(chatai, "db backup", 78, {"CHATAI_PROT": "1"}).what == "There is no setting CHATAI_PROT."


@pytest.mark.parametrize("value", ["many", "-1", "65536", "8000.5"])
def test_a_value_that_does_not_fit_is_shown(value: str, chatai: Command) -> None:
    told = refused(chatai, "serve", 78, {"CHATAI_PORT": value})
    assert told.what == f"CHATAI_PORT cannot be '{value}'."


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://u:{PASSWORD}@127.0.0.1/d",
        f"postgresql://u:{PASSWORD}@127.0.0.1:port/d",
        f"postgresql://u:{PASSWORD}@127.0.0.1:99999/d",
        f"postgresql://u:{PASSWORD}@127.0.0.1/d?sslmode=never",
        f"postgresql://u:{PASSWORD}%zz@127.0.0.1/d",
        f"postgresql://u:x@{PASSWORD}@127.0.0.1/d",
        f"postgresql://u:{PASSWORD}/x@127.0.0.1/d",
        PASSWORD,
    ],
)
def test_an_address_that_is_none_is_refused_without_its_password(url: str, chatai: Command) -> None:
    told = refused(chatai, "tokens list", 78, {"DATABASE_URL": url})
    assert told.what == "DATABASE_URL is not a PostgreSQL address."


@pytest.mark.parametrize(
    "url",
    [
        f"http://:{PASSWORD}@127.0.0.1",
        f"redis://:{PASSWORD}@127.0.0.1:port/0",
        f"redis://:{PASSWORD}/x@127.0.0.1:1/0",
        f"redis://:{PASSWORD}@127.0.0.1:1/0?nonsense=1",
    ],
)
def test_a_redis_address_that_is_none_is_no_degraded_start(url: str, chatai: Command, database_url: str) -> None:
    told = refused(chatai, "serve --port 0", 78, {"REDIS_URL": url})
    assert told.what == "REDIS_URL is not a Redis address."


@pytest.mark.parametrize("lacking", [["SECRET_KEY"], ["REDIS_URL"], ["SECRET_KEY", "CHATAI_INTERNAL_KEY"]])
def test_production_names_all_that_it_lacks(lacking: list[str], chatai: Command) -> None:
    given = {name: value for name, value in PRODUCTION.items() if name not in lacking}
    told = refused(chatai, "serve --port 0", 78, given)
    assert told.what == f"{', '.join(lacking)} must be set in production."
    assert chatai(*told.hint.split()[1:], env=given).exit_code == 2  # chatai config check says the same in detail


def test_production_refuses_an_old_schema_and_names_the_command(
    chatai: Command, empty_database_url: str, redis_url: str
) -> None:
    production = PRODUCTION | {"DATABASE_URL": empty_database_url, "REDIS_URL": redis_url}
    told = refused(chatai, "serve --port 0", 78, production)
    assert told.what == "The database's schema is of another version."
    assert chatai(*told.hint.split()[1:], "--yes", env=production).exit_code == 0
    assert chatai("migrate", "current", "--json", env=production).json["is_head"]


@pytest.mark.parametrize(
    "line",
    [
        "serve --port x",
        "serve --port 99999 --json",
        "serve --workers 0",
        "tokens show x",
        "tokens update 1 --priority -1 --json",
        "tokens list -o yaml",
        "db tables -n 0",
        "migrate upgrade --wait -1",
        "logs errors -n x --json",
        "logs errors --since soonish",
        "logs errors --until 2025-13-45",
    ],
)
def test_words_that_make_no_sense_are_64(line: str, chatai: Command) -> None:
    refused(chatai, line, 64)


@pytest.mark.parametrize(
    "line",
    [
        "tokens show 99",
        "tokens show 99 --json",
        "tokens show 99999999999999999999999",
        "tokens remove -1",
        "bots show x --json",
        "bots start 7",
        "bots show bot9999999999999999999",
        "users show nobody@example.com",
        "users token '",
        "migrate upgrade zzz --json",
        "migrate downgrade +7",
        "logs errors --file /no/such/log",
    ],
)
def test_what_does_not_exist_is_66_before_anything_is_asked(line: str, chatai: Command, shared_database: str) -> None:
    refused(chatai, line, 66, {"DATABASE_URL": shared_database})


@pytest.mark.parametrize("line", ["users add nobody --password-stdin", "users add a@b@c.org --password-stdin --json"])
def test_what_cannot_be_meant_is_65(line: str, chatai: Command, shared_database: str) -> None:
    refused(chatai, line, 65, {"DATABASE_URL": shared_database})
