"""The settings of one installation: ``declared`` says which there are, ``sources`` where their values come from."""

from chatai_core.settings.declared import Database, Definition, Server, Settings, definitions, names
from chatai_core.settings.limits import DatabaseLimits
from chatai_core.settings.sections import Secret
from chatai_core.settings.sources import SYSTEM_FILE, Value, build, close_name, found, ignored, load, unknown

__all__ = [
    "SYSTEM_FILE",
    "Database",
    "DatabaseLimits",
    "Definition",
    "Secret",
    "Server",
    "Settings",
    "Value",
    "build",
    "close_name",
    "definitions",
    "found",
    "ignored",
    "load",
    "names",
    "unknown",
]
