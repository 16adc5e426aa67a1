"""chatai config."""

from pathlib import Path

import pytest

from tests.ops.conftest import Process

ROOT = Path(__file__).parents[3]


def by_name(rows: list[dict[str, object]]) -> dict[object, dict[str, object]]:
    return {row["name"]: row for row in rows}


def test_show_names_every_setting(it: Process, home: Path) -> None:
    rows = by_name(it("config", "show", "--json").json)
    assert rows["CHATAI_PORT"] == {"name": "CHATAI_PORT", "value": 8000}
    assert rows["CHATAI_HOME"]["value"] == str(home)
    assert rows["CHATAI_BACKUP_DIR"]["value"] == f"{home}/backups"
    assert rows["ENABLE_CSRF_PROTECTION"]["value"] is False


def test_origin_says_where_a_value_comes_from(it: Process, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("CHATAI_PORT=9000\nLOG_LEVEL=DEBUG\n")
    (tmp_path / "key").write_text("x" * 40)
    env = {"CHATAI_PORT": "9001", "SECRET_KEY_FILE": str(tmp_path / "key")}
    rows = by_name(it("config", "show", "--origin", "--json", env=env).json)
    assert (rows["CHATAI_PORT"]["value"], rows["CHATAI_PORT"]["origin"]) == (9001, "environment")
    assert (rows["LOG_LEVEL"]["value"], rows["LOG_LEVEL"]["origin"]) == ("DEBUG", str(tmp_path / ".env"))
    assert rows["SECRET_KEY"] == {
        "name": "SECRET_KEY",
        "value": "********",
        "origin": f"environment, {tmp_path / 'key'}",
    }
    assert rows["CHATAI_HOST"]["origin"] == "default"


def test_a_profile_reads_its_own_file(it: Process, tmp_path: Path) -> None:
    (tmp_path / ".env.staging").write_text("CHATAI_PORT=9000\n")
    for words in (("--profile", "staging", "config", "show"), ("config", "show", "--profile", "staging")):
        rows = by_name(it(*words, "--origin", "--json").json)
        assert rows["CHATAI_PORT"]["origin"] == str(tmp_path / ".env.staging")
        assert rows["CHATAI_PROFILE"]["origin"] == "command line"


@pytest.mark.parametrize("command", ["show", "show --origin", "check", "show --json", "show -o csv"])
def test_no_secret_is_shown(it: Process, command: str) -> None:
    secret = "a-very-secret-word"
    env = {
        "DATABASE_URL": f"postgresql://chatai:{secret}@db.internal:5432/chatai?password={secret}",
        "REDIS_URL": f"redis://:{secret}@cache:6379/0",
        "SECRET_KEY": secret,
        "OPENAI_API_KEY": secret,
    }
    ended = it("config", *command.split(), env=env)
    assert secret not in ended.stdout + ended.stderr
    if "show" in command:
        assert "postgresql://chatai:********@db.internal:5432/chatai" in ended.stdout


def test_check_is_content_in_development(it: Process) -> None:
    ended = it("config", "check", "--json")
    assert (ended.exit_code, ended.json["status"]) == (0, "ok")


def test_check_says_what_production_lacks(it: Process) -> None:
    ended = it("config", "check", "--json", env={"ENVIRONMENT": "production", "SECRET_KEY": "x" * 64})
    assert ended.exit_code == 2
    finding = by_name(ended.json["checks"])["production"]
    assert finding["evidence"] == {
        "environment": "production",
        "lacking": ["DATABASE_URL", "REDIS_URL", "CHATAI_INTERNAL_KEY"],
    }
    assert finding["remedy"] == "chatai init"
    keys = {"SECRET_KEY": "x" * 64, "CHATAI_INTERNAL_KEY": "y" * 64}
    ended = it("config", "check", "--json", env={"ENVIRONMENT": "production", **keys})
    assert by_name(ended.json["checks"])["production"]["remedy"] == "${EDITOR:-vi} .env"  # init makes only keys


def test_check_warns_of_names_that_nobody_reads(it: Process, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("POSTGRES_PASSWORD=x\n")
    (tmp_path / ".env").chmod(0o600)
    ended = it("config", "check", "--json")
    assert ended.exit_code == 1
    assert by_name(ended.json["checks"])["names"]["summary"] == "Nobody reads POSTGRES_PASSWORD."


def test_check_warns_of_a_file_that_others_can_read(it: Process, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("LOG_LEVEL=INFO\n")
    (tmp_path / ".env").chmod(0o644)
    finding = by_name(it("config", "check", "--json").json["checks"])["mode"]
    assert (finding["status"], finding["remedy"]) == ("warning", f"chmod 600 {tmp_path}/.env")


def test_check_warns_of_short_keys(it: Process) -> None:
    assert it("config", "check", env={"SECRET_KEY": "short"}).exit_code == 1


def test_check_finds_a_directory_that_cannot_be_written(it: Process, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = it("config", "check", "--json", env={"CHATAI_BACKUP_DIR": str(tmp_path / "file" / "backups")})
    assert ended.exit_code == 2
    assert by_name(ended.json["checks"])["CHATAI_BACKUP_DIR"]["status"] == "critical"


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("CHATAI_PORT=many\n", "CHATAI_PORT cannot be 'many'."),
        ("LOG_LEVEL='INFO\n", ".env is broken in line 1."),
        ("CHATAI_PROT=1\n", "There is no setting CHATAI_PROT."),
        ("REDIS_URLS=1\n", "There is no setting REDIS_URLS."),
    ],
)
def test_a_broken_env_is_an_ordinary_error(it: Process, tmp_path: Path, content: str, what: str) -> None:
    (tmp_path / ".env").write_text(content)
    for command in ("check", "show"):
        ended = it("config", command)
        assert (ended.exit_code, ended.stdout) == (78, "")
        assert what in ended.stderr.splitlines()[0]
    assert it("config", "example").exit_code == it("--help").exit_code == it("config", "show", "--help").exit_code == 0


def test_the_example_is_the_file_in_the_repository(it: Process) -> None:
    """``chatai config example > .env.example`` writes it."""
    assert it("config", "example").stdout == (ROOT / ".env.example").read_text("utf-8")


def test_the_example_says_what_is_the_default(it: Process, tmp_path: Path) -> None:
    before = it("config", "show", "--json").json
    lines = it("config", "example").stdout.splitlines()
    given = [
        line[1:] for line in lines if line.startswith("#") and not line.startswith("# ") and not line.endswith("=")
    ]
    assert len(given) > 20
    (tmp_path / ".env").write_text("\n".join(given))
    assert it("config", "show", "--json").json == before
