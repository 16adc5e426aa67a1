"""``python -m benchmarks``: measure everything, rewrite docs/performance.md, fail when a bar is missed."""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks import database, report, startup

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
CHAPTERS = {"startup": startup.measure, "database": database.measure}


def main() -> int:
    """Measure the chapters; 1 when a bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("chapters", nargs="*", metavar="CHAPTER", help=f"all of: {', '.join(CHAPTERS)}")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="install the peers here and leave them for next time")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="chatai-benchmarks-", ignore_cleanup_errors=True) as temporary:
        directory = (options.keep or Path(temporary)).resolve()
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o755)
        measured = [CHAPTERS[name](directory) for name in options.chapters or CHAPTERS]
    text = report.page(measured)
    print(text)
    if not options.chapters:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(text, "utf-8")
    missed = [name for chapter in measured for name in chapter.missed()]
    print(f"Bars missed: {', '.join(missed)}" if missed else "Every bar is kept.", file=sys.stderr)
    return 1 if missed else 0


sys.exit(main())
