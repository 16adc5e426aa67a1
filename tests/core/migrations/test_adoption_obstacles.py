"""What somebody has put into a former ChatAI's database: refused by name before anything is done, or respected."""

import uuid

import pytest

from chatai_core import migrations
from chatai_core.errors import Misconfigured
from chatai_core.migrations.adoption.former import NOTES
from tests.core.migrations import former
from tests.core.migrations.test_adoption import CIPHER, TERMS, adopt, asked, rules
from tests.core.migrations.test_change import schema
from tests.servers.databases import Databases

RAISING = "CREATE FUNCTION raising() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not now'; END $$"
GUARD = "CREATE TRIGGER guard BEFORE UPDATE OR INSERT ON {} FOR EACH ROW EXECUTE FUNCTION raising()"


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        (
            "ALTER TABLE users ADD joined timestamp GENERATED ALWAYS AS (created_at + interval '1 day') STORED",
            "column joined of table users uses users.created_at",
        ),
        (
            "ALTER TABLE ai_token_pool ADD copied text GENERATED ALWAYS AS (lower(token)) STORED",
            "column copied of table ai_token_pool uses ai_token_pool.token",
        ),
        (
            f"{RAISING}; {GUARD.format('dialogs').replace('UPDATE', 'UPDATE OF started_at').replace('guard', 'watch')}",
            "trigger watch on table dialogs uses dialogs.started_at",
        ),
        (
            "CREATE POLICY mine ON users USING (created_at IS NOT NULL)",
            "policy mine on table users uses users.created_at",
        ),
        (
            "CREATE PUBLICATION elsewhere FOR TABLE users WHERE (created_at IS NOT NULL)",
            "publication of table users in publication elsewhere uses users.created_at",
        ),
        (
            "CREATE INDEX per_day ON users ((created_at::date))",
            "users cannot be changed: functions in index expression",
        ),
        (
            "CREATE TABLE crm (email varchar REFERENCES users (email))",
            "the foreign key crm_email_fkey of crm needs uq_users_email, which goes",
        ),
        ("CREATE TABLE adoption_notes (id int)", "the name adoption_notes is taken by table adoption_notes"),
        ("CREATE VIEW ix_assistants_user_id AS SELECT 1", "ix_assistants_user_id is taken by view ix_assistants_user"),
        (
            "CREATE INDEX uq_bot_instances_bot_token_fingerprint ON payments (id)",
            "uq_bot_instances_bot_token_fingerprint is taken by index",
        ),
        (
            "CREATE RULE copying AS ON UPDATE TO ai_token_pool DO ALSO DELETE FROM payments",
            "rule copying on table ai_token_pool may copy what is written",
        ),
    ],
)
def test_what_would_stop_it_half_way_is_named_in_the_plan(spoilt: str, said: str, url: str) -> None:
    former.execute(url, spoilt)
    made = schema(url)
    with pytest.raises(Misconfigured) as caught:
        migrations.plan_upgrade(url, terms=TERMS)
    assert said in caught.value.why
    assert schema(url) == made


def test_triggers_do_not_fire_meanwhile_and_do_afterwards_as_they_did(url: str) -> None:
    former.execute(
        url,
        "CREATE TABLE copies (token text)",
        "CREATE FUNCTION copying() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO copies VALUES (OLD.token); RETURN NEW; END $$",
        'CREATE TRIGGER "Copy it" BEFORE UPDATE ON ai_token_pool FOR EACH ROW EXECUTE FUNCTION copying()',
        'ALTER TABLE ai_token_pool ENABLE ALWAYS TRIGGER "Copy it"',
        RAISING,
        GUARD.format("users"),
        GUARD.format("assistants"),
        "ALTER TABLE assistants DISABLE TRIGGER guard",
    )
    states = "SELECT tgrelid::regclass::text, tgname, tgenabled::text FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1"
    before = asked(url, states)
    assert [state for *_names, state in before] == ["A", "D", "O"]
    plan = migrations.plan_upgrade(url, terms=TERMS)
    assert any(
        "do not fire meanwhile" in said and "guard (users), Copy it (ai_token_pool)" in said for said in plan.remarks
    )
    adopt(url)
    assert asked(url, "SELECT count(*) FROM copies") == [(0,)]
    assert asked(url, states) == before
    assert migrations.check(url).status == "warning"  # the table copies


@pytest.mark.parametrize(
    ("odd", "mended"),
    [('"a\\u0000b"', "ab"), ('"\\ud83d"', ""), ('"\\ude00 \\ud83d\\ude00"', " 😀"), ("1e400000", None)],
)
def test_json_that_jsonb_refuses_is_mended_and_kept_as_text(odd: str, mended: str | None, url: str) -> None:
    text = '{"color": "#1", "path": "c:\\\\u0000", "odd": ' + odd + "}"
    former.execute(url, f"UPDATE assistants SET widget_settings = '{text}' WHERE id = 2")
    done = adopt(url)
    assert rules(done)["assistants", "widget_settings"] == 1
    expected = {} if mended is None else {"color": "#1", "path": "c:\\u0000", "odd": mended}
    assert asked(url, "SELECT widget_settings FROM assistants WHERE id = 2") == [(expected,)]
    assert asked(url, f"SELECT row_id, old_value FROM {NOTES} WHERE column_name = 'widget_settings'") == [(2, text)]


def test_a_key_that_json_has_twice_is_noted(url: str) -> None:
    text = '{"a": [{"b": 1, "b": 2}]}'
    former.execute(url, f"UPDATE assistants SET widget_settings = '{text}' WHERE id = 2")
    done = adopt(url)
    assert rules(done)["assistants", "widget_settings"] == 1
    assert asked(url, "SELECT widget_settings FROM assistants WHERE id = 2") == [({"a": [{"b": 2}]},)]
    assert asked(url, f"SELECT row_id, old_value FROM {NOTES} WHERE column_name = 'widget_settings'") == [(2, text)]


def test_the_keeper_gets_an_address_that_nobody_has(url: str) -> None:
    former.execute(
        url,
        "UPDATE users SET email = 'Keeper@chatai.invalid' WHERE id = 1",
        "UPDATE users SET email = 'keeper-2@chatai.invalid' WHERE id = 2",
        "UPDATE assistants SET user_id = NULL WHERE id = 500",
    )
    adopt(url)
    owner = "SELECT u.id > 500, u.email FROM assistants a JOIN users u ON u.id = a.user_id WHERE a.id = 500"
    assert asked(url, owner) == [(True, "keeper-3@chatai.invalid")]
    assert asked(url, "SELECT email FROM users WHERE id = 1") == [("Keeper@chatai.invalid",)]


def test_of_two_bots_with_one_token_the_one_in_use_keeps_it(url: str) -> None:
    former.execute(
        url,
        "UPDATE bot_instances SET is_active = NULL WHERE id = 1",
        "UPDATE bot_instances SET bot_token = (SELECT bot_token FROM bot_instances WHERE id = 1) WHERE id = 2",
        "UPDATE bot_instances SET bot_token = ' ' WHERE id = 3",
    )
    adopt(url)
    kept = asked(url, "SELECT is_active, bot_token FROM bot_instances WHERE id IN (1, 2) ORDER BY id")
    assert kept[0] == (False, None) and kept[1][0] is True
    assert CIPHER.open(kept[1][1], row="bot_instances:2").startswith("700000001:")
    notes = (
        f"SELECT row_id, column_name, old_value FROM {NOTES} WHERE table_name = 'bot_instances' AND row_id IS NOT NULL"
    )
    assert sorted(asked(url, notes)) == [(1, "is_active", None), (3, "bot_token", " ")]


def test_row_security_that_hides_rows_is_told(url: str, databases: Databases) -> None:
    """From their owner too, where it is forced."""
    role = f"owner_{uuid.uuid4().hex[:12]}"
    former.execute(url, "ALTER TABLE users ENABLE ROW LEVEL SECURITY", "ALTER TABLE users FORCE ROW LEVEL SECURITY")
    databases.execute("CREATE ROLE {} LOGIN NOSUPERUSER", role)
    name = asked(url, "SELECT current_database()")[0][0]
    try:
        for (table,) in asked(url, "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 2200"):
            databases.execute("ALTER TABLE {} OWNER TO {}", table, role, at=name)
        with pytest.raises(Misconfigured) as caught:
            migrations.plan_upgrade(databases.url(name, user=role), terms=TERMS)
        assert "row security hides rows of users from this role: give it BYPASSRLS" in caught.value.why
    finally:
        databases.execute("DROP OWNED BY {}", role, at=name)
        databases.execute("DROP ROLE {}", role)


def test_an_event_trigger_that_raises_is_told_by_the_plan(url: str) -> None:
    former.execute(
        url,
        "CREATE FUNCTION forbid() RETURNS event_trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'no DDL at noon'; END $$",
        "CREATE EVENT TRIGGER noon ON ddl_command_end EXECUTE FUNCTION forbid()",
    )
    with pytest.raises(Misconfigured, match="no DDL at noon"):
        migrations.plan_upgrade(url, terms=TERMS)
