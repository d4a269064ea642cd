"""Compare the runs of a model: what they were run with, where they differ, and what they reached.

Lists the run that is here, called `here`, and all that were kept under a name by `aimass run --name`, or by
`dvc exp save`. Of parameters it shows those that differ; what a search found counts, not the range that it
was found in. The best run comes first, by the objective's metric on the validation split: who chooses by the
test split cannot take its metrics for those of new rows any more.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from aimass_compiler.cli import terminal
from aimass_compiler.cli.selection import UnknownName, add_format, add_root, add_spec, project_of, spec_of
from aimass_compiler.conventions import SPLITS
from aimass_compiler.diagnostics import did_you_mean
from aimass_compiler.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from aimass_compiler.impact.runs import KeptRun
    from aimass_compiler.project import Project

EXAMPLES = """
  aimass runs churn                          all runs, the best first
  aimass runs churn --sort subsample         by a parameter, or by any metric
  aimass runs churn --split cross_validation by the mean over folds
  aimass runs churn --adopt sub06 --diff     write the values of a run into the spec
  aimass runs churn --adopt sub06 --found    also what its search found, in the place of ranges
  aimass runs churn --remove sub06           forget a run
  aimass runs churn --format json            for programs
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    add_spec(parser)
    parser.add_argument(
        "--sort", default="", metavar="COLUMN", help="a metric or parameter (default: the objective's metric)"
    )
    parser.add_argument("--ascending", action="store_true", help="the smallest first, of a metric, too")
    parser.add_argument(
        "--split",
        choices=(*SPLITS, "cross_validation"),
        default="validation",
        help="whose metrics are shown (default: %(default)s)",
    )
    acts = parser.add_mutually_exclusive_group()
    acts.add_argument(
        "--adopt", default="", metavar="NAME", help="write the values of this run into the spec"
    )
    acts.add_argument("--remove", action="append", default=[], metavar="NAME", help="forget this run")
    parser.add_argument(
        "--found", action="store_true", help="with --adopt: also what its search found, instead of the ranges"
    )
    parser.add_argument("--dry-run", action="store_true", help="with --adopt: write nothing")
    parser.add_argument("--diff", action="store_true", help="with --adopt: show the changes line by line")
    parser.set_defaults(check=False)
    add_format(parser)
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Show, adopt or remove; answers an ExitCode."""
    from aimass_compiler.cli.views import runs as views
    from aimass_compiler.impact.runs import runs
    from aimass_compiler.programs import git

    project = project_of(arguments)
    spec = spec_of(project, arguments.model)
    model = project.model_of(spec)
    try:
        found = runs(project.root, model)
        if arguments.remove:
            return _removed(project, model, [_named(found, name) for name in arguments.remove])
        if arguments.adopt:
            return _adopted(project, spec, _named(found, arguments.adopt), arguments)
    except git.GitError as failed:
        terminal.error(str(failed), failed.help)
        return ExitCode.FAILED
    columns = views.Columns(arguments.split, arguments.sort, is_ascending=arguments.ascending)
    if arguments.sort and found and not views.is_known(found, columns):
        raise UnknownName(
            f"no run has a column `{arguments.sort}`",
            did_you_mean(arguments.sort, views.known(found, columns)),
        )
    sys.stdout.write(views.drawn(model, found, columns, arguments.format))
    return ExitCode.DONE


def _named(found: Sequence[KeptRun], name: str) -> KeptRun:
    known = {each.name: each for each in found}
    if name not in known:
        raise UnknownName(f"there is no run `{name}`", did_you_mean(name, known))
    return known[name]


def _removed(project: Project, model: str, found: Sequence[KeptRun]) -> int:
    from aimass_compiler.programs import experiments

    if any(each.experiment is None for each in found):
        raise UnknownName(
            f"the run that is here is no experiment: its files are those of artifacts/{model}",
            "name one that was kept",
        )
    experiments.remove(project.root, [each.experiment for each in found if each.experiment])
    for each in found:
        print(f"forgot {each.name}; `dvc gc` frees the space of its files")
    return ExitCode.DONE


def _adopted(project: Project, spec: Path, chosen: KeptRun, arguments: argparse.Namespace) -> int:
    """Write what a run differs by from the commit that it was tried on into the spec that is here."""
    from aimass_compiler.cli.rewrite import Rewritten, rewrite
    from aimass_compiler.cli.views import findings
    from aimass_compiler.compile import Upto, compile_specs
    from aimass_compiler.diagnostics import Assign, has_errors
    from aimass_compiler.impact.adoption import changes_of
    from aimass_compiler.spec.edits.set_values import NotSettable, with_values
    from aimass_compiler.spec.yaml.reader import read_document

    content = spec.read_bytes()
    document, _ = read_document(spec, project.shown(spec))
    changes = list(changes_of(project.root, project.shown(spec), chosen))
    if arguments.found:
        changes += [Assign(tuple(key.split(".")), value) for key, value in chosen.found.items()]
    try:
        read = document.text.encode("utf-8", "surrogatepass")
        after = content.removesuffix(read) + with_values(document, changes).encode()
    except NotSettable as wrong:
        terminal.error(str(wrong), wrong.help)
        return ExitCode.FAILED
    compiled = compile_specs(project, [spec], upto=Upto.CHECK, texts={spec: after})
    if has_errors(compiled.findings):
        findings.show(compiled.findings, compiled.documents, "people")
        terminal.error(f"with the values of {chosen.name} the spec has errors", "it was left as it is")
        return ExitCode.FAILED
    if after == content:
        print(f"{project.shown(spec)} has the values of {chosen.name} already")
    again = f"`aimass run {project.model_of(spec)}`"
    done = f"has the values of {chosen.name}; {again} takes its results from DVC's cache"
    return rewrite(arguments, project, {spec: Rewritten(content, after)}, "", done)
