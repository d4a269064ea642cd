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
    r"|\s*dvc config|Use `dvc push`|Data and pipelines are up to date|Verifying|WARNING: '.*' is empty|WARNING: Process '.*RWLock"
    r"|ERROR: failed to reproduce|$)"
)


class Stages:
    """Passes on lines, with a heading for each stage and without DVC's own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.has_run = False
        """Whether any stage was run."""
        self._summaries = {stage.name: stage.summary for stage in STAGES}

    def tell(self, line: str) -> None:
        """One line of output, as soon as it comes."""
        self.has_run = self.has_run or bool(_RUNNING.search(line))
        told = next(
            (form(found["name"]) for pattern, form in self._forms() if (found := pattern.search(line))), None
        )
        if told is None and not _NOISE.match(line):
            told = f"  {line}"
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
