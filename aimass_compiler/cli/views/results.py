"""What a run found: the best trials, the metrics and gates, the service, and where everything lies."""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimass_compiler import artifacts, conventions
from aimass_compiler.cli.views.table import table

if TYPE_CHECKING:
    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.task import Task

_BEST = 5
#: From here on decimals say nothing, and an exponent would be harder to read.
_LARGE = 10_000


def drawn(folder: Path, pipeline: Pipeline, reached: Container[str], status: int) -> str:
    """The results below a model's artifacts; stages that a run did not reach left theirs earlier."""
    lines: list[str] = []
    if "train" in reached:
        lines += _trials(_read(folder / artifacts.TRIALS), _read(folder / artifacts.BEST))
    if "evaluate" in reached:
        lines += _metrics(pipeline.task, _read(folder / artifacts.METRICS), _read(folder / artifacts.VERDICT))
    if "test" in reached and status == 0:
        lines += [*_service(_read(folder / artifacts.SERVICE_REPORT)), *_places(pipeline, folder.parents[1])]
    return "".join(f"{line}\n" for line in lines)


def _read(path: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return document


def _trials(found: Mapping[str, Any], best: Mapping[str, Any]) -> Iterator[str]:
    if not found or not best or found["totals"]["trials"] < 2:  # noqa: PLR2004  # one trial is no search
        return
    totals = found["totals"]
    yield ""
    yield (
        f"search: {totals['trials']} trials in {totals['search_seconds']:.0f} s "
        f"({totals['stopped']} stopped early, {totals['failed']} failed)"
    )
    done = [trial for trial in found["trials"] if trial["status"] == "done"]
    sign = -1 if best["greater_is_better"] else 1
    ranked = sorted(done, key=lambda trial: (sign * trial["value"], trial["id"]))
    names = list(ranked[0]["parameters"]) if ranked else []
    rows = [["trial", best["metric"], *names]]
    rows += [
        [str(trial["id"]), _shown(trial["value"]), *(_shown(trial["parameters"][name]) for name in names)]
        for trial in ranked[:_BEST]
    ]
    yield from table(rows)


def _metrics(task: Task, found: Mapping[str, Any], verdict: Mapping[str, Any]) -> Iterator[str]:
    if not found or not verdict:
        return
    from aimass_compiler.catalog.metric import metric_title

    yield ""
    yield "metrics:"
    rows = [["", *conventions.SPLITS]]
    rows += [
        [metric_title(name, task), *(_shown(found[split][name]) for split in conventions.SPLITS)]
        for name in found["train"]
    ]
    yield from table(rows)
    gates = ", ".join(
        f"{'✓' if gate['passed'] else '✗'} {gate.get('name', gate['metric'])} {gate['condition']}"
        for gate in verdict["gates"]
    )
    yield f"  gates: {gates or 'none'}; the model {verdict['fit']['verdict']}"


def _service(report: Mapping[str, Any]) -> Iterator[str]:
    if not report:
        return
    correctness, efficiency = report["correctness"], report["efficiency"]
    percentiles = efficiency["latency_milliseconds"].items()
    latency = ", ".join(f"{name} {value:.2g} ms" for name, value in percentiles)
    largest, rate = correctness["largest_difference"], efficiency["requests_per_second"]
    yield ""
    yield "service:"
    yield f"  {correctness['rows']:,} rows answered like the batch, at most {largest:.1g} off"
    yield f"  {efficiency['requests']:,} requests at {rate:.0f} a second: {latency}"


def _committed(root: Path, model: str) -> list[str]:
    """What git is to have of a run: what was written, what ran for it, and which data it ran with."""
    from aimass_compiler.effects.consistency import tracked_data

    tracked = tracked_data(root, model)
    beside = dict.fromkeys(f"{path.rpartition('/')[0]}/.gitignore".lstrip("/") for path in tracked)
    ignoring = dict.fromkeys([*beside, ".gitignore"])
    there = [path for path in ignoring if (root / path).exists()]
    return [conventions.SPECS_FOLDER, conventions.GENERATED_FOLDER, *tracked, ".dvc", *there]


def _places(pipeline: Pipeline, root: Path) -> Iterator[str]:
    name = pipeline.name
    overlays = f"{conventions.GENERATED_FOLDER}/{name}/overlays"
    folder = f"{conventions.ARTIFACTS_FOLDER}/{name}"
    yield ""
    yield "where things are:"
    yield from table(
        [
            ["model", f"{folder}/{artifacts.PACKAGED_MODEL}"],
            ["model card", f"{folder}/{artifacts.MODEL_CARD}"],
            ["manifests", f"{overlays}/{{{','.join(pipeline.environments)}}}"],
        ]
    )
    yield ""
    yield "what to try next:"
    yield from table(
        [
            [f"aimass serve {name}", f"serve it on port {conventions.PORT}"],
            [f"aimass predict {name} --example", "ask it about one row"],
            [f"aimass explain {name}", "the spec with every default and where it comes from"],
            [f"git add {' '.join(_committed(root, name))}", "commit what was declared, and what ran for it"],
            [f"aimass image {name}", "put together its image, and see how it is built"],
            [
                f"kubectl apply -k {overlays}/{next(iter(pipeline.environments))}",
                "deploy it, once the image is pushed",
            ],
        ]
    )


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= _LARGE else f"{value:.4g}"
