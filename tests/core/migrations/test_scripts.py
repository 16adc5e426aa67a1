"""The scripts of the checkout, as they are read without Alembic."""

import io
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

import chatai_core
from chatai_core.errors import Misconfigured, NotFound
from chatai_core.migrations import scripts

CHECKOUT = Path(chatai_core.__file__).parents[1]


def test_alembic_reads_the_same_chain() -> None:
    config = Config(stdout=io.StringIO())
    config.set_main_option("script_location", str(scripts.directory()))
    read = ScriptDirectory.from_config(config)
    theirs = [(script.revision, script.down_revision) for script in read.walk_revisions()]
    assert [(script.revision, script.down_revision) for script in reversed(scripts.chain())] == theirs
    assert read.get_current_head() == scripts.chain()[-1].revision


def test_every_script_says_what_it_does_and_when_it_was_written() -> None:
    assert all(script.message and script.date and script.date.tzinfo for script in scripts.chain())


def test_the_directory_is_no_package() -> None:
    """An __init__.py would shadow the library of the same name."""
    assert not list((CHECKOUT / "alembic").rglob("__init__.py"))


def test_a_revision_is_known_by_its_first_letters() -> None:
    assert scripts.target(scripts.chain()[0].revision, now=scripts.BASE) == 0
    with pytest.raises(NotFound, match="revisions begin with it"):
        scripts.target("000", now=scripts.BASE)


@pytest.mark.parametrize(
    ("wanted", "now", "place"), [("head", -1, len(scripts.chain()) - 1), ("base", 0, -1), ("+1", -1, 0), ("-1", 0, -1)]
)
def test_a_target_may_be_relative(wanted: str, now: int, place: int) -> None:
    assert scripts.target(wanted, now=now) == place


@pytest.mark.parametrize("wanted", ["nothing", "", "+99", "-1", "00 01", "%"])
def test_what_is_no_revision_is_not_found(wanted: str) -> None:
    with pytest.raises(NotFound) as caught:
        scripts.target(wanted, now=scripts.BASE)
    assert caught.value.hint == "chatai migrate history"


def test_a_revision_of_another_version_is_told_from_a_wrong_one() -> None:
    with pytest.raises(Misconfigured, match="does not know"):
        scripts.position("beef")
