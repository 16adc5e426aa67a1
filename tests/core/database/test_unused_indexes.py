"""Unused indexes: what may go and how it is proved; each case in which other tools are wrong is built for real."""

import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chatai_core.adapters.postgres import READ_ONLY, Database
from chatai_core.database import index_evidence, snapshots, unused_indexes
from chatai_core.database.index_evidence import Evidence, Use, Witness
from chatai_core.database.unused_indexes import Tie, UnusedIndex, judge
from chatai_core.errors import Misused
from chatai_core.findings import Rows
from tests.core.database.builds import building, leave_invalid, typed
from tests.core.database.roles import seen_by_a_role
from tests.core.database.standbys import Standby, standby_of
from tests.core.database.vectors import with_vectors
from tests.servers.clusters import Cluster

SOON = 1e-9  # days after which a test takes an index for unused
Ask = Callable[..., Rows[UnusedIndex]]


@pytest.fixture
def ask(reports: Database, tmp_path: Path) -> Ask:
    """The report, for which a moment is long enough."""

    def judged(**given: Any) -> Rows[UnusedIndex]:
        return unused_indexes.judged(reports, tmp_path, **{"min_age_days": SOON, **given})

    return judged


def prepare(database: Database) -> None:
    """A table that is large enough for an index."""
    database.execute("CREATE TABLE t AS SELECT g AS a, g AS b, md5(g::text) AS c FROM generate_series(1, 5000) AS g")
    database.execute("ANALYZE t")


def use(database: Database, condition: str) -> None:
    """One scan of an index of t."""
    with database.connection() as connection, connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL enable_seqscan = off; SELECT * FROM t WHERE {condition}")
    database.value("SELECT pg_stat_force_next_flush()")


def verdicts(found: list[UnusedIndex]) -> dict[str, str]:
    return {index.index: index.verdict for index in found}


def test_the_first_time_nothing_is_proved_and_then_it_is(any_database: Database, ask: Ask) -> None:
    prepare(any_database)
    any_database.execute('CREATE INDEX "Лишний" ON t (a, b)')
    (first,) = ask()
    assert (first.verdict, first.scans, first.stats_age_days) == ("insufficient_evidence", 0, 0.0)
    assert first.reason.startswith("It is watched from now on.")
    (second,) = ask()
    assert second.verdict == "drop"
    assert second.drop_sql == 'DROP INDEX CONCURRENTLY public."Лишний";'
    assert second.undo_sql == 'CREATE INDEX CONCURRENTLY "Лишний" ON public.t USING btree (a, b);'
    (third,) = ask(min_age_days=14)
    assert third.verdict == "insufficient_evidence"
    assert "14 days without a scan would prove something." in third.reason


def test_no_age_wanted_is_no_proof_wanted(any_database: Database, ask: Ask) -> None:
    prepare(any_database)
    any_database.execute("CREATE INDEX i ON t (a); CREATE INDEX used ON t (b)")
    use(any_database, "b = 5")
    assert verdicts(ask(min_age_days=0)) == {"i": "drop"}
    assert verdicts(ask(min_age_days=0, every=True)) == {"i": "drop", "used": "keep"}


def test_an_index_that_finds_nothing_is_used(any_database: Database, ask: Ask) -> None:
    """The runbook went by idx_tup_read."""
    prepare(any_database)
    any_database.execute("CREATE INDEX i ON t (a)")
    use(any_database, "a = -1")
    ask()
    assert ask() == []
    (shown,) = ask(every=True)
    assert (shown.verdict, shown.reason, shown.scans, shown.drop_sql) == ("keep", "It is used.", 1, None)


def test_what_backs_a_constraint_stays(any_database: Database, ask: Ask) -> None:
    """PgHero, pg-extras, supabase and splinter list the exclusion constraint's."""
    any_database.execute("""
        CREATE TABLE "Room" (
            id int PRIMARY KEY, mail text UNIQUE, late text UNIQUE DEFERRABLE INITIALLY DEFERRED, span int4range,
            CONSTRAINT "No overlap" EXCLUDE USING gist (span WITH &&)
        )
    """)
    found = {index.index: index for index in ask(min_age_days=0)}
    assert set(verdicts(list(found.values())).values()) == {"keep"}
    assert set(found) == {"Room_pkey", "Room_mail_key", "Room_late_key", "No overlap"}
    assert found["No overlap"].reason == "It backs the constraint No overlap."
    assert all(index.drop_sql is None and index.undo_sql is None for index in found.values())


def test_what_keeps_rows_unique_is_referred_to_identifies_or_orders_them_stays(
    any_database: Database, ask: Ask
) -> None:
    prepare(any_database)
    any_database.execute("""
        CREATE UNIQUE INDEX only_one ON t (lower(c));
        CREATE UNIQUE INDEX target ON t (a);
        CREATE TABLE child (a int REFERENCES t (a));
        ALTER TABLE t ALTER b SET NOT NULL;
        CREATE UNIQUE INDEX identity ON t (b);
        ALTER TABLE t REPLICA IDENTITY USING INDEX identity;
        CREATE INDEX by_c ON t (c);
        ALTER TABLE t CLUSTER ON by_c
    """)
    found = {index.index: index for index in ask(min_age_days=0)}
    assert set(verdicts(list(found.values())).values()) == {"keep"}
    assert found["only_one"].reason == "It keeps its columns unique."
    assert found["target"].reason.startswith("The foreign key child_a_fkey refers to it.")
    assert "Logical replication knows the rows of its table by it." in found["identity"].reason
    assert found["by_c"].reason == "CLUSTER orders its table by it."


def test_what_supports_a_foreign_key_is_a_candidate_at_most(any_database: Database, ask: Ask) -> None:
    prepare(any_database)
    any_database.execute("""
        CREATE TABLE parent (x int, y int, PRIMARY KEY (x, y));
        ALTER TABLE t ADD CONSTRAINT "To parent" FOREIGN KEY (a, b) REFERENCES parent NOT VALID;
        CREATE INDEX supports ON t (b, a, c);
        CREATE INDEX does_not ON t (c, a, b)
    """)
    found = {index.index: index for index in ask(min_age_days=0)}
    assert found["supports"].verdict == "candidate"
    assert "It supports the foreign key To parent:" in found["supports"].reason
    assert found["supports"].drop_sql is not None
    assert found["does_not"].verdict == "drop"


def test_what_scans_say_nothing_about_is_a_candidate(any_database: Database, ask: Ask) -> None:
    prepare(any_database)
    any_database.execute("""
        CREATE INDEX expression ON t (lower(c));
        CREATE TABLE small AS SELECT 1 AS a; CREATE INDEX of_small ON small (a);
        ANALYZE
    """)
    found = {index.index: index for index in ask(min_age_days=0)}
    assert set(verdicts(list(found.values())).values()) == {"candidate"}
    assert "CREATE STATISTICS keeps them." in found["expression"].reason
    assert "Its table is so small" in found["of_small"].reason


def test_a_partitioned_index_is_one_with_the_scans_of_all_its_parts(any_database: Database, ask: Ask) -> None:
    any_database.execute("""
        CREATE TABLE t (a int, b int) PARTITION BY RANGE (a);
        CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (5000);
        CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (5000) TO (10000);
        CREATE INDEX used ON t (a); CREATE INDEX unused ON t (b);
        INSERT INTO t SELECT g, g FROM generate_series(0, 9999) g;
        ANALYZE t
    """)
    use(any_database, "a = 7")
    ask()
    (found,) = ask()
    assert (found.index, found.verdict) == ("unused", "drop")
    assert found.drop_sql == "DROP INDEX public.unused;"
    assert found.undo_sql is not None
    assert found.undo_sql.count("ATTACH PARTITION") == 2
    assert found.size_bytes == any_database.value("SELECT pg_indexes_size('t1') + pg_indexes_size('t2')") / 2
    assert "DROP INDEX locks its table and the partitions" in found.reason
    any_database.execute("CREATE TABLE t3 PARTITION OF t FOR VALUES FROM (10000) TO (20000)")
    assert verdicts(ask()) == {"unused": "drop"}, "a new partition is no new index"


def test_what_a_build_left_can_go_at_once_and_one_that_runs_stays(
    any_database: Database, any_url: str, ask: Ask
) -> None:
    prepare(any_database)
    any_database.execute("CREATE UNIQUE INDEX i ON t (a)")
    leave_invalid(any_url, "t", "REINDEX INDEX CONCURRENTLY i")
    found = {index.index: index for index in ask(min_age_days=14)}
    assert found["i_ccnew"].verdict == "drop"
    assert found["i_ccnew"].reason == "A REINDEX CONCURRENTLY that did not end has left it: only writes use it."
    with building(any_url, "t", 'CREATE INDEX CONCURRENTLY "New" ON t (b)'):
        found = {index.index: index for index in ask()}
        assert (found["New"].verdict, found["New"].reason) == ("keep", "It is being built.")
        with seen_by_a_role(any_database) as seen:
            blind = unused_indexes.judged(seen, Path("/nonexistent"), min_age_days=SOON)
            assert {index.verdict for index in blind if index.index == "New"} == {"insufficient_evidence"}
    found = {index.index: index for index in ask()}
    assert found["New"].verdict == "drop"
    assert found["New"].drop_sql is not None
    typed(any_url, *(index.drop_sql or "" for index in found.values() if index.verdict == "drop"))


def test_a_reset_takes_the_proof_away(any_database: Database, ask: Ask) -> None:
    prepare(any_database)
    any_database.execute("CREATE INDEX i ON t (a)")
    ask()
    assert verdicts(ask()) == {"i": "drop"}
    any_database.value("SELECT pg_stat_reset()")
    assert verdicts(ask()) == {"i": "insufficient_evidence"}


def test_a_crash_takes_the_proof_away_although_the_server_says_it_was_never_reset(
    cluster: Cluster, tmp_path: Path
) -> None:
    """postgres-checkup, supabase and PgHero would say: never reset, never used."""
    database = Database(cluster.start().url)
    prepare(database)
    database.execute("CREATE INDEX i ON t (a)")
    use(database, "a = 5")
    seen = Database(cluster.url, settings=READ_ONLY)
    unused_indexes.judged(seen, tmp_path, min_age_days=SOON)
    database.execute("CHECKPOINT")
    for opened in (database, seen):
        opened.close()
    cluster.stop(signal.SIGQUIT).start()
    (found,) = unused_indexes.judged(seen, tmp_path, min_age_days=SOON)
    assert (found.index, found.scans, found.verdict) == ("i", 0, "insufficient_evidence")
    seen.close()


def test_an_index_made_again_under_its_name_begins_anew(any_database: Database, ask: Ask) -> None:
    prepare(any_database)
    any_database.execute("CREATE INDEX i ON t (a)")
    ask()
    assert verdicts(ask()) == {"i": "drop"}
    any_database.execute("DROP INDEX i; CREATE INDEX i ON t (a)")
    assert verdicts(ask()) == {"i": "insufficient_evidence"}


def test_a_standby_that_was_not_asked_may_use_it(cluster: Cluster, tmp_path: Path) -> None:
    cluster.settings["wal_level"] = "replica"
    database = Database(cluster.start().url)
    prepare(database)
    database.execute("CREATE INDEX there ON t (a); CREATE INDEX nowhere ON t (b)")

    def ask(*replicas: Database) -> Rows[UnusedIndex]:
        return unused_indexes.judged(database, tmp_path / "state", replicas=replicas, min_age_days=SOON)

    with standby_of(cluster) as standby:
        ask()
        found = ask()
        assert verdicts(found) == {"there": "candidate", "nowhere": "candidate"}
        assert "1 standby was not asked (--replica)." in found[0].reason
        assert "1 standby was not asked (--replica)." in (found.reading or "")
        replica = Database(standby.url, settings=READ_ONLY)
        use(replica, "a = 5")
        assert verdicts(ask(replica)) == {"nowhere": "insufficient_evidence"}, "it was seen for the first time"
        assert verdicts(ask(replica)) == {"nowhere": "drop"}
        _refuse_others(ask, database, standby)
        alone = unused_indexes.judged(replica, tmp_path / "other", min_age_days=0)
        assert "This server is a standby" in (alone.reading or "")
        assert verdicts(alone) == {"nowhere": "candidate"}
        replica.close()
    database.close()


def _refuse_others(ask: Callable[..., Any], database: Database, standby: Standby) -> None:
    with pytest.raises(Misused, match="is no standby"):
        ask(database)
    elsewhere = Database(standby.url.replace("@/postgres", "@/template1"), settings=READ_ONLY)
    with pytest.raises(Misused, match="is another database"):
        ask(elsewhere)
    elsewhere.close()


def test_a_password_is_refused_on_the_command_line_and_taken_from_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLICA_URL", "postgresql://u:secret@h/d")
    plain = "postgresql://u@h/d"
    assert index_evidence.addresses([plain, "REPLICA_URL"]) == [plain, "postgresql://u:secret@h/d"]
    for url in ("postgresql://u:secret@h/d", "postgresql://h/d?password=secret"):
        with pytest.raises(Misused) as refused:
            index_evidence.addresses([url])
        assert "secret" not in f"{refused.value.what}{refused.value.why}{refused.value.hint}"
    with pytest.raises(Misused, match="no environment variable NOWHERE"):
        index_evidence.addresses(["NOWHERE"])


def test_an_index_that_was_used_long_ago_is_a_candidate() -> None:
    evidence = Evidence(scans=5, counted_days=90, unused_days=60, last_scan=datetime(2026, 9, 1, tzinfo=UTC))
    verdict, reason = judge(AN_INDEX, {}, evidence, doubt=None, min_age_days=14)
    assert verdict == "candidate"
    assert reason == "No scan in 60 d 0 h. It was used before."
    lately = Evidence(scans=5, counted_days=90, unused_days=13, last_scan=None)
    assert judge(AN_INDEX, {}, lately, doubt=None, min_age_days=0) == ("keep", "It is used.")


def test_a_standby_whose_clock_is_ahead_has_seen_nothing_and_not_less() -> None:
    now = datetime(2026, 9, 1, tzinfo=UTC)
    one, two = (
        Witness(a_snapshot(taken_at), {1: Use(0, taken_at, taken_at)}, 0)
        for taken_at in (now, now + timedelta(seconds=90))
    )
    evidence = index_evidence.about(AN_INDEX, [one, two])
    assert (evidence.counted_days, evidence.unused_days) == (0, 0)
    assert not judge(AN_INDEX, {}, evidence, doubt=None, min_age_days=14)[1].startswith("No scan in")


def test_what_holds_it_weighs_more_than_proof() -> None:
    proved = Evidence(scans=0, counted_days=90, unused_days=90)
    assert judge(AN_INDEX, {}, proved, doubt=None, min_age_days=14)[0] == "drop"
    for tie in ("constraint", "referenced", "replica identity", "clustered"):
        held = {tie: [Tie(tie, [1], 2, "x")]}
        assert judge(AN_INDEX, held, proved, doubt=None, min_age_days=14)[0] == "keep"


def test_a_vector_index_says_what_its_loss_means(any_database: Database, ask: Ask) -> None:
    with_vectors(any_database)
    (found,) = (index for index in ask(min_age_days=0) if index.index == "chunks_hnsw")
    assert "Without it a search for the nearest vectors compares all of them" in found.reason
    assert "vector_cosine_ops" in (found.undo_sql or "")


def test_a_locked_table_takes_nothing_but_the_statements_away(any_database: Database, ask: Ask) -> None:
    prepare(any_database)
    any_database.execute("CREATE INDEX i ON t (a)")
    ask()
    with any_database.connection() as connection, connection.cursor() as cursor:
        cursor.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        (found,) = ask()
    assert (found.verdict, found.drop_sql) == ("drop", None)
    assert found.reason.endswith("It is locked or gone: its definition cannot be read.")


def test_a_role_without_any_right_gets_the_same_answer(any_database: Database, ask: Ask, tmp_path: Path) -> None:
    prepare(any_database)
    any_database.execute("CREATE SCHEMA closed; CREATE TABLE closed.t AS SELECT 1 AS a; CREATE INDEX i ON closed.t (a)")
    any_database.execute("CREATE INDEX j ON t (a)")
    with seen_by_a_role(any_database) as seen:
        found = unused_indexes.judged(seen, tmp_path, min_age_days=0)
        expected = ask(min_age_days=0)
    assert [(row.index, row.verdict, row.undo_sql) for row in found] == [
        (row.index, row.verdict, row.undo_sql) for row in expected
    ]


def test_filters_and_order(any_database: Database, ask: Ask) -> None:
    any_database.execute("CREATE SCHEMA s; CREATE TABLE s.x (a int PRIMARY KEY)")
    prepare(any_database)
    any_database.execute("CREATE INDEX large ON t (c, a); CREATE INDEX less ON t (b)")
    assert [index.index for index in ask(min_age_days=0)] == ["large", "less", "x_pkey"]
    assert [index.index for index in ask(min_age_days=0, limit=1)] == ["large"]
    assert [index.index for index in ask(schema="s")] == ["x_pkey"]
    assert [index.index for index in ask(names=["s.x"])] == ["x_pkey"]
    assert [index.index for index in ask(least_bytes=50_000)] == ["large", "less"]


def test_no_index_at_all_is_told_with_the_age_of_the_counters(ask: Ask) -> None:
    found = ask()
    assert found == []
    assert (found.reading or "").startswith("Counted since ")


def test_temporary_tables_of_others_are_not_shown(any_url: str, ask: Ask) -> None:
    other = Database(any_url)
    other.execute("CREATE TEMPORARY TABLE passing (a int PRIMARY KEY)")
    assert ask() == []
    other.close()


def a_snapshot(taken_at: datetime) -> snapshots.Snapshot:
    return snapshots.Snapshot(
        version=1, taken_at=taken_at, counters_since=taken_at, stats_reset=None, timeline="1",
        database_bytes=0, indexes={}, sequences={},
    )  # fmt: skip


AN_INDEX = unused_indexes.Index(
    schema="public", table="t", index="i", method="btree", size_bytes=8192, scans=0, state="valid", last_scan=None,
    is_unique=False, is_primary=False, constraint=None, is_partial=False, has_expressions=False, partitions=0,
    tablespace=None, options=None, progress=None, oid=1, table_oid=2,
)  # fmt: skip
