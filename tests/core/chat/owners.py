"""Users with an assistant that has a bot."""

from dataclasses import dataclass

from chatai_core.adapters.postgres import Database


@dataclass(frozen=True, slots=True)
class Owner:
    """Numbers of a user, of their assistant, and of its bot."""

    user_id: int
    assistant_id: int
    bot_id: int


def make_owner(database: Database, email: str) -> Owner:
    """A user with an assistant that has a bot."""
    user = database.value(
        "INSERT INTO users (email, hashed_password) VALUES (%(email)s, '-') RETURNING id", email=email
    )
    assistant = database.value(
        "INSERT INTO assistants (user_id, name, system_prompt) VALUES (%(user)s, 'Ann', 'Be kind.') RETURNING id",
        user=user,
    )
    bot = database.value(
        "INSERT INTO bot_instances (user_id, assistant_id) VALUES (%(user)s, %(assistant)s) RETURNING id",
        user=user,
        assistant=assistant,
    )
    return Owner(user, assistant, bot)
