"""The programs we compare ourselves with, in an environment that is thrown away."""

import subprocess
import sys
from pathlib import Path


def installed(directory: Path, packages: list[str]) -> Path:
    """The directory of the peers' commands; what is installed there already is used again."""
    commands = directory / "bin"
    stamp = directory / "installed"
    if not stamp.exists() or stamp.read_text() != "\n".join(packages):
        subprocess.run([sys.executable, "-m", "venv", directory], check=True)
        install = [commands / "python", "-m", "pip", "install", "-qq", "--disable-pip-version-check", *packages]
        subprocess.run(install, check=True)
        stamp.write_text("\n".join(packages))
    return commands
