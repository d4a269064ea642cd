"""What a pipeline of Kubeflow Pipelines lacks in aimass.yaml, or cannot carry of it."""

from __future__ import annotations

from collections.abc import Iterator

from aimass_compiler import conventions
from aimass_compiler.diagnostics import Example, Explanation, Finding, Path, Severity
from aimass_compiler.pipeline import Pipeline

EXPLANATIONS = (
    Explanation(
        "AM510",
        "the steps of a pipeline have nowhere to leave their results",
        "Each step of a Kubeflow pipeline is another pod, which has neither the project nor the files of the "
        "step before. With `pipeline: {target: kubeflow}` in aimass.yaml they bring files from an object "
        "store, best that of the DVC remote, and leave results there: it is the `store` of the first "
        "environment.",
    ),
    Explanation(
        "AM511",
        "a step of a pipeline cannot have this",
        "Kubeflow Pipelines 2.17 starts each step as one pod, whose ServiceAccount is that of the run, and "
        "gives it no priority. So several workers share the pod of the step `train`, which asks for what all "
        "of them need; and an identity or a priority that aimass.yaml names for training pods does not reach "
        "the steps. A training job (`aimass train`) has all of it.",
    ),
)
EXAMPLES = (
    Example(
        "AM510",
        "pipeline: {target: kubeflow}\n",
        'pipeline: {target: kubeflow}\nenvironments: {dev: {store: "s3://models/dvc"}}\n',
        "settings",
    ),
    Example(
        "AM511",
        "pipeline: {target: kubeflow}\n"
        'environments: {dev: {store: "s3://models/dvc", pods: {priority_class: low}}}\n',
        'pipeline: {target: kubeflow}\nenvironments: {dev: {store: "s3://models/dvc"}}\n',
        "settings",
    ),
)


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """What steps need and lack, said of the settings."""
    first = next(iter(pipeline.environments), None)
    if first is None or pipeline.settings.pipeline.target != "kubeflow":
        return
    file = conventions.SETTINGS_FILE
    if pipeline.settings.environments[first].store is None:
        message = (
            f"`environments.{first}` has no `store`, through which the steps of a pipeline hand on files"
        )
        hint = "name the URL of the DVC remote: `store: s3://bucket/path`"
        yield Finding("AM510", ("pipeline", "target"), message, help=hint, file=file)
    pods = pipeline.settings.pods_of(first).of_training
    lacking: list[tuple[str, Path]] = []
    if pods.priority_class is not None:
        lacking.append(("`priority_class`", ("pipeline", "target")))
    if pods.identity is not None and (pods.identity.service_account or pods.identity.annotations):
        lacking.append(("the ServiceAccount of `identity`", ("pipeline", "target")))
    for what, path in lacking:
        message = f"{what} of the pods of `{first}` does not reach the steps of a pipeline"
        hint = "choose the ServiceAccount where the run is started, or train by `aimass train`"
        yield Finding("AM511", path, message, help=hint, file=file, severity=Severity.WARNING)
