"""Texts of statements are shown without what they may hide, however it is quoted and wherever it is cut off."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatai_core.database import statements

SECRET = "topSECRET"


def shown(query: str) -> str:
    text = statements.shown(query)
    assert text is not None
    return text


@pytest.mark.parametrize(
    "query",
    [
        "ALTER ROLE x PASSWORD 'topSECRET'",
        "alter role x password $$topSECRET$$",
        "alter role x password $a$it's $$ topSECRET$a$",
        r"ALTER ROLE x PASSWORD E'a\'topSECRET'",
        r"ALTER ROLE x PASSWORD 'a\'topSECRET'",  # standard_conforming_strings = off
        r"ALTER ROLE x PASSWORD U&'\0074opSECRET'",
        "ALTER ROLE x PASSWORD /* x */ 'topSECRET'",
        "ALTER ROLE x PASSWORD -- it's\n 'topSECRET'",
        "ALTER ROLE x PASSWORD /* /* */ it's */ 'topSECRET'",
        "ALTER ROLE x PASSWORD 'a'\n'topSECRET'",
        'ALTER ROLE x PASSWORD "topSECRET"',
        "SELECT 1 -- ALTER ROLE x PASSWORD 'topSECRET'",
        "do 'begin execute ''alter role p password ''''topSECRET'''' valid until now''; end'",
        "CREATE USER x ENCRYPTED PASSWORD 'topSECRET'",
        "CREATE SUBSCRIPTION s CONNECTION 'host=h password=topSECRET' PUBLICATION p",
        "CREATE USER MAPPING FOR x SERVER s OPTIONS (user 'u', password 'topSECRET')",
        "SELECT dblink_connect('host=h password=topSECRET')",
        "SELECT dblink_connect('postgresql://u:topSECRET@h/d')",
        "ALTER USER x PASSWORD 'SCRAM-SHA-256$4096:topSECRET'",
        "COPY t FROM PROGRAM 'curl -u me:topSECRET https://h'",
        "SET my.thing = 'topSECRET'",
        "EXECUTE log_in('topSECRET')",
        "SELECT 1; SET my.thing = 'topSECRET'",
        "SELECT '--'; SET my.thing = 'topSECRET'",
        "SELECT 'a\\'; SET my.thing = 'topSECRET'",
        "/* a */ -- b\n SET my.thing = 'topSECRET'",
        "INSERT INTO users (name, hashed_password) VALUES ('x', 'topSECRET')",
        "SELECT pgp_sym_encrypt('x', 'topSECRET')",
        "UPDATE ai_tokens SET value = 'topSECRET'",
    ],
)
def test_a_secret_is_not_shown(query: str) -> None:
    assert "SECRET" not in shown(query)
    assert "SECRET" not in statements.without_constants(query)
    for end in range(len(query)):  # as track_activity_query_size cuts it off
        assert SECRET[:4] not in shown(query[:end])


def test_the_statement_around_it_is() -> None:
    assert shown("ALTER ROLE bob PASSWORD $$x$$ VALID UNTIL 'never'") == "ALTER ROLE bob PASSWORD '…' VALID UNTIL '…'"
    assert shown('ALTER ROLE "Password" LOGIN') == 'ALTER ROLE "Password" LOGIN'


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 'it''s', $$a$$ FROM t WHERE b = E'x\\'y' /* why */",
        "  -- what\n(SELECT 'a' UNION SELECT 'b');",
        "WITH a AS (SELECT 'x') SELECT * FROM a",
        "INSERT INTO t VALUES ('a')",
        "VACUUM (ANALYZE) t",
        "",
    ],
)
def test_an_ordinary_query_keeps_its_constants(query: str) -> None:
    assert shown(query) == query


def test_without_constants_comments_and_names_stay() -> None:
    query = "SELECT /* 'a' */ \"b'c\", 'd', E'e\\n', U&'f', $g$h$g$, $1 -- 'i'"
    assert statements.without_constants(query) == "SELECT /* 'a' */ \"b'c\", '…', '…', '…', '…', $1 -- 'i'"


def test_what_is_hidden_stays_hidden() -> None:
    assert statements.shown(None) is None
    assert statements.begins(None) == "(hidden)"


FORMS = st.sampled_from(["plain", "escape", "unicode", "dollar", "tagged", "name", "body"])
GAPS = st.lists(st.sampled_from([" ", "\n", "\t", "/* it's */", "-- it's \"\n", "/* /* ' */ */"]), min_size=1)
AROUND = st.text(alphabet=string.printable + "é€'\"\\$", max_size=12)


def quoted(text: str, form: str) -> str:
    """The text as PostgreSQL reads it in this form."""
    plain = text.replace("'", "''")
    return {
        "plain": f"'{plain}'",
        "escape": "E'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'",
        "unicode": "U&'" + plain.replace("\\", "\\\\") + "'",
        "dollar": f"$${text.replace('$', '')}$$",
        "tagged": f"$ä$ {text} $ä$" if "$ä$" not in text else f"'{plain}'",
        "name": '"' + text.replace('"', '""') + '"',
        "body": "'" + f"begin execute 'set x = ''{plain}'''; end".replace("'", "''") + "'",
    }[form]


@given(word=st.sampled_from(["PASSWORD", "password", "PassWord"]), gaps=GAPS, form=FORMS, left=AROUND, right=AROUND)
def test_no_way_of_quoting_shows_it(word: str, gaps: list[str], form: str, left: str, right: str) -> None:
    query = f"ALTER ROLE x {word}{''.join(gaps)}{quoted(left + SECRET + right, form)} VALID UNTIL 'y'"
    assert SECRET not in shown(query)
    assert SECRET not in statements.without_constants(query)
    assert SECRET not in shown(query[: query.index(SECRET) + len(SECRET)])
