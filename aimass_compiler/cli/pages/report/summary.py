"""What a model is for, who owns it, and how it stands, in a few lines."""

from __future__ import annotations

from collections.abc import Iterator

from aimass_compiler.catalog.metric import metric_title
from aimass_compiler.cli.pages.blocks import Block, Cell, Pairs, StatusSentence, StatusText, Tone, number
from aimass_compiler.cli.pages.report.run_results import RunResults
from aimass_compiler.stages import artifacts


def blocks(results: RunResults) -> Iterator[Block]:
    """The pairs of the model, and what the evaluation says of its fit."""
    yield Pairs([*_pairs(results)])
    fit = results.document(artifacts.VERDICT).get("fit")
    if fit:
        has_target = results.pipeline.task.has_target
        tone: Tone = "" if not has_target else "good" if fit["verdict"] == "fits" else "doubtful"
        yield StatusSentence(
            f"The model {fit['verdict']}: {fit['reason']}." if has_target else f"{fit['reason']}.", tone
        )


def _pairs(results: RunResults) -> Iterator[tuple[str, Cell]]:
    pipeline = results.pipeline
    best = results.document(artifacts.BEST)
    yield "owner", pipeline.metadata.owner or "–"
    yield "predicts", ", ".join(pipeline.task.targets) or pipeline.task.kind
    yield "model", str(best.get("model") or ", ".join(each.kind for each in pipeline.model.candidates))
    reached = results.document(artifacts.METRICS).get("test", {})
    metric = pipeline.objective.metric
    if metric in reached:
        yield f"{metric_title(metric, pipeline.task)} on the test split", number(reached[metric])
    gates = results.document(artifacts.VERDICT).get("gates", [])
    if gates:
        missed = sum(not gate["passed"] for gate in gates)
        held = f"{len(gates) - missed} of {len(gates)} held"
        yield "gates", StatusText(held, "bad" if missed else "good")
    test = results.document(artifacts.SERVICE_REPORT)
    if not results.is_packaged:
        test = {}  # of an earlier run, as the section of the service says
    if "passed" in test:
        yield "service test", StatusText("passed", "good") if test["passed"] else StatusText("failed", "bad")
    if "version" in test:
        yield "package", str(test["version"])
    if "trained_at" in best:
        yield "trained", str(best["trained_at"])
