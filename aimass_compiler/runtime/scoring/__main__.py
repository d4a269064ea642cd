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
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.scoring.exposition import shown
from aimass_compiler.runtime.scoring.table import score_table
from aimass_compiler.runtime.stages.score import told

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
    try:
        scoring = Scoring.model_validate_json(parsed.scoring.read_bytes())
        if not scoring.is_kept_here:
            name = parsed.run or _run_name(os.environ.get(conventions.SCORING_JOB_VARIABLE, ""))
            if parsed.due and scoring.schedule is not None:
                name = last_time(scoring.schedule, datetime.now(UTC)).strftime(_WHEN)
            scoring = scoring.model_copy(update={"into": f"{scoring.into}/run={name}"})
        with shown(parsed.port) as show, tempfile.TemporaryDirectory(prefix="aimass-score-") as scratch:
            report = score_table(scoring, parsed.package, parsed.root.resolve(), Path(scratch))
            for line in told(report, scoring.into):
                print(line, flush=True)
            show(report)
    except StageFailure as failure:
        print(f"score: {failure.message}", file=sys.stderr)
        if failure.help:
            print(f"  help: {failure.help}", file=sys.stderr)
        return int(failure.code)
    except ValidationError as error:
        print(f"score: {parsed.scoring}: {error.errors()[0]['msg']}", file=sys.stderr)
        return int(ExitCode.USAGE)
    except OSError as error:
        which, why = error.filename or scoring.into, error.strerror or error
        print(f"score: {which} could not be read or written: {why}", file=sys.stderr)
        return int(ExitCode.DISK)
    return int(ExitCode.DONE)


def _run_name(job: str) -> str:
    """When a scheduled job was due, so that all of its tries go on with one run; or else today."""
    found = _MINUTE.search(job)
    if found is None:
        return datetime.now(UTC).strftime("%Y-%m-%d")
    return datetime.fromtimestamp(60 * int(found[1]), UTC).strftime(_WHEN)


if __name__ == "__main__":
    sys.exit(main())
