"""How long it takes to survey a database of a hundred relations, and one of ten thousand."""

from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2

from benchmarks import ours, peers
from benchmarks.processes import Program, timed
from benchmarks.report import Bar, Chapter, Row

PEER = Path(__file__).with_name("pgextras_peer.py")
RELATIONS = {100: "hundred", 10_000: "ten_thousand"}
BARS = {"chatai db health, 10000 relations": Bar(1500)}
STORY = """\
The whole of `chatai db health`, process and all, beside `pgextras` asking everything it can (its blocking, calls,
outliers, ps and long_running_queries do not know today's PostgreSQL and fail at once; python-pg-extras itself,
`pg-extras` 0.1.4 on PyPI, was published without its SQL files and can ask nothing). A table with three indexes counts
as four relations; each holds a hundred rows and has been analyzed. One row is a single report on the larger one."""

_RELATIONS = """
DO $$ BEGIN FOR n IN 1..{tables} LOOP
EXECUTE format('CREATE TABLE t%s (id serial PRIMARY KEY, a int, b text)', n);
EXECUTE format('INSERT INTO t%s (a, b) SELECT g, md5(g::text) FROM generate_series(1, {rows}) g', n);
EXECUTE format('CREATE INDEX ON t%s (a)', n);
EXECUTE format('CREATE INDEX ON t%s (b, a)', n);
IF n % 100 = 0 THEN COMMIT; END IF;
END LOOP; END $$
"""


def measure(directory: Path) -> Chapter:
    """Measure in a directory that may be thrown away; the peers in it are used again when they are there."""
    commands = peers.installed(directory / "pgextras", ["pgextras", "psycopg2-binary"])
    chatai = str(ours.compiled(directory / "ours"))
    with ours.servers(directory / "home") as environment:
        programs: dict[str, Program] = {}
        for relations, name in RELATIONS.items():
            url = _made(environment["DATABASE_URL"], name, relations)
            mine = {**environment, "DATABASE_URL": url}
            # 1: the database has no snapshots yet, so some verdicts may be warnings; anything else would be a failure
            programs[f"chatai db health, {relations} relations"] = Program(
                [chatai, "db", "health"], mine, any_verdict=True
            )
            programs[f"pgextras, {relations} relations"] = Program([str(commands / "python"), str(PEER), url])
        programs["chatai db tables, 10000 relations"] = Program([chatai, "db", "tables", "-n", "20"], mine)
        programs["chatai db unused-indexes, 10000 relations"] = Program([chatai, "db", "unused-indexes"], mine)
        runs = timed(programs, directory)
    return Chapter("Database", STORY, [Row(name, times, BARS.get(name)) for name, times in runs.items()])


def _made(url: str, name: str, relations: int) -> str:
    """The URL of a database with so many relations."""
    there = urlsplit(url)._replace(path=f"/{name}").geturl()
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            cursor.execute(f"CREATE DATABASE {name}")
    with closing(psycopg2.connect(there)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(_RELATIONS.format(tables=relations // 4, rows=100))
            cursor.execute("ANALYZE")
            cursor.execute("CREATE EXTENSION pg_stat_statements")
    return there
