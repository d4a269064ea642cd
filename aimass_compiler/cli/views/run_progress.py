"""Below the lines of a run on a terminal: the stage that runs, how far it is, and how losses or trials do.

Drawn by rich, which DVC brings. Where there is no terminal, lines are all that there is.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, TextIO

from aimass_compiler.cli import terminal

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

#: How stages begin and count, in lines of `StageProgress`, `TrialLog` and the epochs of networks.
_STAGE = re.compile(r"▸ (?P<name>[\w-]+): ")
_COUNTED = re.compile(r"\s*(?P<what>step|trial) (?P<done>\d+)/(?P<total>\d+)  (?P<rest>.*)")
_VALUE = re.compile(r"(?P<name>[\w().=@-]+) (?P<value>-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)")
_BARS = "▁▂▃▄▅▆▇█"
_SHOWN = 24


class RunProgress:
    """A stream that passes lines on above the progress, which it reads from them."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("starting", total=None, counted="", detail="")
        self._values: deque[float] = deque(maxlen=_SHOWN)
        self._done = 0

    def write(self, text: str) -> int:
        """Show lines, which end here."""
        from rich.text import Text

        for line in text.splitlines():
            self._follow(line)
            self._progress.console.print(Text(line), soft_wrap=True)
        return len(text)

    def flush(self) -> None:
        """Nothing is kept back."""

    def _follow(self, line: str) -> None:
        if begun := _STAGE.match(line):
            self._values.clear()
            self._done = 0
            self._progress.reset(self._task, total=None, description=begun["name"], counted="", detail="")
        elif counted := _COUNTED.match(line):
            detail = self._detail(counted["rest"])
            # Trials end in any order: as many have begun as the highest number says.
            self._done = max(self._done, int(counted["done"]))
            total = int(counted["total"])
            of = f"{self._done}/{total}"
            self._progress.update(self._task, completed=self._done, total=total, counted=of, detail=detail)

    def _detail(self, rest: str) -> str:
        """How the value at the end of a step, or at the front of a trial, has moved, and what it is."""
        steps = rest.split("  ")
        found = _VALUE.fullmatch(steps[-1]) or _VALUE.match(rest)
        if found is None:
            return rest
        self._values.append(float(found["value"]))
        return f"{_sparkline(self._values)} {found['name']} {found['value']}"


@contextmanager
def progress_below(stream: TextIO, *, is_wanted: bool) -> Iterator[TextIO | RunProgress]:
    """What lines go to: the stream itself, or what draws a progress below them on a terminal."""
    if not (is_wanted and stream.isatty() and terminal.is_coloured(stream) and find_spec("rich")):
        yield stream
        return
    from rich.console import Console

    with bars(Console(file=stream, highlight=False)) as progress:
        yield RunProgress(progress)


def bars(console: Console) -> Progress:
    """One line, which is gone once the run has ended."""
    from rich.progress import (
        BarColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[counted]}", markup=False),
        TimeElapsedColumn(),
        TextColumn("{task.fields[detail]}", markup=False),
        console=console,
        transient=True,
    )


def _sparkline(values: deque[float]) -> str:
    """How values moved, each as high as it is among them."""
    low, high = min(values), max(values)
    span = high - low
    return "".join(_BARS[round((value - low) / span * (len(_BARS) - 1)) if span else 0] for value in values)
