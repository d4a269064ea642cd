"""A run with changed values of the spec, in a copy of the project, kept as an experiment of DVC."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from aimass_compiler import conventions
from aimass_compiler.cli import terminal
from aimass_compiler.cli.dvc_repository import ready_for_dvc
from aimass_compiler.cli.selection import UnknownName, spec_of
from aimass_compiler.cli.views import findings
from aimass_compiler.diagnostics import HintedError
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.model_path import path_of, team_of
from aimass_compiler.programs import dvc, git

if TYPE_CHECKING:
    import argparse

    from aimass_compiler.diagnostics import Assign
    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.project import Project

#: Below the folder of DVC that no one keeps.
_FOLDER = Path(".dvc/tmp/aimass")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._+-]+")
_LONGEST_NAME = 60
#: The last stage that leaves all it should when a gate is missed.
_JUDGES = "evaluate"

#: Runs the stages of a project that was compiled; answers what they exited with.
RunStages = Callable[["Project", "Pipeline"], int]


class NotKept(HintedError):  # noqa: N818  # it reads as what is the case
    """A run cannot be kept under its name; the message says why."""


def run_named(project: Project, arguments: argparse.Namespace, run_stages: RunStages) -> int:
    """Run a model with the values of `--set` and keep it; the project stays as it is. Answers an ExitCode."""
    from aimass_compiler.spec.edits.set_values import NotSettable, assignment

    spec = spec_of(project, arguments.model)
    try:
        edits = [assignment(written) for written in arguments.set or ()]
        name = arguments.name or _name_of(edits)
        _require_free(project.root, name)
        text, pipeline = _changed(project, spec, edits)
        if pipeline is None:
            return ExitCode.FAILED
        return _in_copy(project, spec, text, pipeline, name, arguments, run_stages)
    except NotSettable as wrong:
        raise UnknownName(str(wrong), wrong.help) from None
    except (NotKept, git.GitError, dvc.DvcFailed) as failed:
        terminal.error(str(failed), failed.help)
        return ExitCode.FAILED


def _name_of(edits: Sequence[Assign]) -> str:
    """`subsample-0.6`, of what is set."""
    from aimass_compiler.spec.yaml.flow_style import written

    parts = (f"{edit.path[-1]}-{written(edit.value)}" for edit in edits)
    return _NOT_IN_NAMES.sub("-", "_".join(parts))[:_LONGEST_NAME].strip("-._+")


def _require_free(root: Path, name: str) -> None:
    """Raises NotKept where nothing can be kept under this name."""
    from aimass_compiler.programs import experiments

    if not experiments.is_name(name):
        raise NotKept(f"`{name}` cannot be the name of a run", "letters, digits, `-`, `_` and `.` can")
    if not git.head(root):
        raise NotKept(
            "a run is kept beside a commit of git, and this project has none yet",
            "`git init`, `git add .` and `git commit`, then run again",
        )
    if any(each.name == name for each in experiments.experiments(root)):
        raise NotKept(
            f"there is a run `{name}` already",
            f"choose another `--name`, or forget it: `aimass runs --remove {name}`",
        )


def _changed(project: Project, spec: Path, edits: Sequence[Assign]) -> tuple[bytes, Pipeline | None]:
    """The spec's text with other values, and what it stands for; None, and shown why, for one with errors."""
    from aimass_compiler.compile import Upto, compile_specs
    from aimass_compiler.diagnostics import has_errors
    from aimass_compiler.spec.edits.set_values import with_values
    from aimass_compiler.spec.yaml.reader import read_document

    document, problems = read_document(spec, project.shown(spec))
    if has_errors(problems):
        findings.show(problems, {document.file: document}, "people")
        return b"", None
    text = with_values(document, edits).encode()
    compiled = compile_specs(project, [spec], upto=Upto.CHECK, texts={spec: text})
    if has_errors(compiled.findings):
        findings.show(compiled.findings, compiled.documents, "people")
        terminal.error("with these values the spec has errors", "nothing was run, and the spec is as it was")
        return b"", None
    return text, next(iter(compiled.pipelines.values()))


def _in_copy(  # what is run, how, and under which name
    project: Project,
    spec: Path,
    text: bytes,
    pipeline: Pipeline,
    name: str,
    arguments: argparse.Namespace,
    run_stages: RunStages,
) -> int:
    from aimass_compiler.cli.write import brought_up_to_date
    from aimass_compiler.plan import folder_locked
    from aimass_compiler.programs import experiments, working_copy

    model = pipeline.path
    ready_for_dvc(project.root)
    folder = project.root / _FOLDER / model / name
    with folder_locked(folder, lambda: print(f"another run `{name}` goes on; waiting for it", flush=True)):
        _require_free(project.root, name)
        copy = type(project)(working_copy.made(project.root, folder / "copy", _data(pipeline)))
        (copy.specs_folder / path_of(team_of(model), spec.name)).write_bytes(text)
        compiled = brought_up_to_date(copy, model)
        status = ExitCode.FAILED if compiled is None else run_stages(copy, compiled)
        if status in (ExitCode.DONE, ExitCode.GATE):
            stages = _complete(pipeline, arguments.until, status)
            experiments.save(copy.root, name, model, stages, _message(arguments, model, name))
            print(_kept(project.root, model, name))
        working_copy.removed(project.root, folder)
    return status


def _data(pipeline: Pipeline) -> Iterator[str]:
    """The rows that are read, which git may leave out."""
    for source in pipeline.data.sources.values():
        yield from source.dependencies()


def _complete(pipeline: Pipeline, until: str | None, status: int) -> Sequence[str]:
    """The stages that left all they should."""
    names = [stage.name for stage in pipeline.stages]
    last = _JUDGES if status == ExitCode.GATE else until or names[-1]
    return names[: names.index(last) + 1]


def _message(arguments: argparse.Namespace, model: str, name: str) -> str:
    values = [part for written in arguments.set or () for part in ("--set", written)]
    return shlex.join(["aimass", "run", model, *values, "--name", name])


def _kept(root: Path, model: str, name: str) -> str:
    from aimass_compiler.cli.views.cells import table

    rows = [
        [f"aimass runs {model}", "compares the runs"],
        [f"aimass runs {model} --adopt {name}", f"writes its values into {conventions.SPECS_FOLDER}/"],
        ["dvc exp show", "shows it among the experiments of DVC"],
    ]
    sys.stdout.flush()
    return "\n".join(["", f"kept as `{name}`; the project in {root.name} is as it was", *table(rows)])
