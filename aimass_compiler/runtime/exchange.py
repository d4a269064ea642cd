"""`python -m aimass_compiler.runtime.exchange`: a training job gets its files, and stores what it left."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.programs.object_store import Store
from aimass_compiler.runtime.failure import exit_code
from aimass_compiler.runtime.progress import seconds_left

_SECONDS_BETWEEN_NOTES = 5.0
_MINUTES = 120
_COUNTED = re.compile(r"(step|trial) (?P<done>\d+)/(?P<total>\d+)\b")


def main(arguments: Sequence[str] | None = None) -> int:
    """Bring what the job is given, run a stage and note how far it is, or store results."""
    parsed = _parser().parse_args(arguments)
    return exit_code(parsed.act, lambda: _exchange(parsed), hinted=ExitCode.DATA)


def _exchange(parsed: argparse.Namespace) -> int:
    store = Store(parsed.store)
    if parsed.act == "receive":
        count = len(store.receive(parsed.model, "given", parsed.root))
        print(f"{count} files came from {parsed.store}", flush=True)
    elif parsed.act == "send":
        size = store.send(parsed.model, "results", parsed.root, parsed.names)
        print(f"results went to {parsed.store}: {size:,} bytes that it had not", flush=True)
    else:
        (stage,) = parsed.names
        return _run(stage, parsed.model, parsed.root, store)
    return ExitCode.DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m aimass_compiler.runtime.exchange", description=__doc__)
    parser.add_argument("act", choices=["receive", "stage", "send"])
    parser.add_argument("model")
    parser.add_argument("store", help="the URL")
    parser.add_argument("names", nargs="*", help="the stage, or what is stored, by its path in the project")
    parser.add_argument("--root", type=Path, default=Path())
    return parser


def _run(stage: str, model: str, root: Path, store: Store) -> int:
    """Run a stage; what it says last is noted in the store, where `aimass train` reads it."""
    command = [sys.executable, "-m", "aimass_compiler.runtime", stage, model, f"--root={root}"]
    store.note(model, stage)
    began = noted = time.monotonic()
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:  # noqa: S603  # our own
        assert process.stdout is not None  # noqa: S101  # it is a pipe
        for line in process.stdout:
            print(line, end="", flush=True)
            if time.monotonic() - noted >= _SECONDS_BETWEEN_NOTES:
                noted = time.monotonic()
                store.note(model, f"{stage}: {line.strip()}{left(line, noted - began)}")
    return process.returncode


def left(line: str, seconds: float) -> str:
    """How long a stage goes on that says `step 3/20` or `trial 3/8` after so many seconds."""
    found = _COUNTED.match(line.strip())
    if found is None or not int(found["done"]):
        return ""
    rest = seconds_left(seconds, int(found["done"]) / int(found["total"])) or 0.0
    return f", about {rest / 60:.0f} min left" if rest >= _MINUTES else f", about {rest:.0f} s left"


if __name__ == "__main__":
    sys.exit(main())
