"""The language of the sentences that people read.

Every sentence is written once, in English, inside ``_("…")``. A catalogue
``locale/<language>/LC_MESSAGES/chatai.mo`` beside this file translates all of them; the language is taken from
``CHATAI_LANG``, else from the locale variables (``LC_ALL``, ``LC_MESSAGES``, ``LANG``).
"""

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gettext import NullTranslations

_VARIABLES = ("CHATAI_LANG", "LC_ALL", "LC_MESSAGES", "LANG")


def _(sentence: str) -> str:
    """The sentence in the reader's language; English where the catalogue has none."""
    return _catalogue()(sentence) if sentence else ""


def plural(one: str, many: str, number: int) -> str:
    """The form of the sentence that the number asks for: 1 key, 2 keys."""
    language = _language()
    if language is None:
        return one if number == 1 else many
    return _translation(language).ngettext(one, many, number)


@functools.cache
def _catalogue() -> Callable[[str], str]:
    language = _language()
    return str if language is None else _translation(language).gettext


@functools.cache
def _language() -> str | None:
    chosen = next((os.environ[name] for name in _VARIABLES if os.environ.get(name)), "C")
    language = chosen.split(".")[0].split("@")[0]
    return None if language in {"C", "POSIX"} or language.startswith("en") else language


@functools.cache
def _translation(language: str) -> "NullTranslations":
    import gettext  # the English reader does not pay for it

    directory = os.environ.get("CHATAI_LOCALE_DIR") or str(Path(__file__).with_name("locale"))
    return gettext.translation("chatai", directory, languages=[language], fallback=True)
