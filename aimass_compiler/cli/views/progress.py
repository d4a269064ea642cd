"""What DVC and the stages say while they run, as a few lines for each stage."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TextIO

from aimass_compiler.stages import STAGES

_RUNNING = re.compile(r"Running stage '(?:.*:)?(?P<name>[\w-]+)'")
_UNCHANGED = re.compile(r"Stage '(?:.*:)?(?P<name>[\w-]+)' didn't change")
_RESTORED = re.compile(r"Stage '(?:.*:)?(?P<name>[\w-]+)' is cached")
#: What DVC says about itself; the summary after the run says what matters of it.
_NOISE = re.compile(
    r"^(> |Updating lock file|Generating lock file|To track the changes|\s*git add|To enable auto staging"
    r"|\s*dvc config|Use `dvc push`|Data and pipelines are up to date|Verifying|WARNING: '.*' is empty"
    r"|WARNING: Process '.*RWLock|ERROR: |Having any troubles|$)"
)


class Stages:
    """Passes on lines, with a heading for each stage and, unless all is to be shown, without DVC's own."""

    def __init__(self, stream: TextIO, *, is_verbose: bool = False) -> None:
        self._stream = stream
        self._is_verbose = is_verbose
        self.has_changed = False
        """Whether any stage was run or restored."""
        self.reached: set[str] = set()
        """The stages that were run, restored or up to date."""
        self._summaries = {stage.name: stage.summary for stage in STAGES}

    def tell(self, line: str) -> None:
        """One line of output, as soon as it comes."""
        told = None if _NOISE.match(line) else f"  {line}"
        for pattern, form in self._forms():
            if found := pattern.search(line):
                self.reached.add(found["name"])
                self.has_changed = self.has_changed or pattern is not _UNCHANGED
                told = form(found["name"])
        told = line if self._is_verbose else told
        if told is not None:
            self._stream.write(f"{told}\n")
            self._stream.flush()

    def _forms(self) -> tuple[tuple[re.Pattern[str], Callable[[str], str]], ...]:
        return (
            (_RUNNING, lambda name: f"▸ {name}: {self._summaries.get(name, '')}"),
            (_UNCHANGED, lambda name: f"✓ {name} is up to date"),
            (
                _RESTORED,
                lambda name: f"✓ {name} was run before with the same data and spec: taken from the cache",
            ),
        )
