"""Settings of pods with which none would find a node, trials would be lost, or nothing would change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from aimass_compiler import conventions
from aimass_compiler.diagnostics import Example, Explanation, Finding, Path, Severity
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.override_locations import place_in
from aimass_compiler.pipeline.pod_settings import EnvironmentPods, NodeLabels, PodSettings, SpotNodes

_PODS = "environments: {dev: {pods: "
EXPLANATIONS = (
    Explanation(
        "AM525",
        "no node can have these labels",
        "Pods run on nodes that have all labels that are asked for. A label that an `accelerator` or `spot` "
        "asks for has another value in `nodes`, and no node has a label twice: pods would wait for ever. "
        "Leave the label out of `nodes`.",
    ),
    Explanation(
        "AM526",
        "a trial whose node is taken back is lost",
        "Workers of training jobs run on nodes that the cloud may take back at any time (`spot`). A trial "
        "whose node goes is tried again on another one, `training.retries` times, and goes on from its last "
        "epoch where it learns in epochs. With `retries: 0` it counts as failed.",
    ),
    Explanation(
        "AM527",
        "no training job runs in this environment",
        "Models are trained in the first environment of aimass.yaml, so what is said of the pods of training "
        "jobs in another one changes nothing.",
    ),
)
EXAMPLES = (
    Example(
        "AM525",
        _PODS + '{training: {nodes: {cloud.google.com/gke-spot: "false"}, spot: gke}}}}\n',
        _PODS + "{training: {nodes: {pool: training}, spot: gke}}}}\n",
        "settings",
    ),
    Example(
        "AM526",
        "training: {retries: 0}",
        "training: {retries: 3}",
        settings=_PODS + "{training: {spot: gke}}}}",
    ),
    Example(
        "AM527",
        "environments: {dev: {}, prod: {pods: {training: {spot: gke}}}}\n",
        "environments: {dev: {pods: {training: {spot: gke}}}, prod: {}}\n",
        "settings",
    ),
)

_SETTINGS = conventions.SETTINGS_FILE


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """What the settings of pods ask that no node has, that loses trials, or that changes nothing."""
    for place, (name, settings) in enumerate(pipeline.settings.environments.items()):
        if settings.pods is not None:
            path: Path = ("environments", name, "pods")
            yield from _contradictions(pipeline, name, settings.pods)
            if place:
                yield from _unused(pipeline, path, settings.pods)
            else:
                yield from _lost_trials(pipeline, name, settings.pods)


def labels(pods: EnvironmentPods) -> Iterator[tuple[Path, str, Mapping[str, str]]]:
    """All labels and annotations, of objects and of nodes: where they stand, and what they are."""
    parts: list[tuple[Path, PodSettings | None]] = [
        ((), pods),
        (("serving",), pods.serving),
        (("training",), pods.training),
    ]
    for path, part in parts:
        if part is None:
            continue
        yield (*path, "nodes"), "label", dict.fromkeys(part.nodes or (), "")
        if part.identity is not None:
            yield (*path, "identity", "labels"), "label", part.identity.labels or {}
            annotations = dict.fromkeys(part.identity.annotations or (), "")
            yield (*path, "identity", "annotations"), "annotation", annotations
    if pods.training is not None and isinstance(pods.training.spot, SpotNodes):
        yield ("training", "spot", "nodes"), "label", dict.fromkeys(pods.training.spot.nodes, "")


def _contradictions(pipeline: Pipeline, name: str, pods: EnvironmentPods) -> Iterator[Finding]:
    """Labels that something else asks for with another value."""
    path: Path = ("environments", name, "pods")
    spot, here = pods.of_training.spot_nodes, pipeline.environments.get(name)
    if spot is not None:
        is_own = pods.training is not None and pods.training.nodes is not None
        at = (*path, *(("training",) if is_own else ()), "nodes")
        yield from _conflicts(at, pods.of_training.nodes or {}, spot.nodes, "`spot`")
    if here is not None and here.server_accelerators and here.accelerator and here.accelerator.label:
        is_own = pods.serving is not None and pods.serving.nodes is not None
        at = (*path, *(("serving",) if is_own else ()), "nodes")
        needed = {here.accelerator.label: here.accelerator.name}
        yield from _conflicts(at, pods.of_serving.nodes or {}, needed, "its `accelerator`")


def _conflicts(path: Path, nodes: NodeLabels, needed: NodeLabels, who: str) -> Iterator[Finding]:
    for key in sorted(nodes.keys() & needed.keys()):
        wanted = needed[key]
        if wanted not in (nodes[key], *(nodes[key] if isinstance(nodes[key], tuple) else ())):
            message = f"no node can have this label twice: {who} asks for `{key}: {wanted}`"
            yield Finding("AM525", (*path, key), message, help=f"leave `{key}` out", file=_SETTINGS)


def _lost_trials(pipeline: Pipeline, name: str, pods: EnvironmentPods) -> Iterator[Finding]:
    here = pipeline.environments.get(name)
    if here is None or here.training.retries or pods.of_training.spot_nodes is None:
        return
    message = f"in `{name}` workers run on nodes that may be taken back, and no trial is then tried again"
    path = place_in(pipeline, name, "training.retries")
    yield Finding("AM526", path, message, help="write `retries: 3`", severity=Severity.WARNING)


def _unused(pipeline: Pipeline, path: Path, pods: EnvironmentPods) -> Iterator[Finding]:
    """Where a team says it of all of its environments, the first is among them."""
    team, at = pipeline.settings.team, (*path, "training")
    keys = [*pods.training.written()] if pods.training is not None else []
    origins = [team.origin_of((*at, *key)) if team else None for key in keys]
    if keys and all(origin is None or origin[1][0] == "environments" for origin in origins):
        first = next(iter(pipeline.settings.environments))
        message = f"models are trained in `{first}`, so this changes nothing in `{path[1]}`"
        hint = f"write it below `environments.{first}.pods`"
        yield Finding("AM527", at, message, help=hint, severity=Severity.WARNING, at_key=True, file=_SETTINGS)
