"""Propose a spec from a data file.

Looks at the columns of a csv, parquet or jsonl file and writes specs/NAME.yaml: the contract, the
features, a model and gates, with comments that say why and what else there is. It never overwrites
a spec.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from aimass_compiler import conventions
from aimass_compiler.cli.choosing import add_root, project_of
from aimass_compiler.cli.row_count import RowCount
from aimass_compiler.cli.views import findings
from aimass_compiler.cli.views.cells import safe
from aimass_compiler.conventions import ExitCode

PLACE = 1
EXAMPLES = """
  aimass init churn data/customers.csv
  aimass init churn data/customers.csv --target churned
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument("name", metavar="NAME", help="the model's name: lower-case letters, digits and -")
    parser.add_argument(
        "data", metavar="DATA", type=Path, help="a csv, parquet or jsonl file below the project"
    )
    parser.add_argument(
        "--target", metavar="COLUMN", help="the column to predict (default: a guess, which is shown)"
    )
    parser.add_argument(
        "--positive",
        metavar="CLASS",
        help="the positive one of two classes (default: a guess, which is shown)",
    )
    parser.add_argument("--split", choices=("time", "hash", "random"), help="how rows are split")
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the spec; answers an ExitCode."""
    from aimass_compiler.plan.git_attributes import write_attributes
    from aimass_compiler.starter import Wanted, create, propose

    project = project_of(arguments)
    shown = project.shown(arguments.data)
    wanted = Wanted(arguments.target, arguments.positive, arguments.split)
    count = RowCount(shown)
    text, problems, guesses = propose(arguments.data, shown, arguments.name, wanted, count)
    count.clear()
    path = project.root / conventions.SPECS_FOLDER / f"{arguments.name}.yaml"
    if not problems:
        problems = create(path, text, project.shown(path))
    if problems:
        findings.show(problems, {}, "people")
        return ExitCode.FAILED
    write_attributes(project.generated)
    for what, told in guesses:
        print(f"  {what + ':':<10} {safe(told)}")
    print(f"wrote {project.shown(path)}: read it, then `aimass run {arguments.name}`")
    if not (project.root / conventions.SCHEMA_FILE).exists():
        print("`aimass schema --write` once lets editors complete and explain specs")
    return ExitCode.DONE
