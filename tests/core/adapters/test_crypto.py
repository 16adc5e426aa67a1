"""Secrets at rest: what was sealed for a row opens there, with that key, unchanged, and nowhere else."""

import pytest

from chatai_core.adapters.crypto import Cipher
from chatai_core.errors import BadData


def test_what_was_sealed_opens_in_its_row() -> None:
    cipher = Cipher("key")
    assert cipher.open(cipher.seal("sk-Привет", row="t:1"), row="t:1") == "sk-Привет"


def test_the_same_value_is_never_sealed_alike() -> None:
    cipher = Cipher("key")
    assert cipher.seal("x", row="t:1") != cipher.seal("x", row="t:1")


def test_a_value_moved_to_another_row_does_not_open() -> None:
    cipher = Cipher("key")
    with pytest.raises(BadData, match="damaged"):
        cipher.open(cipher.seal("x", row="t:1"), row="t:2")


def test_another_key_is_named_as_the_reason() -> None:
    sealed = Cipher("old").seal("x", row="t:1")
    with pytest.raises(BadData) as caught:
        Cipher("new").open(sealed, row="t:1")
    assert Cipher("old").key_id in caught.value.why


@pytest.mark.parametrize("damage", [lambda s: s[:-2], lambda s: s[:-6] + "AAAAAA", lambda s: "sk-plain", lambda s: ""])
def test_damage_is_noticed(damage) -> None:  # type: ignore[no-untyped-def]
    cipher = Cipher("key")
    with pytest.raises(BadData):
        cipher.open(damage(cipher.seal("x" * 40, row="t:1")), row="t:1")


def test_a_fingerprint_tells_equal_values_under_one_key_only() -> None:
    assert Cipher("a").fingerprint("x") == Cipher("a").fingerprint("x")
    assert Cipher("a").fingerprint("x") != Cipher("b").fingerprint("x")
    assert Cipher("a").fingerprint("x") != Cipher("a").fingerprint("y")
