"""`python -m benchmarks.compile.profile`: where aimass-compile's time goes, by import and by function."""

from __future__ import annotations

import argparse
import io
import pstats
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.compile.specs import write_project
from benchmarks.compile.tools import bare_environment
from benchmarks.compile.work import services

_IMPORT = re.compile(r"import time:\s+(?P<self>\d+) \|\s+(?P<all>\d+) \| (?P<indent> *)(?P<module>\S+)")
_COMPILE = "import sys; from aimass_compiler.cli import compile_main; sys.exit(compile_main([]))"
_PROFILED = """
import cProfile, sys
from aimass_compiler.cli import compile_main
profile = cProfile.Profile()
profile.runcall(compile_main, [])
profile.dump_stats(sys.argv[1])
"""


def main() -> None:
    """One spec's imports, cold and with nothing changed; then the functions of many specs, cold."""
    asked = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_project(root / "first", services(1))
        _imports(root / "first", root / "first-cache", 0)  # so that all bytecode is there
        write_project(root / "one", services(1))
        for state in ("cold", "nothing changed"):
            print(f"Imports of one spec, {state}: the {asked.lines} most expensive\n")
            print("\n".join(_imports(root / "one", root / "cache", asked.lines)), "\n")
        write_project(root / "many", services(asked.specs))
        for order in ("tottime", "cumulative"):
            print(f"Functions of {asked.specs} specs, cold, by {order}\n")
            print(_functions(root / "many", root / f"cache-{order}", order, asked.lines))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compile.profile", description=__doc__)
    parser.add_argument("--specs", type=int, default=100, help="how many specs (default 100)")
    parser.add_argument("--lines", type=int, default=25, help="how many lines of each table (default 25)")
    return parser.parse_args()


def _imports(root: Path, cache: Path, lines: int) -> Sequence[str]:
    """The modules by the time that they took themselves, in milliseconds, and with what they import."""
    environment = bare_environment() | {"AIMASS_CACHE_DIR": str(cache)}
    command = [sys.executable, "-X", "importtime", "-c", _COMPILE]
    ended = subprocess.run(command, cwd=root, env=environment, check=True, capture_output=True, text=True)
    found = [match.groupdict() for match in _IMPORT.finditer(ended.stderr)]
    total = sum(int(one["self"]) for one in found)
    most = sorted(found, key=lambda one: int(one["self"]), reverse=True)[:lines]
    rows = [f"{int(one['self']) / 1000:8.2f} {int(one['all']) / 1000:8.2f}  {one['module']}" for one in most]
    return [f"    self      all  of {len(found)} modules, {total / 1000:.1f} ms in all", *rows]


def _functions(root: Path, cache: Path, order: str, lines: int) -> str:
    """What cProfile saw of a cold compile in one process."""
    statistics = root.with_name(f"{order}.prof")
    environment = bare_environment() | {"AIMASS_CACHE_DIR": str(cache)}
    shutil.rmtree(root / "generated", ignore_errors=True)
    command = [sys.executable, "-c", _PROFILED, str(statistics)]
    subprocess.run(command, cwd=root, env=environment, check=True, capture_output=True)
    text = io.StringIO()
    pstats.Stats(str(statistics), stream=text).strip_dirs().sort_stats(order).print_stats(lines)
    return text.getvalue()


if __name__ == "__main__":
    main()
