"""The settings of one installation: ``declared`` says which there are, ``sources`` where their values come from."""

from chatai_core.settings.declared import Database, Definition, Secret, Server, Settings, definitions, names
from chatai_core.settings.sources import SYSTEM_FILE, Value, build, close_name, found, ignored, load, unknown

__all__ = [
    "SYSTEM_FILE",
    "Database",
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
