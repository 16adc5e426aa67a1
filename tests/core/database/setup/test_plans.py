"""Making what DATABASE_URL asks for, and proving it, on servers that let nobody but superusers do so."""

import os
import shlex
import subprocess
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from psycopg2.extensions import parse_dsn

from chatai_core.adapters.postgres import Database, Session, identifier, psql
from chatai_core.database.setup import administrators, plans
from chatai_core.database.setup.administrators import Administrator
from chatai_core.errors import AccessRefused, ChataiError, Misconfigured, Misused, NotFound, NotPermitted, Unavailable
from tests.servers.clusters import Cluster
from tests.servers.databases import PostgreSQL

# Not trusted, as vector is, and part of every server: Debian's 15 here has no pgvector.
UNTRUSTED = ["pgstattuple"]


@dataclass(frozen=True)
class Wanted:
    """A database and a role that are not there yet."""

    server: PostgreSQL
    database: str
    role: str

    @property
    def url(self) -> str:
        return self.server.url(self.database, user=self.role)

    @property
    def superuser(self) -> Administrator:
        return Administrator(self.server.url("postgres"))

    def value(self, sql: str) -> object:
        """What the role is answered."""
        with closing(Database(self.url)) as database:
            return database.value(sql)


@pytest.fixture
def wanted(server: PostgreSQL) -> Iterator[Wanted]:
    """Names as people give them: Cyrillic, a blank, quotes, upper case."""
    unique = uuid.uuid4().hex[:8]
    names = Wanted(server, f'База "Чат" {unique}', f"Роль'O {unique}")
    yield names
    server.execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", names.database)
    if server.execute(f"SELECT 1 FROM pg_roles WHERE rolname = 'Роль''O {unique}'"):
        server.execute("DROP OWNED BY {}", names.role)
        server.execute("DROP ROLE {}", names.role)


def made(wanted: Wanted, **how: object) -> plans.Ready:
    plan = plans.plan(wanted.url, wanted.superuser, extensions=UNTRUSTED, **how)  # type: ignore[arg-type]
    return plans.carry_out(wanted.url, plan)


def test_role_database_rights_and_extension_are_made(wanted: Wanted) -> None:
    plan = plans.plan(wanted.url, wanted.superuser, extensions=UNTRUSTED)
    role, name = identifier(wanted.role), identifier(wanted.database)
    assert plan.statements[:3] == [
        f"CREATE ROLE {role} LOGIN",
        f"CREATE DATABASE {name} OWNER {role}",
        f"\\connect {name} \\\\\nGRANT USAGE, CREATE ON SCHEMA public TO {role}",
    ]
    assert plan.statements[3] == 'CREATE EXTENSION IF NOT EXISTS "pgstattuple" WITH SCHEMA public'
    ready = plans.carry_out(wanted.url, plan)
    assert (ready.database, ready.role, ready.was_there) == (wanted.database, wanted.role, [])
    assert "the extension pgstattuple" in ready.made
    assert wanted.value("SELECT count(*) FROM pg_extension WHERE extname = 'pgstattuple'") == 1
    assert wanted.value("SELECT count(*) FROM pg_class WHERE relname ~ '^chatai_setup'") == 0


def test_the_role_makes_tables_in_public(wanted: Wanted) -> None:
    made(wanted)
    with closing(Database(wanted.url)) as role:
        role.execute("CREATE TABLE public.t (a int)")
        assert not role.value(
            "SELECT rolsuper OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = session_user"
        )


def test_a_second_run_changes_nothing_and_needs_no_superuser(wanted: Wanted) -> None:
    made(wanted)
    plan = plans.plan(wanted.url, extensions=UNTRUSTED)
    assert (plan.statements, plan.steps) == ([], ["All of it is there already."])
    again = plans.carry_out(wanted.url, plan)
    assert again.made == [] and len(again.was_there) == 4


def test_without_a_superuser_the_statements_are_told(wanted: Wanted) -> None:
    plan = plans.plan(wanted.url, extensions=UNTRUSTED)
    assert isinstance(plan.refusal, NotPermitted)
    assert f"CREATE DATABASE {identifier(wanted.database)} OWNER" in plan.refusal.why
    assert plan.refusal.hint.startswith("chatai db setup --admin-url 'postgresql://postgres@/postgres?host=")
    assert len(plan.statements) == 4
    with pytest.raises(NotPermitted):
        plans.carry_out(wanted.url, plan)


def told_to_psql(plan: plans.SetupPlan) -> list[str]:
    """The lines of the refusal that are meant for psql."""
    assert plan.refusal is not None
    lines = plan.refusal.why.splitlines()
    return lines[lines.index("A superuser gives these lines to psql, pasted or through a pipe:") + 1 :]


def run(argv: list[str], script: str = "") -> list[str]:
    """What psql says, which stops at the first error and has no terminal to ask at."""
    done = subprocess.run(
        [*argv, "-X", "-v", "ON_ERROR_STOP=1"], input=script, capture_output=True, text=True, start_new_session=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    return [line for line in done.stdout.splitlines() if not line.startswith("You are now connected")]


def test_psql_carries_out_what_is_told_and_nothing_lands_elsewhere(wanted: Wanted) -> None:
    before = wanted.server.execute("SELECT extname FROM pg_extension")
    script = told_to_psql(plans.plan(wanted.url, extensions=UNTRUSTED))
    assert run(["psql", wanted.server.url("postgres")], "\n".join(script)) == [
        "CREATE ROLE",
        "CREATE DATABASE",
        "GRANT",
        "CREATE EXTENSION",
    ]
    assert wanted.server.execute("SELECT extname FROM pg_extension") == before
    ready = plans.carry_out(wanted.url, plans.plan(wanted.url, extensions=UNTRUSTED))
    assert ready.made == []
    wanted.value("CREATE TABLE t AS SELECT 1 AS a; SELECT a FROM t")


@pytest.mark.parametrize(
    "odd", ["a=b", "postgres://h/d", 'it\'s \\ "odd" = x', "-", "-reuse-previous=off", ":x $y `z`"]
)
def test_psql_finds_a_database_whatever_its_name(odd: str, databases: PostgreSQL) -> None:
    name = f"{odd}{'' if odd == '-' else uuid.uuid4().hex[:8]}"
    with databases.named(name) as url:
        script = f"{psql.connecting(name)}\nSELECT current_database();"
        assert name in run(["psql", "-At", databases.url("postgres")], script)
        assert run([*shlex.split(psql.command(url, "SELECT 1"))[:-2], "-Atc", "SELECT current_database()"]) == [name]


def test_a_role_without_its_database_is_not_made_anew(wanted: Wanted) -> None:
    wanted.server.execute("CREATE ROLE {} LOGIN", wanted.role)
    plan = plans.plan(wanted.url.replace("@", ":word@", 1), extensions=UNTRUSTED)
    assert plan.statements[0].startswith("CREATE DATABASE ") and "password" not in "".join(plan.statements)


def test_a_superusers_role_makes_its_database_itself(wanted: Wanted) -> None:
    wanted.server.execute("CREATE ROLE {} LOGIN SUPERUSER", wanted.role)
    assert plans.carry_out(wanted.url, plans.plan(wanted.url, extensions=UNTRUSTED)).made[0].startswith("the database")


@pytest.mark.parametrize(
    ("role", "database", "kind", "why"),
    [
        ("chatai", "template1", NotPermitted, "as a copy of it"),
        ("chatai", "template0", NotPermitted, "as a copy of it"),
        ("pg_evil", "chatai", Misconfigured, "begins with pg_"),
        ("public", "chatai", Misconfigured, "keeps it for itself"),
        ("none", "chatai", Misconfigured, "keeps it for itself"),
        ("ж" * 32, "chatai", Misconfigured, "longer than 63 bytes"),
        ("chatai", "d" * 64, Misconfigured, "longer than 63 bytes"),
        ("chatai", "a\nb", Misconfigured, "line end"),
    ],
)
def test_names_that_cannot_be_are_refused_before_anything_is_made(
    role: str, database: str, kind: type[ChataiError], why: str, server: PostgreSQL
) -> None:
    with pytest.raises(kind) as caught:
        plans.plan(server.url(database, user=role), Administrator(server.url("postgres")), extensions=[])
    assert why in caught.value.why and caught.value.hint.startswith("DATABASE_URL=")


def test_the_database_in_which_tools_begin_is_pointed_out(server: PostgreSQL) -> None:
    plan = plans.plan(server.url("postgres"), extensions=[])
    assert plan.remarks == [
        "Tools begin in the database postgres, whatever they are for: one of ChatAI's own is better."
    ]


def test_a_database_without_the_schema_public_gets_one(wanted: Wanted) -> None:
    wanted.server.execute("CREATE ROLE {} LOGIN", wanted.role)
    wanted.server.execute("CREATE DATABASE {} OWNER {}", wanted.database, wanted.role)
    wanted.server.execute("DROP SCHEMA public", at=wanted.database)
    told = told_to_psql(plans.plan(wanted.url, extensions=UNTRUSTED))
    assert told[1] == "CREATE SCHEMA IF NOT EXISTS public;"
    assert made(wanted).made[0] == "the schema public"
    assert made(wanted).made == []


def test_a_role_whom_the_database_does_not_let_in_is_no_wrong_password(wanted: Wanted) -> None:
    made(wanted)
    wanted.server.execute("ALTER DATABASE {} OWNER TO postgres", wanted.database)
    wanted.server.execute("REVOKE CONNECT ON DATABASE {} FROM PUBLIC", wanted.database)
    plan = plans.plan(wanted.url, extensions=UNTRUSTED)
    assert plan.refusal is not None and "permission denied for database" in plan.refusal.why
    assert "the right to connect" in made(wanted).made


def test_what_alone_is_lacking_is_told_alone(wanted: Wanted) -> None:
    made(wanted)
    with wanted.superuser.session(wanted.database) as superuser:
        superuser.run("DROP EXTENSION pgstattuple")
    plan = plans.plan(wanted.url, extensions=UNTRUSTED)
    assert plan.refusal is not None
    statement = 'CREATE EXTENSION IF NOT EXISTS "pgstattuple" WITH SCHEMA public'
    assert plan.refusal.why.endswith(f"\\connect {identifier(wanted.database)} \\\\\n{statement};")
    directory = parse_dsn(wanted.url)["host"]
    words = ["psql", "-U", "postgres", "-h", directory, "-d", wanted.database, "-c", statement]
    assert plan.refusal.hint == shlex.join(words)
    assert run(shlex.split(plan.refusal.hint)) == ["CREATE EXTENSION"]
    with wanted.superuser.session(wanted.database) as superuser:
        superuser.run("DROP EXTENSION pgstattuple")
    assert made(wanted).made == ["the extension pgstattuple"]


def test_a_trusted_extension_needs_no_superuser(wanted: Wanted) -> None:
    made(wanted)
    plan = plans.plan(wanted.url, extensions=["pg_trgm"])
    assert plans.carry_out(wanted.url, plan).made == ["the extension pg_trgm"]


def test_an_extension_that_is_not_installed_is_named_before_anything_is_made(wanted: Wanted) -> None:
    with pytest.raises(Misconfigured) as caught:
        plans.plan(wanted.url, wanted.superuser, extensions=["no_such_extension"])
    major = str(wanted.server.execute("SELECT current_setting('server_version_num')::int / 10000")[0][0])
    assert caught.value.hint == f"apt install postgresql-{major}-no_such_extension"
    assert not wanted.server.execute(f"SELECT 1 FROM pg_database WHERE datname = '{wanted.database}'")


def test_in_somebody_elses_database_the_right_is_granted_and_its_owner_stays(wanted: Wanted) -> None:
    wanted.server.execute("CREATE DATABASE {}", wanted.database)
    wanted.server.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC", at=wanted.database)
    wanted.server.execute("REVOKE CONNECT ON DATABASE {} FROM PUBLIC", wanted.database)
    ready = made(wanted)
    assert ready.made[:3] == [f"the role {wanted.role}", "the right to connect", "the right to make tables"]
    assert (
        wanted.value("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()") == "postgres"
    )
    assert made(wanted).made == []


def test_a_role_that_may_not_log_in_is_let_in(wanted: Wanted) -> None:
    wanted.server.execute("CREATE ROLE {}", wanted.role)
    assert "its right to log in" in made(wanted).made


def test_several_at_once_are_no_error(wanted: Wanted) -> None:
    plan = plans.plan(wanted.url, wanted.superuser, extensions=UNTRUSTED)
    results: list[plans.Ready] = []
    threads = [threading.Thread(target=lambda: results.append(plans.carry_out(wanted.url, plan))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert sorted(len(ready.made) > 2 for ready in results) == [False, False, False, True]


def test_who_was_killed_half_way_goes_on_where_he_was(wanted: Wanted) -> None:
    wanted.server.execute("CREATE ROLE {} LOGIN", wanted.role)
    wanted.server.execute("CREATE DATABASE {} OWNER {}", wanted.database, wanted.role)
    assert made(wanted).made[0].startswith(("the right", "the extension"))


def test_an_administrator_who_is_no_superuser_makes_what_he_may(wanted: Wanted) -> None:
    name = f"admin {uuid.uuid4().hex[:8]}"
    wanted.server.execute("CREATE ROLE {} LOGIN CREATEROLE CREATEDB", name)
    try:
        administrator = Administrator(wanted.server.url("postgres", user=name))
        plan = plans.plan(wanted.url, administrator, extensions=[])
        assert any(statement.startswith("GRANT ") and name in statement for statement in plan.statements)
        assert plans.carry_out(wanted.url, plan).made[-1] == "the right to make tables"
        with pytest.raises(AccessRefused):
            plans.carry_out(wanted.url, plans.plan(wanted.url, administrator, extensions=UNTRUSTED))
    finally:
        wanted.server.execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", wanted.database)
        wanted.server.execute("DROP OWNED BY {} CASCADE", wanted.role)
        wanted.server.execute("DROP ROLE {}", wanted.role)
        wanted.server.execute("DROP ROLE {}", name)


def test_a_server_that_does_not_answer_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        plans.plan(f"postgresql://chatai@/chatai?host={tmp_path}")
    with pytest.raises(Unavailable):
        plans.plan(f"postgresql://chatai@/chatai?host={tmp_path}", Administrator(f"postgresql://a@/b?host={tmp_path}"))


@pytest.mark.parametrize("url", ["postgresql://postgres:secret@h/d", "postgresql://h/d?user=p&password=secret"])
def test_a_password_is_no_argument(url: str) -> None:
    with pytest.raises(Misused) as caught:
        administrators.given(url, as_argument=True)
    assert "secret" not in str(caught.value) and "--admin-url-file" in caught.value.hint
    assert "secret" not in str(administrators.given(url, as_argument=False))


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://h/d", "postgresql://h:port/d", "postgresql://h/d?no=1"])
def test_garbage_is_no_address(url: str) -> None:
    with pytest.raises(Misused) as caught:
        administrators.given(url, as_argument=True)
    assert caught.value.what == "--admin-url is not a PostgreSQL address."


@pytest.fixture
def peering(cluster: Cluster) -> Cluster:
    """As Debian sets it up: by the word of the system for who asks (peer), but ChatAI's role by its password."""
    cluster.settings["log_statement"] = "all"
    cluster.start()
    with Session(cluster.url, application="psql") as superuser:
        superuser.run(f'CREATE ROLE "{cluster.directory.owner()}" SUPERUSER LOGIN')
        rules = "local all chatai scram-sha-256\nlocal all all peer\n"
        (cluster.directory / "data" / "pg_hba.conf").write_text(rules)
        superuser.run("SELECT pg_reload_conf()")
    return cluster


def test_the_owner_of_the_socket_makes_it_and_sends_no_password_and_sets_another_when_told(peering: Cluster) -> None:
    url = f"postgresql://chatai:hush%40hush@/chatai?host={peering.directory}"
    plan = plans.plan(url, extensions=UNTRUSTED)
    assert plan.refusal is None
    assert plan.steps[0].startswith(f"By the role {peering.directory.owner()} ")
    assert plan.statements[0] == 'CREATE ROLE "chatai" LOGIN'
    assert plan.statements[-1].endswith('\n\\password "chatai"')
    uid = os.geteuid()
    assert len(plans.carry_out(url, plan).made) == 5
    assert os.geteuid() == uid
    log = (peering.directory / "log").read_text()
    assert "SCRAM-SHA-256$" in log and "hush" not in log
    second = url.replace("hush%40hush", "second")
    with pytest.raises(AccessRefused) as caught:
        plans.plan(second, extensions=UNTRUSTED)
    assert caught.value.hint == "chatai db setup --set-password"
    plan = plans.plan(second, extensions=UNTRUSTED, set_password=True)
    assert plan.statements[0] == 'ALTER ROLE "chatai" LOGIN' and len(plan.statements) == 2
    assert plans.carry_out(second, plan).made == ["its password"]
    with pytest.raises(AccessRefused):
        plans.plan(url, extensions=UNTRUSTED)


def test_a_superuser_may_set_his_own_password(databases: PostgreSQL) -> None:
    name = f"super{uuid.uuid4().hex[:8]}"
    databases.execute("CREATE ROLE {} LOGIN SUPERUSER", name)
    try:
        url = databases.url("chatai_template", user=f"{name}").replace(f"//{name}@", f"//{name}:word@")
        assert plans.plan(url, extensions=[], set_password=True).todo[0].thing == "its password"
    finally:
        databases.execute("DROP ROLE {}", name)


def test_vector_and_what_slow_queries_need(databases: PostgreSQL) -> None:
    wanted = Wanted(databases, f"v{uuid.uuid4().hex[:8]}", f"r{uuid.uuid4().hex[:8]}")
    try:
        ready = plans.carry_out(wanted.url, plans.plan(wanted.url, wanted.superuser))
        assert ready.made[-2:] == ["the extension vector", "the extension pg_stat_statements"]
        assert ready.notes == []
        with wanted.superuser.session(wanted.database) as superuser:
            superuser.run("DROP EXTENSION pg_stat_statements")
            superuser.run("CREATE SCHEMA elsewhere")
            superuser.run("ALTER EXTENSION vector SET SCHEMA elsewhere")
        plan = plans.plan(wanted.url)
        assert plan.statements == []
        with pytest.raises(NotFound) as caught:  # the migrations would not find it either
            plans.carry_out(wanted.url, plan)
        assert 'type "vector" does not exist' in caught.value.why
    finally:
        databases.execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", wanted.database)
        databases.execute("DROP ROLE IF EXISTS {}", wanted.role)


def test_what_it_can_do_without_is_said(wanted: Wanted) -> None:
    options = "OWNER {} TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'"
    wanted.server.execute("CREATE ROLE {} LOGIN", wanted.role)
    wanted.server.execute("CREATE DATABASE {} " + options, wanted.database, wanted.role)
    notes = plans.carry_out(wanted.url, plans.plan(wanted.url, extensions=[])).notes
    assert notes[0] == "Its encoding is SQL_ASCII: not every message fits."
    assert "pg_stat_statements" in notes[1]
