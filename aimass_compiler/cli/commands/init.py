"""Begin a project, or propose a spec from a data file.

With NAME and DATA it looks at the columns of a csv, parquet or jsonl file and writes specs/NAME.yaml: the
contract, the features, a model and gates, with comments that say why and what else there is. Of prompts and
answers, or of chats (`messages`), it is a language model.

Without them it makes this folder a project: aimass.yaml with environments, registry and workflows, which it
compiles, .gitignore and hooks of pre-commit. On a terminal it asks for what no option says. Nothing that is
there is ever overwritten.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from aimass_compiler import conventions
from aimass_compiler.cli import terminal
from aimass_compiler.cli.selection import UnknownName, add_root, project_of
from aimass_compiler.cli.terminal import RowCount
from aimass_compiler.cli.views import findings
from aimass_compiler.cli.views.cells import safe
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.model_path import DEEPEST, name_of, path_of, team_of
from aimass_compiler.project import Project

EXIT_CODES = (ExitCode.DISK,)
EXAMPLES = """
  aimass init                                 begin a project here; asks for what it needs
  aimass init --env dev --env prod --registry ghcr.io/acme/models
  aimass init churn data/customers.csv
  aimass init growth/churn data/customers.csv    of the team growth: specs/growth/churn.yaml
  aimass init churn data/customers.csv --target churned
  aimass init demand data/sales.csv --target sales --task forecast
"""


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help="the model's name: lower-case letters, digits and -; behind its team's, as in growth/churn",
    )
    parser.add_argument(
        "data", nargs="?", metavar="DATA", type=Path, help="a csv, parquet or jsonl file below the project"
    )
    parser.add_argument(
        "--target", metavar="COLUMN", help="the column to predict (default: a guess, which is shown)"
    )
    parser.add_argument(
        "--positive",
        metavar="CLASS",
        help="the positive one of two classes (default: a guess, which is shown)",
    )
    parser.add_argument(
        "--task",
        choices=("forecast",),
        help="forecast the target's next values (default: predict it row by row)",
    )
    parser.add_argument("--team", metavar="TEAM", help="whose model it is: its spec is in specs/TEAM/")
    parser.add_argument("--split", choices=("time", "hash", "random"), help="how rows are split")
    parser.add_argument(
        "--env", action="append", metavar="ENV", help="an environment, in the order of promotion; repeat it"
    )
    parser.add_argument("--registry", metavar="REGISTRY", help="where images go: ghcr.io/acme/models")
    parser.add_argument(
        "--compiler",
        metavar="KEY=VALUE",
        action="append",
        help="where workflows get the compiler from: version=0.1.0, wheel=PATH, git=URL with commit=HASH, or "
        "none for no workflows (default: this release)",
    )
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Begin the project, or write the spec; answers an ExitCode."""
    if arguments.name is None:
        return _begin(arguments)
    if arguments.data is None:
        terminal.error("a spec is proposed from data: DATA is missing", "`aimass init NAME data/FILE.csv`")
        return ExitCode.USAGE
    return _propose(arguments)


def _begin(arguments: argparse.Namespace) -> int:
    """Write what a project begins with, then its workflows."""
    from aimass_compiler.starter.new_project import NewProject, create_missing, files_of, release_here

    root = (Path(arguments.root) if arguments.root else Path.cwd()).resolve()
    named = arguments.env or _asked("environments, in the order of promotion", "dev staging prod").split()
    registry = arguments.registry
    if registry is None:
        registry = _asked("registry and path of images, empty where there is none yet", "")
    compiler = _compiler(arguments.compiler) if arguments.compiler else release_here()
    try:
        written, kept = create_missing(root, files_of(NewProject(named, registry, compiler)))
        (root / conventions.SPECS_FOLDER).mkdir(exist_ok=True)
    except OSError as error:
        terminal.error(f"`{error.filename}` could not be written: {error.strerror}")
        return ExitCode.DISK
    for verb, names in (("wrote", written), ("left as it is:", kept)):
        if names:
            print(f"{verb} {', '.join(names)}")
    code = _write_workflows(Project(root))
    if code == ExitCode.DONE:
        print("next: `aimass init NAME data/FILE.csv` proposes a spec; docs/gitops.md says how to deploy it")
    return code


def _write_workflows(project: Project) -> int:
    """Bring the workflows in step with the settings, before there is any spec to compile."""
    from aimass_compiler.compile_cache import open_cache
    from aimass_compiler.diagnostics import has_errors
    from aimass_compiler.generate.workflow_files import WorkflowFiles
    from aimass_compiler.spec.decode.settings_file import read_settings

    _, document, wrong = read_settings(project.settings, conventions.SETTINGS_FILE)
    if has_errors(wrong):
        findings.show(wrong, {document.file: document}, "people")
        return ExitCode.FAILED
    workflows = WorkflowFiles(project, len(project.specs()), open_cache(str(project.root)))
    workflows.compared(forces=False)
    problems = workflows.carry_out(is_written=True, report=terminal.report)
    findings.show(problems, {}, "people")
    if has_errors(problems):
        return ExitCode.FAILED
    if workflows.plan.changes:
        print(f"compiled {conventions.GITHUB_FOLDER}/{conventions.WORKFLOWS_FOLDER}/aimass-*.yml")
    return ExitCode.DONE


_ORIGINS = ("version", "index", "git", "commit", "wheel", "source")


def _compiler(written: list[str]) -> dict[str, str]:
    """What `--compiler` says; nothing for `none`. Raises UnknownName for what is neither."""
    if written == ["none"]:
        return {}
    for each in written:
        key, has_value, _ = each.partition("=")
        if key not in _ORIGINS or not has_value:
            known = ", ".join(f"{name}=…" for name in _ORIGINS)
            raise UnknownName(f"`--compiler {each}` is none of {known}, and not `none`")
    return dict(each.split("=", 1) for each in written)


def _asked(what: str, default: str) -> str:
    """What a person answers; the default where there is none to ask."""
    if not sys.stdin.isatty():
        return default
    shown = f" [{default}]" if default else ""
    return input(f"{what}{shown}: ").strip() or default


def _model(arguments: argparse.Namespace) -> str:
    """The model that is named, be it by the file of its spec, by its path. Raises UnknownName."""
    written = arguments.name.removeprefix(f"{conventions.SPECS_FOLDER}/").removesuffix(".yaml")
    team, name = team_of(written), name_of(written)
    if team and arguments.team not in (None, team):
        raise UnknownName(
            f"`{arguments.name}` is of the team `{team}`, not `{arguments.team}`", "name one team"
        )
    found = path_of(arguments.team or team, name)
    if found.count("/") > DEEPEST:
        raise UnknownName(
            f"`{arguments.name}` lies too deep", "a team's folder has no folders in it: TEAM/NAME"
        )
    return found


def _propose(arguments: argparse.Namespace) -> int:
    """Write the spec."""
    from aimass_compiler.plan.git_merge import write_attributes
    from aimass_compiler.starter import InitOptions, create, propose, taken

    project, model = project_of(arguments), _model(arguments)
    path = project.root / conventions.SPECS_FOLDER / f"{model}.yaml"
    if path.exists():  # before the data is read, which may take long
        findings.show(taken(project.shown(path)), {}, "people")
        return ExitCode.FAILED
    shown = project.shown(arguments.data)
    wanted = InitOptions(arguments.target, arguments.positive, arguments.split, arguments.task)
    count = RowCount(shown)
    text, problems, guesses = propose(arguments.data, shown, model, wanted, count)
    count.clear()
    if not problems:
        problems = create(path, text, project.shown(path))
    if problems:
        findings.show(problems, {}, "people")
        return ExitCode.FAILED
    write_attributes(project.generated)
    for what, message in guesses:
        print(f"  {what + ':':<10} {safe(message)}")
    print(f"wrote {project.shown(path)}: read it, then `aimass run {model}`")
    team = conventions.TEAM_FILE.format(team=team_of(model))
    if team_of(model) and not (project.root / team).exists():
        print(f"`{team}` is to describe its team and is not there yet; an empty file is enough")
    if not (project.root / conventions.SCHEMA_FILE).exists():
        print("`aimass schema --write` once lets editors complete and explain specs")
    return ExitCode.DONE
