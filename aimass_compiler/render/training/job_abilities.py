"""What each operator's training jobs can do of what a spec can ask for."""

from __future__ import annotations

from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.training import JobTarget
from aimass_compiler.render.platform import Answer, Asked, Has, Platform


def _runs_by(target: JobTarget) -> Asked:
    def is_chosen(pipeline: Pipeline, environment: str) -> bool:
        is_generated = pipeline.settings.generated.training_job
        return (
            is_generated
            and environment == next(iter(pipeline.environments))
            and pipeline.job_target == target
        )

    return is_chosen


_HAS = Has()
_OF_BOTH: dict[str, Answer] = {
    "training.resources": _HAS,
    "search": Has("Ray Tune, in the job"),
    "search.time": Has("and a deadline of the job"),
    "monitoring.retrain.schedule": Has("CronJob"),
}
KUBERAY = Platform(
    area="training",
    name="kuberay",
    title="A RayJob of KubeRay: a head that coordinates, and a pod for each worker",
    chosen_by="the usual one",
    is_chosen=_runs_by("kuberay"),
    code="",
    answers={
        **_OF_BOTH,
        "training.gpus": Has("of each worker, none of the head"),
        "training.workers": Has("a pod for each; training begins with `min`"),
        "training.retries": Has("of trials, and the whole job once more"),
        "training.target": Has("`aimass train`, with progress through the object store"),
    },
)
KUBEFLOW = Platform(
    area="training",
    name="kubeflow",
    title="A TrainJob of Kubeflow Trainer 2.3, whose nodes are alike and make a Ray cluster",
    chosen_by="`training: {target: kubeflow}`, also in aimass.yaml",
    is_chosen=_runs_by("kubeflow"),
    code="",
    answers={
        **_OF_BOTH,
        "training.gpus": Has("of each node"),
        "training.workers": Has("a node for each, with those that find a machine"),
        "training.retries": Has("of trials, and of nodes that are lost"),
        "training.target": Has("`aimass train`, with progress in `trainerStatus`"),
    },
)
JOB_PLATFORMS = (KUBERAY, KUBEFLOW)
