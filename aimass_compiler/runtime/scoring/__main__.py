"""`python -m aimass_compiler.runtime.scoring`: score a table with a package; a scheduled pod runs it."""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from aimass_compiler import conventions
from aimass_compiler.character_set import print_everywhere
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.pipeline.schedule import last_time
from aimass_compiler.pipeline.scoring import Scoring
from aimass_compiler.runtime.failure import StageFailure, exit_code
from aimass_compiler.runtime.scoring.exposition import shown
from aimass_compiler.runtime.scoring.table import score_table
from aimass_compiler.runtime.stages.score import report_lines

#: What Kubernetes appends to a CronJob's name: the minute that the job was due, since 1970.
_MINUTE = re.compile(r"-(\d{8,9})$")
_WHEN = "%Y-%m-%dT%H-%MZ"


def main(arguments: list[str] | None = None) -> int:
    """Score the table that a file describes; answers an ExitCode."""
    print_everywhere()
    parser = argparse.ArgumentParser(prog="python -m aimass_compiler.runtime.scoring", description=__doc__)
    parser.add_argument("scoring", type=Path, help="the part `scoring` of a pipeline, as JSON")
    parser.add_argument("package", type=Path, help="the folder of the package")
    parser.add_argument("--root", type=Path, default=Path(), help="where paths start (default: here)")
    parser.add_argument("--run", default="", help="in a store, the folder of this run below `into`")
    parser.add_argument("--due", action="store_true", help="call the run after when it was last due")
    parser.add_argument("--port", type=int, help="where Prometheus asks (default: nowhere)")
    parsed = parser.parse_args(arguments)
    return exit_code("score", lambda: _score(parsed))


def _score(parsed: argparse.Namespace) -> ExitCode:
    scoring = _scoring(parsed)
    with shown(parsed.port) as show, tempfile.TemporaryDirectory(prefix="aimass-score-") as scratch:
        report = score_table(scoring, parsed.package, parsed.root.resolve(), Path(scratch))
        for line in report_lines(report, scoring.into):
            print(line, flush=True)
        show(report)
    return ExitCode.DONE


def _scoring(parsed: argparse.Namespace) -> Scoring:
    """What is scored, in a store with the folder of this run. Raises StageFailure."""
    try:
        scoring = Scoring.model_validate_json(parsed.scoring.read_bytes())
    except ValidationError as error:
        raise StageFailure(ExitCode.USAGE, f"{parsed.scoring}: {error.errors()[0]['msg']}") from None
    if scoring.is_kept_here:
        return scoring
    name = parsed.run or _run_name(os.environ.get(conventions.SCORING_JOB_VARIABLE, ""))
    if parsed.due and scoring.schedule is not None:
        name = last_time(scoring.schedule, datetime.now(UTC)).strftime(_WHEN)
    return scoring.model_copy(update={"into": f"{scoring.into}/run={name}"})


def _run_name(job: str) -> str:
    """When a scheduled job was due, so that all of its tries go on with one run; or else today."""
    found = _MINUTE.search(job)
    if found is None:
        return datetime.now(UTC).strftime("%Y-%m-%d")
    return datetime.fromtimestamp(60 * int(found[1]), UTC).strftime(_WHEN)


if __name__ == "__main__":
    sys.exit(main())
