"""Hold what servers ask for against what they used, and propose other resources.

Asks Prometheus what the busiest server of each model used in the period: memory at most, and CPU in 95 of
100 intervals of five minutes. It goes by what the kubelet measures of containers, or else by what servers
say of themselves. Memory is proposed with a fifth to spare, CPU with 15 %. With --write, the specs get what
is proposed, each environment apart. Resources train nothing again; `aimass plan` then says which servers are
replaced.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from aimass_compiler.cli import clusters, terminal
from aimass_compiler.cli.rewrite import Rewritten, rewrite
from aimass_compiler.cli.selection import UnknownName, add_root, project_of, specs_of
from aimass_compiler.diagnostics import did_you_mean
from aimass_compiler.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aimass_compiler.delivery.measured_use import MeasuredUse, SizeProposal
    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.project import Project

EXIT_CODES = (ExitCode.UNREACHABLE,)
EXAMPLES = """
  aimass size                              every model, in every environment, over two weeks
  aimass size churn --env prod --over 30d --write
  aimass size --measures use.json          by a file, where Prometheus cannot be reached from here
"""
_USUAL = "14d"


def declare(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument(
        "models", metavar="MODEL", nargs="*", help="the name of a model, or the path of its spec"
    )
    parser.add_argument("--env", metavar="ENV", help="only in this environment")
    clusters.add_duration(parser, "--over", _USUAL, "the period")
    parser.add_argument(
        "--prometheus", metavar="URL", help="who is asked (default: prometheus.url of aimass.yaml)"
    )
    parser.add_argument("--measures", type=Path, metavar="FILE", help="go by a JSON file instead")
    parser.add_argument("--write", action="store_true", help="write what is proposed into the specs")
    parser.add_argument("--diff", action="store_true", help="show the changes of the specs line by line")
    parser.add_argument("--format", choices=("people", "json"), default="people", help="for whom")
    add_root(parser)


def run(arguments: argparse.Namespace) -> int:
    """Ask, show and write; answers an ExitCode."""
    from aimass_compiler.cli.views import findings, size
    from aimass_compiler.compile import Upto, compile_specs
    from aimass_compiler.delivery.measured_use import NotMeasured
    from aimass_compiler.diagnostics import has_errors
    from aimass_compiler.programs.prometheus import PrometheusError

    project = project_of(arguments)
    compiled = compile_specs(project, specs_of(project, arguments.models), upto=Upto.CHECK)
    if has_errors(compiled.findings):
        findings.show(compiled.findings, compiled.documents, "people")
        return ExitCode.FAILED
    try:
        proposals = list(_proposals(arguments, compiled.pipelines))
    except PrometheusError as error:
        terminal.error(str(error), "name another address with --prometheus, or a file with --measures")
        return ExitCode.UNREACHABLE
    except NotMeasured as error:
        terminal.error(str(error), error.help)
        return ExitCode.USAGE
    if not proposals:
        hint = "--over names a longer period; `prometheus.labels` says how Prometheus finds servers"
        terminal.error("nothing was measured of these models", hint)
        return ExitCode.FAILED
    sys.stdout.write(size.as_json(proposals) if arguments.format == "json" else size.drawn(proposals))
    sys.stdout.flush()
    return _changed(arguments, project, proposals)


def _proposals(arguments: argparse.Namespace, pipelines: Mapping[str, Pipeline]) -> Iterator[SizeProposal]:
    """Of all models with servers of their own. Raises PrometheusError, NotMeasured and UnknownName."""
    from aimass_compiler.delivery.measured_use import by_file, proposal

    known = {name for pipeline in pipelines.values() for name in pipeline.environments}
    if arguments.env and arguments.env not in known:
        message = f"there is no environment `{arguments.env}`"
        raise UnknownName(message, did_you_mean(arguments.env, known))
    measures = by_file(arguments.measures) if arguments.measures else None
    for path, pipeline in sorted(pipelines.items()):
        for name, here in pipeline.environments.items():
            has_others = here.serving.shared is not None or here.serving.adapter_of is not None
            if has_others or arguments.env not in (None, name):
                continue
            used = (
                measures.get(path, {}).get(name)
                if measures is not None
                else _asked(arguments, pipeline, here.namespace)
            )
            if used is not None:
                yield proposal(path, name, here.serving.resources, used)


def _asked(arguments: argparse.Namespace, pipeline: Pipeline, namespace: str) -> MeasuredUse | None:
    from aimass_compiler.delivery.measured_use import by_prometheus

    prometheus = pipeline.settings.prometheus
    address = arguments.prometheus or prometheus.address
    return by_prometheus(address, prometheus.tenant, pipeline.name, namespace, arguments.over)


def _changed(arguments: argparse.Namespace, project: Project, proposals: list[SizeProposal]) -> int:
    """Show what would be written, or write it; answers an ExitCode."""
    from aimass_compiler.diagnostics import Assign
    from aimass_compiler.spec.edits.set_values import NotSettable, with_values
    from aimass_compiler.spec.yaml.reader import read_document

    files: dict[Path, Rewritten] = {}
    for model in dict.fromkeys(each.model for each in proposals):
        spec = next(path for path in project.specs() if project.model_of(path) == model)
        document, _ = read_document(spec, project.shown(spec))
        edits = [
            Assign(("environments", each.environment, "serving", "resources", key), value)
            for each in proposals
            if each.model == model
            for key, value in (("cpu", each.cpu), ("memory", each.memory))
            if value is not None
        ]
        try:
            text = with_values(document, edits)
        except NotSettable as error:
            terminal.error(str(error), error.help)
            return ExitCode.FAILED
        files[spec] = Rewritten(spec.read_bytes(), text.encode())
    arguments.dry_run, arguments.check = not arguments.write, False
    if arguments.format == "json" and not arguments.write:
        return ExitCode.DONE
    return rewrite(arguments, project, files, "", "has what is proposed")
