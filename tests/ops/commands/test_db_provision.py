"""`chatai db setup`, run as an operator runs it, against a server that asks for passwords."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chatai_core.adapters.postgres import Database
from tests.ops.conftest import Process
from tests.servers import secured
from tests.servers.command import Command

ROLE_PASSWORD = "r0le-5ecret"


@pytest.fixture(scope="module")
def superuser() -> Iterator[str]:
    """The URL of a superuser, password included."""
    with secured.postgres() as url:
        yield url


@pytest.fixture
def url(superuser: str, request: pytest.FixtureRequest) -> str:
    """What DATABASE_URL asks for: a role and a database that nobody has made."""
    name = f"chatai{abs(hash(request.node.name)) % 10**8}"
    return superuser.replace(f"postgres:{secured.PASSWORD}", f"{name}:{ROLE_PASSWORD}").replace("/postgres", f"/{name}")


def admin(superuser: str) -> str:
    """The same without the password."""
    return superuser.replace(f":{secured.PASSWORD}", "")


def test_a_superuser_makes_all_of_it_and_no_password_is_seen(
    superuser: str, url: str, chatai: Command, home: Path, tmp_path: Path
) -> None:
    environment = {"DATABASE_URL": url, "PGPASSWORD": secured.PASSWORD}
    words = ("db", "setup", "--admin-url", admin(superuser))
    shown = [chatai(*words, "--dry-run", env=environment), chatai(*words, "--explain", env=environment)]
    assert all('\\password "' in ended.stdout and "PASSWORD" not in ended.stdout for ended in shown)
    made = chatai(*words, "--json", env=environment)
    assert (made.exit_code, len(made.json["made"]), made.json["was_there"]) == (0, 4, [])
    again = chatai(*words, "--json", env=environment)
    assert (again.exit_code, again.json["made"]) == (0, [])
    alone = chatai("db", "setup", "--json", env={"DATABASE_URL": url})
    assert (alone.exit_code, len(alone.json["was_there"])) == (0, 4)
    assert chatai("migrate", "upgrade", env={"DATABASE_URL": url}).exit_code == 0
    log = (home / "logs" / "audit.log").read_text()
    assert " | db_setup | success | " in log
    said = log + "".join(ended.stdout + ended.stderr for ended in (*shown, made, again, alone))
    assert secured.PASSWORD not in said and ROLE_PASSWORD not in said


def test_the_superusers_url_may_be_in_a_file(superuser: str, url: str, chatai: Command, tmp_path: Path) -> None:
    file = tmp_path / "admin"
    file.write_text(f"{superuser}\n")
    plan = chatai("db", "setup", "--admin-url-file", file, "--dry-run", "--json", env={"DATABASE_URL": url})
    assert plan.exit_code == 0 and secured.PASSWORD not in plan.stdout
    assert chatai("db", "setup", "--admin-url-file", file, env={"DATABASE_URL": url}).exit_code == 0
    both = chatai("db", "setup", "--admin-url-file", file, "--admin-url", "x", env={"DATABASE_URL": url})
    assert both.exit_code == 64
    assert chatai("db", "setup", "--admin-url-file", tmp_path / "none", env={"DATABASE_URL": url}).exit_code == 66


TOLD = "A superuser gives these lines to psql, pasted or through a pipe:\n"


def test_without_a_superuser_it_is_refused_with_the_statements(url: str, chatai: Command) -> None:
    refused = chatai("db", "setup", "--json", env={"DATABASE_URL": url})
    error = json.loads(refused.stderr)
    assert (refused.exit_code, refused.stdout, error["error"]) == (77, "", "NotPermitted")
    assert 'CREATE EXTENSION IF NOT EXISTS "vector"' in error["why"] and ROLE_PASSWORD not in refused.stderr
    assert error["hint"].startswith("chatai db setup --admin-url postgresql://postgres@127.0.0.1:")
    shown = chatai("db", "setup", "--explain", env={"DATABASE_URL": url})
    assert (shown.exit_code, shown.stdout.strip()) == (0, error["why"].partition(TOLD)[2])


def finished(superuser: str, url: str, chatai: Command) -> None:
    """The role comes in with its password, and all is there, and nothing has got into the superuser's database."""
    again = chatai("db", "setup", "--json", env={"DATABASE_URL": url})
    assert (again.exit_code, again.json["made"], len(again.json["was_there"])) == (0, [], 4)
    with closing(Database(url)) as role:
        role.execute("CREATE TABLE t (v vector(3))")
    with closing(Database(superuser)) as database:
        assert database.value("SELECT string_agg(extname, ',') FROM pg_extension") == "plpgsql"


@pytest.mark.parametrize("bracketed", [True, False], ids=["in one piece", "line by line"])
def test_what_is_told_is_pasted_into_psql(
    superuser: str, url: str, chatai: Command, environment: dict[str, str], tmp_path: Path, bracketed: bool
) -> None:
    refused = chatai("db", "setup", env={"DATABASE_URL": url})
    script = refused.stderr.partition(TOLD)[2].partition("\n  chatai db setup")[0]
    psql = Process(["psql", superuser, "-X", "-v", "PROMPT1=next: "], environment, tmp_path)
    pasted = f"\x1b[200~{script}\x1b[201~\r" if bracketed else f"{script}\r"
    seen = psql.on_terminal(typed=[pasted, f"{ROLE_PASSWORD}\r", f"{ROLE_PASSWORD}\r", "\\q\r"])
    assert seen.exit_code == 0 and "ERROR" not in seen.stdout, seen.stdout
    finished(superuser, url, chatai)


def test_what_is_explained_is_piped_into_psql(superuser: str, url: str, chatai: Command) -> None:
    """No terminal is there to ask at: psql reads the password behind the script."""
    script = chatai("db", "setup", "--explain", env={"DATABASE_URL": url}).stdout
    done = subprocess.run(
        ["psql", superuser, "-X", "-v", "ON_ERROR_STOP=1"],
        input=f"{script}{ROLE_PASSWORD}\n{ROLE_PASSWORD}\n",
        capture_output=True,
        text=True,
        start_new_session=True,
    )
    assert done.returncode == 0 and "ERROR" not in done.stderr, done.stderr
    finished(superuser, url, chatai)


@pytest.mark.parametrize(
    ("address", "code"), [("//chatai:x@h/template1", 77), ("//chatai:x@h/template0", 77), ("//pg_evil:x@h/chatai", 78)]
)
def test_what_postgresql_keeps_for_itself_is_refused(address: str, code: int, chatai: Command) -> None:
    ended = chatai("db", "setup", env={"DATABASE_URL": f"postgresql:{address}"})
    assert (ended.exit_code, ended.stdout) == (code, "") and "DATABASE_URL=" in ended.stderr


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--admin-url", "postgresql://postgres:argv@127.0.0.1/postgres"], 64),
        (["--admin-url", "nonsense"], 64),
        (["--admin-url", "postgresql://postgres@127.0.0.1:1/postgres"], 69),
    ],
)
def test_slips_are_told(options: list[str], code: int, url: str, chatai: Command) -> None:
    ended = chatai("db", "setup", *options, env={"DATABASE_URL": url})
    assert (ended.exit_code, ended.stdout) == (code, "") and "argv" not in ended.stderr


def test_a_wrong_superusers_password_is_refused(superuser: str, url: str, chatai: Command) -> None:
    environment = {"DATABASE_URL": url, "PGPASSWORD": "wrong"}
    assert chatai("db", "setup", "--admin-url", admin(superuser), env=environment).exit_code == 77


def test_a_read_only_profile_makes_nothing(superuser: str, url: str, chatai: Command) -> None:
    environment = {"DATABASE_URL": url, "PGPASSWORD": secured.PASSWORD, "CHATAI_READONLY": "true"}
    assert chatai("db", "setup", "--admin-url", admin(superuser), env=environment).exit_code == 77


def test_an_existing_role_gets_another_password_only_when_told(superuser: str, url: str, chatai: Command) -> None:
    environment = {"DATABASE_URL": url, "PGPASSWORD": secured.PASSWORD}
    words = ("db", "setup", "--admin-url", admin(superuser))
    assert chatai(*words, env=environment).exit_code == 0
    environment["DATABASE_URL"] = url.replace(ROLE_PASSWORD, "an0ther-5ecret")
    refused = chatai(*words, env=environment)
    assert refused.exit_code == 77 and "--set-password" in refused.stderr
    assert chatai(*words, "--set-password", env=environment).exit_code == 0
    Database(environment["DATABASE_URL"]).value("SELECT 1")


def test_an_existing_database_needs_nothing(chatai: Command, database_url: str) -> None:
    shown = chatai("db", "setup")
    assert shown.exit_code == 0 and "Was there" in shown.stdout
    assert chatai("db", "setup", "--explain").stdout in {
        "",
        'CREATE EXTENSION IF NOT EXISTS "pg_stat_statements" WITH SCHEMA public;\n',
    }
