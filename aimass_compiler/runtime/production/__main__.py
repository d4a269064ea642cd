"""`python -m aimass_compiler.runtime.production MODEL`: measure a model in production; `aimass truth`
and a scheduled pod call it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimass_compiler import conventions
from aimass_compiler.character_set import print_everywhere
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.model_path import name_of
from aimass_compiler.records.query import RecordsWanted, ask
from aimass_compiler.runtime.evaluation.measures import metrics_of
from aimass_compiler.runtime.failure import StageFailure, exit_code
from aimass_compiler.runtime.parts import read_parts
from aimass_compiler.runtime.production import exposition
from aimass_compiler.runtime.production.judged_rows import truth_of, usable
from aimass_compiler.runtime.production.report import EvaluationCriteria, report
from aimass_compiler.runtime.workspace import Workspace, read_json, write_json
from aimass_compiler.stages import PRODUCTION, artifacts

if TYPE_CHECKING:
    import polars

    from aimass_compiler.catalog.task import Task
    from aimass_compiler.pipeline.monitoring import Labels


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, write production.json and tell Prometheus; answers an ExitCode."""
    print_everywhere()
    parsed = _parser().parse_args(arguments)
    return exit_code("truth", lambda: _measure(parsed, Workspace(parsed.root.resolve(), parsed.model)))


def _measure(parsed: argparse.Namespace, workspace: Workspace) -> ExitCode:
    written = parsed.pipeline or workspace.generated / conventions.PIPELINE_FILE
    parts, model, now = read_parts(written, PRODUCTION), name_of(parsed.model), datetime.now(UTC)
    labels, task = parts["labels"], _named(parts["task"], workspace, parsed.package)
    since = now - timedelta(seconds=labels.window.seconds + labels.delay.seconds)
    namespace, table = _recorded(parsed.store, model, parsed.namespaces, task, since)
    truth = truth_of(labels, task, parts["columns"], workspace.root)
    standard = EvaluationCriteria(
        task, metrics_of(parts["evaluation"], parts["objective"]), parts["evaluation"], parts["columns"]
    )
    found = {"model": model, "namespace": namespace} | report(table, truth, labels, standard, now)
    found["reference"] = _reference(workspace, found["metrics"])
    write_json(workspace.path(artifacts.PRODUCTION), found)
    _tell(found, labels)
    registry = exposition.series(model, namespace, found)
    if parsed.textfile is not None:
        exposition.write(registry, parsed.textfile)
    if parsed.push is not None:
        exposition.push(registry, parsed.push, model, namespace)
    if parsed.port is not None:
        exposition.show(registry, parsed.port)
        return ExitCode.DONE  # who watches hears of missed gates; the job did what it should
    is_missed = any(not gate["passed"] for gate in found["gates"])
    return ExitCode.GATE if is_missed else ExitCode.DONE


def _recorded(
    store: str, model: str, namespaces: Iterable[str], task: Task, since: datetime
) -> tuple[str, polars.DataFrame]:
    """The first of the namespaces in which the model has records, and these. Raises StageFailure."""
    for namespace in namespaces:
        wanted = RecordsWanted(model=model, namespaces=(namespace,), since=since)
        found = ask(store, wanted)
        if found.num_rows:
            table = usable(found, task)
            if table.height:
                return namespace, table
    message = f"{store} has no records of {model} since {since:%Y-%m-%d %H:%M}"
    raise StageFailure(ExitCode.DATA, message, "`serving.logs.predictions.sample` says how many are recorded")


def _named(task: Task, workspace: Workspace, package: Path | None) -> Task:
    """The task with its classes, as training found them where the spec does not say them."""
    if package is not None:
        return task.naming(read_json(package / conventions.SIGNATURE_FILE).get("labels") or task.classes)
    best = workspace.path(artifacts.BEST)
    return task.naming(read_json(best).get("classes", task.classes)) if best.is_file() else task


def _reference(workspace: Workspace, metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The same metrics on the test split, where this checkout has them."""
    path = workspace.path(artifacts.METRICS)
    measured = read_json(path).get("test", {}) if path.is_file() else {}
    return {name: measured[name] for name in metrics if name in measured}


def _tell(found: Mapping[str, Any], labels: Labels) -> None:
    due = found["coverage"]
    coverage = "" if due is None else f", {due:.0%} of those older than {labels.delay}"
    print(
        f"{found['model']} in {found['namespace']}, version {found['version']}: the truth of "
        f"{found['labelled']:,} of {found['records']:,} recorded rows is known{coverage}"
    )
    estimated = found["estimated"]["metrics"]
    for name, value in found["metrics"].items():
        told = "not measured" if value is None else f"{value:.4g}"
        reference = found["reference"].get(name)
        told += "" if reference is None else f" (test split: {reference:.4g})"
        print(f"  {name}: {told}{_estimated(estimated[name]) if name in estimated else ''}")
    for gate in found["gates"]:
        mark = "kept" if gate["passed"] else "surely missed" if gate["surely_missed"] else "missed"
        part = "".join(f" where {name} is {value}" for name, value in gate.get("slice", {}).items())
        print(f"  gate {gate['metric']}{part} {gate['condition']}: {mark}")


def _estimated(each: Mapping[str, float]) -> str:
    error = f", off by {each['error']:+.2g} where it is known" if "error" in each else ""
    about = f"{each['value']:.4g} ({each['low']:.4g} to {each['high']:.4g}{error})"
    return f"; of rows without a truth about {about}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m aimass_compiler.runtime.production", description=__doc__)
    parser.add_argument("model", help="the model's name: its folder below generated/")
    parser.add_argument("namespaces", nargs="+", help="where records may be from; the first that has any")
    parser.add_argument("--store", required=True, help="the store of records")
    parser.add_argument("--textfile", type=Path, help="a file for the node exporter's textfile collector")
    parser.add_argument("--push", help="the address of a Pushgateway")
    parser.add_argument(
        "--port", type=int, help="where Prometheus asks for two scrapes (default: nowhere); it hears of gates"
    )
    parser.add_argument("--pipeline", type=Path, help="what is read of the pipeline (default: in generated/)")
    parser.add_argument("--package", type=Path, help="the package that serves (default: what the run left)")
    parser.add_argument("--root", type=Path, default=Path(), help="the project's root (default: here)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
