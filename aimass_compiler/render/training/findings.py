"""What a Ray cluster on Kubernetes cannot do of a model's training, and what KubeRay would refuse."""

from __future__ import annotations

import re
from collections.abc import Iterator

from aimass_compiler import conventions
from aimass_compiler.diagnostics import Example, Explanation, Finding, Severity
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.override_locations import written
from aimass_compiler.render.names import is_dns_name, is_label_value, ray_version

EXPLANATIONS = (
    Explanation(
        "AM299",
        "there is no training job that this could be about",
        "With `generated.training_job: false` in aimass.yaml no model has the folder train/, and so no job "
        "in the cluster: models are trained where `aimass run` runs. A schedule of `monitoring.retrain` "
        "starts nothing then, and what is said of a `trainer` or a `queue` holds for no one. Leave it out, "
        "have the job generated, or set `ci.github.training.schedule`.",
    ),
    Explanation(
        "AM441",
        "the training image does not name a version of Ray that can be used",
        "KubeRay must know Ray's version to guard the cluster with a token, which takes Ray 2.52.0 or "
        "newer. The version is read from the tag of `images.ray` in aimass.yaml, so keep the tag also where "
        "you pin a digest.",
    ),
    Explanation(
        "AM444",
        "models are trained in the first environment only",
        "A model is trained once and then promoted, so that what is tested is what serves. The training job "
        "runs in the first environment of aimass.yaml; the training and retraining of others change "
        "nothing.",
    ),
    Explanation(
        "AM445",
        "nothing looks for a reason to train again",
        "Drift and lost quality are alerts of Prometheus, new rows are in a store, and Kubernetes has no "
        "object that starts a job for either. `aimass retrain` looks for all of them; a workflow runs it "
        "where `ci.github.training.watch` of aimass.yaml says when, and so may any clock of yours. Until "
        "then the alerts only call people.",
    ),
    Explanation(
        "AM446",
        "the queue's name is not one that Kubernetes takes",
        "The Kueue queue in aimass.yaml is an object's name, which stands in a label: up to 63 small "
        "letters, digits, `-` and `.`. No queue has another name, so a job would wait for ever.",
    ),
    Explanation(
        "AM447",
        "the GPUs may stay unused",
        "The worker asks Kubernetes for GPUs, but what runs in it must bring CUDA. Ray's images say so in "
        "their tags, `-gpu` or `-cu124`; an image of your own may have it all the same.",
    ),
    Explanation(
        "AM448",
        "nothing brings files of the project to the cluster",
        "The training job runs in its own volume, `MODEL-workspace`, which starts empty. Put what it "
        "reads there, at the same paths as in the project, and refresh it before the schedule's time: the "
        "files of `data.sources`, and for a gate that `beats: released` what `aimass run` left in "
        "`artifacts/MODEL/released`; where that is missing the gate passes. Remote sources, such "
        "as `s3://…`, need no volume; and with `environments.ENV.store` in aimass.yaml the job brings what "
        "`aimass train` put there last. docs/training-on-a-cluster.md says how, and how the package "
        "comes back.",
    ),
    Explanation(
        "AM512",
        "what coordinates a TrainJob runs on spot nodes, too",
        "The nodes of a TrainJob are alike, and the first of them runs the stages. With `pods.training.spot` "
        "the cloud may take it back, too: the stages then start again, and a search goes on from the trials "
        "that it has. A RayJob (`training: {target: kuberay}`) keeps its head on other nodes.",
    ),
)
EXAMPLES = (
    Example(
        "AM512",
        "training: {target: kubeflow}\nenvironments: {dev: {pods: {training: {spot: gke}}}}\n",
        "training: {target: kubeflow}\nenvironments: {dev: {}}\n",
        "settings",
    ),
    Example(
        "AM299",
        "generated: {training_job: false}\nenvironments: {dev: {trainer: {user: ada}}}\n",
        "generated: {training_job: false}\nenvironments: {dev: {}}\n",
        "settings",
    ),
    Example(
        "AM441",
        'images: {ray: "rayproject/ray:nightly"}\n',
        'images: {ray: "rayproject/ray:2.55.1-py311"}\n',
        "settings",
    ),
    Example("AM444", "environments: {prod: {training: {seed: 7}}}", "training: {seed: 7}"),
    Example("AM445", "monitoring: {retrain: {on: drift}}", "monitoring: {retrain: {on: null}}"),
    Example("AM446", "queue: ml queue\n", "queue: ml-queue\n", "settings"),
    Example("AM447", "model: mlp\ntraining: {gpus: 1}", "model: mlp\ntraining: {gpus: 0}"),
    Example(
        "AM448",
        'monitoring: {retrain: {schedule: "0 3 * * 1"}}',
        "monitoring: {retrain: {schedule: null}}",
    ),
)

_OLDEST_RAY = (2, 52, 0)
#: What the tags of Ray's images say when CUDA is inside: `-gpu`, `-cu124`.
_HAS_CUDA = re.compile(r":[^@]*-(gpu|cu[0-9]+)(?=[-@]|$)")


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """Values that the job cannot carry, or that change nothing, and reasons that no one looks for."""
    yield from _on_drift(pipeline)
    if not pipeline.settings.generated.training_job:
        yield from _without_job(pipeline)
        return
    yield from _settings(pipeline)
    yield from _cuda(pipeline)
    yield from _elsewhere(pipeline)
    yield from _on_volume(pipeline)
    yield from _on_spot(pipeline)


def _on_spot(pipeline: Pipeline) -> Iterator[Finding]:
    first = next(iter(pipeline.environments), None)
    if first is None or pipeline.job_target != "kubeflow":
        return
    if pipeline.settings.pods_of(first).of_training.spot is not None:
        message = "the first node of a TrainJob runs the stages, and may be taken back like all others"
        path = ("environments", first, "pods", "training", "spot")
        hint = "leave `spot` out, or train by `target: kuberay`, whose head stays on other nodes"
        file, severity = conventions.SETTINGS_FILE, Severity.WARNING
        yield Finding("AM512", path, message, help=hint, severity=severity, file=file)


def _without_job(pipeline: Pipeline) -> Iterator[Finding]:
    settings, first = pipeline.settings, next(iter(pipeline.environments), "")
    hint = "leave it out, or write `generated: {training_job: true}` in aimass.yaml"
    message = "no training job is generated, so this changes nothing"
    said = [("queue",)] if settings.queue is not None else []
    if first and settings.environments[first].trainer is not None:
        said.append(("environments", first, "trainer"))  # type: ignore[arg-type]  # a longer path
    for path in said:
        file = conventions.SETTINGS_FILE
        yield Finding("AM299", path, message, help=hint, severity=Severity.WARNING, at_key=True, file=file)
    for place, schedule in written(pipeline, "monitoring.retrain.schedule"):
        if schedule is not None:
            yield Finding("AM299", place, message, help=hint, severity=Severity.WARNING)


def _settings(pipeline: Pipeline) -> Iterator[Finding]:
    image, queue = pipeline.settings.images.ray, pipeline.settings.queue
    version, file = ray_version(image), conventions.SETTINGS_FILE
    if version is None or version < _OLDEST_RAY:
        message = f"`{image}` does not name its version of Ray"
        if version is not None:
            shown = ".".join(map(str, version))
            message = f"`{image}` is Ray {shown}, which has no tokens; 2.52.0 is the oldest that has"
        yield Finding(
            "AM441", ("images", "ray"), message, help="write `rayproject/ray:2.55.1-py311`", file=file
        )
    if queue is not None and not (is_dns_name(queue) and is_label_value(queue)):
        message = f"`{queue}` cannot be the name of a queue"
        yield Finding("AM446", ("queue",), message, help="write it like `ml-queue`", file=file)


def _cuda(pipeline: Pipeline) -> Iterator[Finding]:
    image = pipeline.settings.images.ray
    if _HAS_CUDA.search(image):
        return
    for path, gpus in written(pipeline, "training.gpus"):
        if gpus:
            message = f"the training image is made from `{image}`, whose tag does not mention CUDA"
            hint = "set `images.ray` in aimass.yaml to one like `rayproject/ray:2.55.1-py311-gpu`"
            yield Finding("AM447", path, message, help=hint, severity=Severity.WARNING)


def _elsewhere(pipeline: Pipeline) -> Iterator[Finding]:
    first = next(iter(pipeline.environments), "")
    for part in ("training", "monitoring.retrain"):
        for path, _ in written(pipeline, part):
            if path[0] == "environments" and path[1] != first:
                message = f"models are trained in `{first}`, so this changes nothing in `{path[1]}`"
                hint = f"write it for all environments, or for `{first}`"
                yield Finding("AM444", path, message, help=hint, severity=Severity.WARNING, at_key=True)


def _on_drift(pipeline: Pipeline) -> Iterator[Finding]:
    github = pipeline.settings.ci.github
    if github is not None and github.training.watch is not None:
        return
    for path, cause in written(pipeline, "monitoring.retrain.on"):
        if cause is not None:
            message = (
                f"nothing looks for {' and '.join(f'`{each}`' for each in cause)}, so it starts no training"
            )
            hint = (
                "set `ci.github.training.watch` in aimass.yaml, or run `aimass retrain` by a clock of yours"
            )
            yield Finding("AM445", path, message, help=hint, severity=Severity.WARNING)


def _on_volume(pipeline: Pipeline) -> Iterator[Finding]:
    first, environment = next(iter(pipeline.environments.items()), ("", None))
    if environment is None or environment.monitoring.retrain.schedule is None:
        return
    if pipeline.settings.environments[first].store is not None:
        return
    read = [path for source in pipeline.data.sources.values() for path in source.dependencies()]
    read += pipeline.model.dependencies
    read += [path for transform in pipeline.features for path in transform.dependencies]
    if any(gate.beats == "released" for gate in pipeline.evaluation.gates):
        folder = f"{conventions.ARTIFACTS_FOLDER}/{pipeline.path}/{conventions.RELEASED_FOLDER}"
        read.append(f"{folder}/{conventions.RELEASED_FILE}")
    if not read:
        return
    files = ", ".join(f"`{path}`" for path in read)
    message = f"training again on the cluster reads {files} from its own volume, which nothing fills"
    places = [path for path, _ in written(pipeline, "monitoring.retrain.schedule")]
    own = ("environments", first)
    path = next((place for place in places if place[:2] == own), places[0])
    hint = "fill it as `aimass explain AM448` says, or read the rows from an address"
    yield Finding("AM448", path, message, help=hint, severity=Severity.WARNING)
