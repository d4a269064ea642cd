"""What Kubernetes cannot say of a model's serving, told before it refuses or does something else."""

from __future__ import annotations

from collections.abc import Iterator

from aimass_compiler.diagnostics import Example, Explanation, Finding, Severity
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.override_locations import place_in, written
from aimass_compiler.render.serving import scaling_findings

EXPLANATIONS = (
    Explanation(
        "AM411",
        "Kubernetes takes whole percentages here",
        "The API of the Deployment and of the autoscaler counts whole percentages, and an Argo Rollout "
        "counts whole weights. Write a whole number.",
    ),
    Explanation(
        "AM412",
        "the servers cannot divide the traffic like this",
        "Without `serving.gateway` no proxy divides the traffic. Argo Rollouts then runs so many servers of "
        "the new version that their share comes close: 5 % of three servers is one of four. Add "
        "`serving.gateway` for exact shares, or more replicas for finer ones.",
    ),
)
EXAMPLES = (
    Example("AM411", "serving: {rollout: {surge: 12.5%}}", "serving: {rollout: {surge: 25%}}"),
    Example(
        "AM412",
        "environments: {prod: {serving: {rollout: {canary: [5, 100]}}}}",
        "environments: {prod: {serving: {rollout: {canary: [5, 100]}, gateway: {host: churn.example.com}}}}",
    ),
)

#: Per cent.
_WHOLE = 100


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Values that the serving manifests cannot carry."""
    yield from _percentages(pipeline)
    yield from _weights(pipeline)
    yield from _inexact_canaries(pipeline)
    yield from scaling_findings.findings(pipeline)


def _percentages(pipeline: Pipeline) -> Iterator[Finding]:
    for path, surge in written(pipeline, "serving.rollout.surge"):
        if not surge.percent.is_integer():
            message = f"`surge` must be a whole percentage, not {surge}"
            yield Finding("AM411", path, message, help="write `25%`")
    for path, busy in written(pipeline, "serving.replicas.cpu"):
        if not busy.percent.is_integer():
            message = f"`cpu` must be a whole percentage, not {busy}"
            yield Finding("AM411", path, message, help="write `70%`")


def _weights(pipeline: Pipeline) -> Iterator[Finding]:
    for path, steps in written(pipeline, "serving.rollout.canary"):
        for index, percent in enumerate(steps):
            if not float(percent).is_integer():
                message = f"a step of `canary` must be a whole percentage, not {percent:g}"
                yield Finding("AM411", (*path, index), message, help=f"write {max(1, round(percent))}")


def _inexact_canaries(pipeline: Pipeline) -> Iterator[Finding]:
    """Steps that whole servers cannot make, once for each canary; their order is told by a check."""
    seen = set()
    for name, environment in pipeline.environments.items():
        serving, where = environment.serving, place_in(pipeline, name, "serving.rollout.canary")
        steps, servers = serving.rollout.canary, serving.replicas.min
        inexact = [place for place, step in enumerate(steps) if (step * servers) % _WHOLE]
        is_judged = list(steps) == sorted(steps) and steps[-1:] == (_WHOLE,) and where not in seen
        if serving.gateway is not None or not inexact or not is_judged:
            continue
        seen.add(where)
        counted = "the one server" if servers == 1 else f"the {servers} servers"
        message = f"{steps[inexact[0]]:g} % of {counted} of `{name}` is no whole number of servers"
        hint = f"add `serving.gateway` for exact shares, or make steps of {_WHOLE / servers:.3g} %"
        yield Finding("AM412", (*where, inexact[0]), message, help=hint, severity=Severity.WARNING)
