"""How long each controller took to be built, and how long its tests took, told at the end of a run.

A pytest plugin. Tests ask for programs by file: what one test of a file was given, all of them run with.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import pytest

from scripts.cluster import programs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_CURRENT = pytest.StashKey[pytest.Item]()
_KEY = "programs that were asked for"


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Remember for whom fixtures are made."""
    item.config.stash[_CURRENT] = item


def note(config: pytest.Config, names: Sequence[str]) -> None:
    """Note that the test that is being set up runs with these programs, beside those of every run."""
    own = [name for name in names if name not in programs.EACH_TIME]
    if own and (item := config.stash.get(_CURRENT, None)):
        item.user_properties.append((_KEY, own))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell it where a test ran with one."""
    listed = (each for found in terminalreporter.stats.values() for each in found)
    lines = told([each for each in listed if isinstance(each, pytest.TestReport)])
    if lines:
        terminalreporter.section("how long controllers took")
        for line in lines:
            terminalreporter.write_line(line)


def told(reports: Iterable[pytest.TestReport]) -> list[str]:
    """A line for each program, in the order in which they are built."""
    files: dict[str, set[str]] = defaultdict(set)
    seconds: dict[str, float] = defaultdict(float)
    tests: dict[str, set[str]] = defaultdict(set)
    for report in reports:
        file = report.nodeid.partition("::")[0]
        seconds[file] += report.duration
        tests[file].add(report.nodeid)
        for key, names in report.user_properties:
            for name in names if key == _KEY else ():
                files[name].add(file)
    order = [name for module in programs.MODULES for name in module.programs]
    width = max(map(len, files), default=0)
    return [
        f"{name.ljust(width)}  {_built(name)}, {sum(len(tests[file]) for file in files[name])} tests in "
        f"{programs.in_words(sum(seconds[file] for file in files[name]))}"
        for name in sorted(files, key=order.index)
    ]


def _built(name: str) -> str:
    took = programs.build_seconds(name)
    return "was there already" if took is None else f"built in {programs.in_words(took)}"
