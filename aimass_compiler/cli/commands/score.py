"""Predict every row of a table.

Reads the table in blocks, so that memory holds some rows at a time, holds each row to the contract of the
package, and leaves Parquet files with the key or the row's number, the prediction, its probability and the
model's version. Rows that break the contract go to `_rejects`, each with the reason. What is done is not done
again: a run that was killed goes on, and rows that were scored by the same model stay as they are.

The table is that of `scoring` in the spec, or the one that is named. It is scored by the package that
`aimass run` left, or, for an environment, by what is released there.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimass_compiler import conventions
from aimass_compiler.cli import terminal
from aimass_compiler.cli.selection import UnknownName, add_root, package_of, project_of
from aimass_compiler.cli.write import pipeline_of
from aimass_compiler.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aimass_compiler.catalog.source import Source
    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.pipeline.scoring import Scoring
    from aimass_compiler.project import Project

EXIT_CODES = (ExitCode.DATA, ExitCode.DISK, ExitCode.PACKAGE)
EXAMPLES = """
  aimass score churn                      the table of `scoring`, by the package of `aimass run`
  aimass score churn --env prod           as prod does it: its table, by what is released there
  aimass score churn --input new.parquet --into scores/new --key customer_id
  aimass score churn --engine ray         by all cores, or the Ray cluster of RAY_ADDRESS
"""
#: Which option says what the spec calls otherwise.
_OPTIONS = {"source": "input", "into": "into", "key": "key", "rejects": "rejects"}
#: What a run may be called: a folder of a store is called after it.
_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("model", metavar="MODEL", help="the model, such as churn or growth/churn")
    parser.add_argument("--env", metavar="ENV", help="score as this environment does, by its release")
    parser.add_argument(
        "--input",
        metavar="FILE",
        help="another table: a file, a pattern, or a URL; read as the only source of its kind in the spec",
    )
    parser.add_argument("--into", metavar="FOLDER", help="another folder for the predictions, or a URL")
    parser.add_argument(
        "--key",
        action="append",
        metavar="COLUMN",
        help="a column beside the predictions; repeat it for several",
    )
    parser.add_argument(
        "--rejects",
        type=_share,
        metavar="SHARE",
        help="the largest share of rows that may break the contract",
    )
    parser.add_argument(
        "--run",
        type=_run_name,
        metavar="NAME",
        help="in a store, the run to begin or to go on with",
    )
    parser.add_argument(
        "--engine",
        choices=conventions.ENGINES,
        help=f"what moves the rows (default: ${conventions.ENGINE_VARIABLE}, else local)",
    )
    add_root(parser)


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"`{text}` is no share; write 0.01 for 1 %")
    return share


def _run_name(text: str) -> str:
    if not _RUN.fullmatch(text):
        message = f"`{text}` cannot be the name of a run; write it like 2026-12-01"
        raise argparse.ArgumentTypeError(message)
    return text


def run(arguments: argparse.Namespace) -> int:
    """Score; answers an ExitCode."""
    project = project_of(arguments)
    pipeline = pipeline_of(project, arguments.model)
    if pipeline is None:
        return ExitCode.FAILED
    scoring = _scoring(pipeline, arguments)
    package = _package(project, pipeline, arguments.env)
    variables = {conventions.ENGINE_VARIABLE: arguments.engine} if arguments.engine else {}
    with tempfile.TemporaryDirectory(prefix="aimass-score-") as folder:
        written = Path(folder) / "scoring.json"
        written.write_text(scoring.model_dump_json(), encoding="utf-8")
        command = [sys.executable, "-m", "aimass_compiler.runtime.scoring", str(written), str(package)]
        command += [f"--root={project.root}", f"--run={arguments.run or ''}"]
        return subprocess.run(command, check=False, env={**os.environ, **variables}).returncode  # noqa: S603  # our own


def _scoring(pipeline: Pipeline, arguments: argparse.Namespace) -> Scoring:
    """What is scored: as the spec has it, with what the arguments say otherwise."""
    from pydantic import ValidationError

    from aimass_compiler.pipeline.scoring import Scoring

    if arguments.env and arguments.env not in pipeline.environments:
        hint = f"there are {', '.join(pipeline.environments)}"
        raise UnknownName(f"there is no environment `{arguments.env}`", hint)
    known = pipeline.environments[arguments.env].scoring if arguments.env else pipeline.scoring
    given: dict[str, Any] = {} if known is None else known.model_dump(mode="json")
    options = {key: getattr(arguments, option) for key, option in _OPTIONS.items()}
    given |= {key: value for key, value in options.items() if value is not None}
    if lacking := [f"--{_OPTIONS[key]}" for key in ("source", "into") if key not in given]:
        hint = f"say {' and '.join(lacking)}, or write `scoring` in the spec"
        raise UnknownName(f"the spec of `{pipeline.path}` says nothing of a table to score", hint)
    try:
        scoring = Scoring.model_validate(given)
    except ValidationError as error:  # what the spec says was checked before
        first = error.errors()[0]
        raise UnknownName(f"--{_OPTIONS[str(first['loc'][0])]}: {first['msg']}") from None
    if not arguments.input:
        return scoring
    described = [known.source] if known else list(pipeline.data.sources.values())
    return scoring.model_copy(update={"source": _read_alike(scoring.source, described)})


def _read_alike(named: Source, described: Sequence[Source]) -> Source:
    """A file as the only one of its kind that the spec describes: with its separator, dates and gaps."""
    from aimass_compiler.catalog.source import FileSource

    alike = [each for each in described if type(each) is type(named)]
    if len(alike) != 1 or not isinstance(named, FileSource) or not isinstance(alike[0], FileSource):
        return named
    read = alike[0].model_copy(update={"path": named.path})
    if read != named and named.path != alike[0].path:
        terminal.report(f"{named.path} is read as {alike[0].path} is, as the spec says")
    return read


def _package(project: Project, pipeline: Pipeline, environment: str | None) -> Path:
    """The package that scores. Raises UnknownName where there is none."""
    from aimass_compiler.delivery.released_package import NotFetched, bring_released

    if environment is None:
        return package_of(project, pipeline.path)
    try:
        found = bring_released(project.root, pipeline, environment)
    except NotFetched as failed:
        raise UnknownName(str(failed), failed.help) from None
    if found is None:
        hint = f"`aimass promote {pipeline.path} --to {environment}` releases one"
        raise UnknownName(f"nothing is released in {environment}", hint)
    terminal.report(f"scored by {found.version}, which is released in {environment}")
    folder = project.root / conventions.ARTIFACTS_FOLDER / pipeline.path / conventions.RELEASED_FOLDER
    return folder / found.package
