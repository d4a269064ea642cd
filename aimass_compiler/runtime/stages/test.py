"""The sixth stage: start the real server on the package: right answers, fast answers, no falling over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars

from aimass_compiler import conventions
from aimass_compiler.catalog.forecast_request import request_rows
from aimass_compiler.runtime.load_test.access_enforcement import access_faults
from aimass_compiler.runtime.load_test.conclusion import require_fit_to_serve, write_service_report
from aimass_compiler.runtime.load_test.protocols import PLAIN, ServedSignature
from aimass_compiler.runtime.load_test.service import measure
from aimass_compiler.runtime.packaging.rows import as_json
from aimass_compiler.runtime.parity import unit_of
from aimass_compiler.runtime.stages import answer_test
from aimass_compiler.runtime.workspace import Workspace, read_json
from aimass_compiler.stages import artifacts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aimass_compiler.catalog.quantities import Duration
    from aimass_compiler.catalog.task import Task
    from aimass_compiler.pipeline.access import Access
    from aimass_compiler.pipeline.serving import Latency, Limits, Objectives, ServingTests
    from aimass_compiler.runtime.load_test.load import ServiceMeasurements

#: Rows that are asked one against one; more would measure the same graph again.
_MOST_ROWS = 2_000
_PERCENTILES = ("p50", "p95", "p99")


def run(
    task: Task,
    objectives: Objectives,
    tests: ServingTests,
    limits: Limits,
    access: Access | None = None,
    *,
    workspace: Workspace,
    soak: Duration | None = None,
) -> None:
    """Write what was measured; only then a server that is wrong, slow or unstable stops the pipeline.

    `soak` holds the load that long instead, and the server's memory must not grow meanwhile.
    Raises StageFailure with everything that was wrong, in numbers.
    """
    if task.conversation is not None:
        answer_test.run(task, objectives, tests, limits, access, workspace=workspace, soak=soak)
        return
    package = workspace.folder(artifacts.PACKAGE)
    signature = read_json(package / conventions.SIGNATURE_FILE)
    rows, expected, unit = _evaluated(task, signature["inputs"], workspace)
    measured = measure(package, rows, expected, tests, limits, unit=unit, soak=soak)
    faults = list(faults_of(measured, objectives, tests))
    if access is not None and soak is None:
        served = ServedSignature(signature)
        faults += access_faults(package, access, PLAIN.request(served, [served.example]))
    report = {"version": signature["version"], **_report(measured, objectives.latency, faults)}
    write_service_report(workspace, report, is_soak=soak is not None)
    _print(task, measured)
    require_fit_to_serve(faults, "latency was")


def _evaluated(
    task: Task, inputs: Sequence[Mapping[str, Any]], workspace: Workspace
) -> tuple[list[dict[str, Any]], list[Any], float]:
    """Rows as callers send them, what `evaluate` had for them, and the unit in which answers may differ."""
    horizon = 1 if task.forecast is None else task.forecast.horizon
    most = max(1, _MOST_ROWS // horizon) * horizon
    raw = polars.read_parquet(workspace.path(artifacts.rows("test"))).head(most)
    evaluated = polars.read_parquet(workspace.path(artifacts.PREDICTIONS)).head(most)
    scores = evaluated["scores"]
    unit = unit_of(task, evaluated["truth"].to_numpy(), scores.explode().to_numpy())
    expected = scores.to_list()
    if task.forecast is not None:
        expected = scores.explode().to_numpy().reshape(-1, horizon).tolist()
    return as_json(request_rows(raw, inputs, task), inputs), expected, unit


def _print(task: Task, measured: ServiceMeasurements) -> None:
    answer = conventions.PROBABILITIES_OUTPUT if task.is_classification else conventions.PREDICTION_OUTPUT
    of_range = "" if task.is_classification else " of the target's range"
    off = f"{answer} at most {measured.largest_difference:.2g}{of_range} off"
    print(f"{measured.rows:,} rows answered, {off}", flush=True)
    latencies = ", ".join(f"{name} {_milliseconds(measured.latency_seconds[name])}" for name in _PERCENTILES)
    rate = f"{measured.requests:,} requests at {measured.requests_per_second:.0f} a second"
    print(f"{rate}: {latencies}", flush=True)


def faults_of(measured: ServiceMeasurements, objectives: Objectives, tests: ServingTests) -> Iterator[str]:
    """Why the served model must not be released, each with its numbers."""
    if measured.wrong_rows:
        yield (
            f"{measured.wrong_rows:,} of {measured.rows:,} rows were answered up to "
            f"{measured.largest_difference:.2g} off, where `serving.tests.tolerance` is {tests.tolerance:g}"
        )
    failed = measured.failed_requests / max(1, measured.requests)
    if failed > 1 - objectives.availability.fraction:
        yield (
            f"{measured.failed_requests:,} of {measured.requests:,} good requests failed ({failed:.2%}), "
            f"where `serving.objectives.availability` is {objectives.availability}"
            + "".join(f"; {count:,} got {what}" for what, count in measured.failures.items())
        )
    for name in _PERCENTILES:
        limit, found = getattr(objectives.latency, name), measured.latency_seconds[name]
        if limit is not None and found > limit.seconds:
            yield f"{name} of the latency is {_milliseconds(found)}, where its objective is {limit}"
    yield from measured.faults


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.3g}ms"


def _report(measured: ServiceMeasurements, objectives: Latency, faults: Sequence[str]) -> dict[str, Any]:
    limits = {name: getattr(objectives, name) for name in _PERCENTILES}
    return {
        "passed": not faults,
        "correctness": {
            "rows": measured.rows,
            "wrong_rows": measured.wrong_rows,
            "largest_difference": measured.largest_difference,
        },
        "efficiency": {
            "requests": measured.requests,
            "requests_per_second": measured.requests_per_second,
            "latency_milliseconds": {name: measured.latency_seconds[name] * 1000 for name in _PERCENTILES},
            "objective_milliseconds": {
                name: limit.seconds * 1000 for name, limit in limits.items() if limit is not None
            },
        },
        "stability": {"failed_requests": measured.failed_requests, "faults": len(measured.faults)},
        "faults": list(faults),
    }
