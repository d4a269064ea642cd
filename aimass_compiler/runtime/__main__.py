"""`aimass-runtime STAGE MODEL`: run one stage of a model's pipeline; DVC calls this."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from aimass_compiler import conventions
from aimass_compiler.character_set import print_everywhere
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.runtime import lineage_events, progress, trainer_status, training_metrics
from aimass_compiler.runtime.failure import exit_code
from aimass_compiler.runtime.parts import read_parts
from aimass_compiler.runtime.progress import Listener
from aimass_compiler.runtime.workspace import Workspace
from aimass_compiler.stages import ASIDE, REPEAT, SCORE, STAGES, Stage

_ALL = (*STAGES, REPEAT, SCORE, *ASIDE)

#: What makes tables of the records of all models, and is no stage of one.
_RECORDS = "records"


def main(arguments: list[str] | None = None) -> int:
    """Do what the arguments name; answers the exit code of `ExitCode`."""
    print_everywhere()
    given = sys.argv[1:] if arguments is None else arguments
    if given[:1] == [_RECORDS]:
        from aimass_compiler.runtime import record_tables

        return record_tables.main(given[1:])
    parsed = _parser().parse_args(given)
    stage = next(stage for stage in _ALL if stage.name == parsed.stage)
    if not progress.is_told_of(stage):
        return _stage(stage, parsed, ())
    watched = training_metrics.listener(parsed.model, stage.name)
    code: int = ExitCode.FAILED  # of what none of us foresaw
    try:
        code = _stage(stage, parsed, [each for each in (trainer_status.listener(), watched) if each])
    finally:
        if watched is not None:
            watched.end(code)
    return code


def _stage(stage: Stage, parsed: argparse.Namespace, listeners: Sequence[Listener]) -> int:
    """Run a stage; answers an ExitCode."""

    def run() -> ExitCode:
        workspace = Workspace(parsed.root.resolve(), parsed.model)
        with lineage_events.events_sent(stage, workspace), progress.reported(stage, workspace, listeners):
            run_stage(stage, workspace)
        return ExitCode.DONE

    return exit_code(stage.name, run)


def run_stage(stage: Stage, workspace: Workspace) -> None:
    """Run one stage with the parts of pipeline.json that it declares."""
    parts = read_parts(workspace.generated / conventions.PIPELINE_FILE, stage)
    # Read where polars is imported. Each block fills the memory of the last one; to give that back to Linux
    # meanwhile and be given it empty again takes a fifth of the time of `prepare` and `features`. What a
    # thread gives back to one of many arenas, others do not find.
    settings = "dirty_decay_ms:10000,narenas:1,oversize_threshold:0"
    os.environ.setdefault("_RJEM_MALLOC_CONF", settings)
    gc.disable()  # what is imported stays to the end: to look through it takes a sixth of the start
    try:
        module = import_module(f"aimass_compiler.runtime.stages.{stage.name}")
    finally:
        gc.enable()
    module.run(**parts, workspace=workspace)


def _parser() -> argparse.ArgumentParser:
    codes = ", ".join(f"{code.value} {code.name.lower()}" for code in ExitCode)
    parser = argparse.ArgumentParser(
        prog=conventions.RUNTIME_COMMAND,
        description="Run one stage of a model's pipeline. DVC calls this; `aimass run MODEL` calls DVC. "
        f"`{conventions.RUNTIME_COMMAND} {_RECORDS} STORE` makes tables of prediction records.",
        epilog=f"Exit codes: {codes}. Example: {conventions.RUNTIME_COMMAND} train churn",
    )
    parser.add_argument("stage", choices=[stage.name for stage in _ALL], help="the stage")
    parser.add_argument("model", help="the model's name: its folder below generated/")
    parser.add_argument("--root", type=Path, default=Path(), help="the project's root (default: here)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
