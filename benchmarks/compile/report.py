"""The table of what was measured, and whether the goals are reached."""

from __future__ import annotations

import datetime
import os
import platform
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.compile.cases import Sizes
from benchmarks.compile.contenders import AIMASS
from benchmarks.compile.goals import goals, seconds
from benchmarks.compile.rounds import Series
from benchmarks.compile.tools import Tools

_HEAD = ("case", "tool", "wall", "fastest to slowest", "CPU", "MiB", "n", "of aimass")


def report(
    series: Sequence[Series],
    sentences: Mapping[str, str],
    tools: Tools,
    sizes: Sizes,
    work: Path,
    path: Path | None,
) -> None:
    """Print everything, and write it where it is wanted."""
    text = "\n".join(_lines(series, sentences, tools, sizes, work))
    print(f"\n{text}")
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")


def _lines(
    series: Sequence[Series], sentences: Mapping[str, str], tools: Tools, sizes: Sizes, work: Path
) -> Iterator[str]:
    yield "# aimass-compile and its peers\n"
    yield f"{machine()} The projects lie on {_file_system(work)}."
    yield "\nOne model is ten Kubernetes objects in each of three environments.\n"
    yield from table(series)
    yield "\n## Goals\n"
    yield from (f"- {line}" for line in goals(series, sizes))
    yield "\n## The same work\n"
    yield "Against what kubectl makes of aimass-compile's manifests, for ten models:\n"
    yield from (f"- {name}: {sentence}" for name, sentence in sentences.items())
    yield "\n## Versions\n"
    yield ", ".join(f"{name} {version}" for name, version in tools.versions.items())
    yield from (f"\nNot measured: {name}, {reason}" for name, reason in tools.missing.items())


def machine() -> str:
    """What the numbers were measured on, without the names of anything."""
    load = os.getloadavg()[0]
    today = datetime.datetime.now(tz=datetime.UTC).date()
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1024**3
    return (
        f"{_processor()}, {os.cpu_count()} cores, {pages:.0f} GiB, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, load at the end {load:.1f}, {today}."
    )


def _processor() -> str:
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()


def _file_system(folder: Path) -> str:
    """The kind of file system that a folder is on."""
    command = ["stat", "--file-system", "--format=%T", str(folder)]
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "a disk"


def table(series: Sequence[Series]) -> Iterator[str]:
    """What was measured, as Markdown."""
    ours = {one.case: one.wall for one in series if one.contender == AIMASS}
    rows = [_HEAD, *(_row(one, ours.get(one.case)) for one in series)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    for place, row in enumerate(rows):
        cells = [
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield f"| {' | '.join(cells)} |"
        if place == 0:
            marks = [
                "-" * width if column < 2 else "-" * (width - 1) + ":" for column, width in enumerate(widths)
            ]
            yield f"| {' | '.join(marks)} |"


def _row(one: Series, ours: float | None) -> tuple[str, ...]:
    if one.failed or not one.costs:
        return (one.case, one.contender, "failed", one.failed[:80], "", "", "", "")
    more = "" if one.is_whole else "> "
    low, high = one.spread
    return (
        one.case,
        one.contender,
        more + seconds(one.wall),
        f"{seconds(low)} to {seconds(high)}" if len(one.costs) > 1 else "",
        more + seconds(one.cpu),
        f"{one.memory:.0f}" if one.memory else "",
        str(len(one.costs)),
        f"{more}{one.wall / ours:.2f}×" if ours else "",
    )
