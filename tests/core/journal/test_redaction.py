import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatai_core.journal import redact
from chatai_core.journal.redaction import is_secret

OPENAI = "sk-proj-abcDEF0123456789_-abcDEF0123456789wxyz"
TELEGRAM = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw_"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        (f"key {OPENAI} refused", "key sk-…wxyz refused"),
        (f"POST https://api.telegram.org/bot{TELEGRAM}/getMe", "POST https://api.telegram.org/bot…saw_/getMe"),
        (f"/webhook/{TELEGRAM.replace(':', '%3A')}", "/webhook/…saw_"),
        ("postgresql://chatai:s3cr:t@p@db:5432/chat", "postgresql://chatai:…@db:5432/chat"),
        ("redis://:hunter2@cache:6379/0", "redis://:…@cache:6379/0"),
        (f"token {JWT}", "token eyJ…sR8U"),
        (f"Authorization: Bearer {OPENAI}", "Authorization: Bearer …wxyz"),
        ("{'Authorization': 'Basic dXNlcjpwYXNz'}", "{'Authorization': 'Basic …'}"),
        ("sent Basic dXNlcjpwYXNzd29yZA==", "sent Basic …"),
        ("[(b'authorization', b'Bearer 0123456789abcdef')]", "[(b'authorization', b'Bearer …cdef')]"),
        ("sent Bearer 0123456789abcdef", "sent Bearer …cdef"),
        ("host=db password=hunter2 user=me", "host=db password=… user=me"),
        ("PGPASSWORD='two words' psql", "PGPASSWORD='…' psql"),
        ('{"password": "a \\"quoted\\" one", "email": "a@b.c"}', '{"password": "…", "email": "a@b.c"}'),
        ("SECRET_KEY=abc,def", "SECRET_KEY=…"),
        ("client_secret: abcdef", "client_secret: …"),
        ("/login?password=x%20y&user=z", "/login?password=…&user=z"),
        ("OPENAI_API_KEY=whatever", "OPENAI_API_KEY=…"),
        (f"\x1b[31m{OPENAI}\x1b[0m", "\x1b[31msk-…wxyz\x1b[0m"),
        (repr(f"\n{OPENAI}\n{JWT}"), r"'\nsk-…wxyz\neyJ…sR8U'"),
        ("X-Chatai-Key: 0123", "X-Chatai-Key: …"),
        ("?access_token=0123456789&x=1", "?access_token=…&x=1"),
    ],
)
def test_a_secret_is_masked(text: str, redacted: str) -> None:
    assert redact(text) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "/api/admin/ai-tokens GET 200 user=17 ip=2001:db8::1 request_id=0123456789abcdef0123456789abcdef duration=5ms",
        "2025-09-04 10:15:00,123 max_tokens=400 tokens=12345678",
        "Invalid password for user: a@b.c",
        "Bearer authentication failed, basic access denied",
        "risk-assessment-of-the-whole-company",
        "http://127.0.0.1:8000/path?mail=a@b.c",
        "    password = get_password(settings)",
        "the room is booked: 12345:short",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize("edge", [" ", "\n", "\\n", "_", '"', "\x1b[1;31m", "=", "/"])
@pytest.mark.parametrize("secret", [OPENAI, TELEGRAM, JWT])
@given(before=st.text(), after=st.text())
def test_a_key_is_found_between_any_neighbours(secret: str, edge: str, before: str, after: str) -> None:
    assert secret[:-4] not in redact(f"{before}{edge}{secret}\n{after}")


@given(
    st.lists(
        st.sampled_from(["password=", "secret: ", "token=", "://u:", "@h", OPENAI, TELEGRAM, JWT, "Bearer ", "…", '"'])
        | st.text(max_size=20)
    ).map("".join)
)
@example("password='…")
def test_redacting_twice_changes_nothing(text: str) -> None:
    assert redact(redact(text)) == redact(text)


@pytest.mark.parametrize("field", ["password", "hashed_password", "PASSWORD", "client_secret", "bot_token", "api_key"])
def test_a_field_is_known_to_be_secret_by_its_name(field: str) -> None:
    assert is_secret(field)


@pytest.mark.parametrize("field", ["email", "max_tokens", "password_changed", "keyboard", "ai_tokens"])
def test_a_field_is_not_taken_for_a_secret(field: str) -> None:
    assert not is_secret(field)


@pytest.mark.parametrize("piece", ["://", "sk-", "eyJ", "password ", "1", "bearer ", "a:", "token=", "secret: "])
def test_a_hostile_text_of_a_megabyte_takes_no_second(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    began = time.process_time()
    redact(text)
    assert time.process_time() - began < 2
