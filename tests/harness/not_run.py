"""What a run of the tests left out, told at its end: what was skipped, why, and what runs it.

A pytest plugin. Tests marked `nightly` take minutes; they run where `-m` names them, as in `make nightly`.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

MARKER = "nightly"
_LEFT_TO_NIGHT = pytest.StashKey[int]()
_SKIPPED = "Skipped: "


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what takes minutes, unless it is asked for."""
    if MARKER in config.getoption("markexpr"):
        return
    long = [item for item in items if item.get_closest_marker(MARKER)]
    items[:] = [item for item in items if not item.get_closest_marker(MARKER)]
    config.stash[_LEFT_TO_NIGHT] = len(long)
    if long:
        config.hook.pytest_deselected(items=long)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """With xdist, tests are collected by its workers, which tell the session that writes the summary."""
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[MARKER] = session.config.stash.get(_LEFT_TO_NIGHT, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Every worker collects everything, so that one of them tells the number of all."""
    left: int = getattr(node, "workeroutput", {}).get(MARKER, 0)
    node.config.stash[_LEFT_TO_NIGHT] = max(left, node.config.stash.get(_LEFT_TO_NIGHT, 0))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Tell what was not run, the most frequent reason first."""
    lines = told(terminalreporter.stats.get("skipped", []), config.stash.get(_LEFT_TO_NIGHT, 0))
    if lines:
        terminalreporter.section("what was not run")
        for line in lines:
            terminalreporter.write_line(line)


def told(skipped: Iterable[pytest.TestReport], left_to_night: int) -> list[str]:
    """A line for each reason, with how many tests it kept from running."""
    reasons = Counter(_reason(report) for report in skipped)
    lines = [f"{count:5}  {reason}" for reason, count in sorted(reasons.items(), key=_most_first)]
    if left_to_night:
        lines.append(f"{left_to_night:5}  takes minutes; `make nightly` runs it")
    return lines


def _most_first(counted: tuple[str, int]) -> tuple[int, str]:
    reason, count = counted
    return -count, reason


def _reason(report: pytest.TestReport) -> str:
    """Why a test was skipped, on one line."""
    place = report.longrepr
    text = place[2] if isinstance(place, tuple) else getattr(report, "wasxfail", str(place))
    return " ".join(text.removeprefix(_SKIPPED).split())
