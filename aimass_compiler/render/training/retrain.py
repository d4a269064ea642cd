"""Training again by the clock: a CronJob that creates the job anew, and the little it may do.

KubeRay's own RayCronJob is behind a feature gate that is off by default (RayCronJob, alpha in
v1.6), so a plain CronJob it is.
"""

from __future__ import annotations

from typing import Any

from aimass_compiler import conventions
from aimass_compiler.render.cron_job import cron_job
from aimass_compiler.render.kubectl_job import kubectl, replaced, volumes
from aimass_compiler.render.kubernetes_kinds import CRON_JOB
from aimass_compiler.render.names import component_label, shortened
from aimass_compiler.render.object_kind import Object
from aimass_compiler.render.pod_security import pod_security
from aimass_compiler.render.pod_settings import settled
from aimass_compiler.render.scanner_exemptions import exempt
from aimass_compiler.render.training.cluster import TrainingRun
from aimass_compiler.render.training.job_platform import JobPlatform
from aimass_compiler.render.training.network import retraining_policy

JOB_FILE = "retrain.json"


def name(job: TrainingRun, platform: JobPlatform) -> str:
    """The one name of CronJob, account, role and training job."""
    return shortened(job.name, "-retrain", platform.longest_name)


def manifest_name(job: TrainingRun, platform: JobPlatform) -> str:
    """The ConfigMap of the job's manifest.

    Not the name of the job: kustomize would take the Role's `resourceNames` for the ConfigMap's.
    """
    return f"{name(job, platform)}-manifest"


def retraining_job(job: TrainingRun, platform: JobPlatform) -> Object:
    """The same run under a name that stays, for the clock to replace."""
    return platform.again(job, name(job, platform))


def retraining(job: TrainingRun, platform: JobPlatform, schedule: str) -> list[Object]:
    """The CronJob and what it needs to replace one job."""
    metadata = {"name": name(job, platform)}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
    return [
        account | {"automountServiceAccountToken": False},
        _role(job, platform),
        _binding(job, platform),
        retraining_policy(name(job, platform), _selector(job)),
        _cron_job(job, platform, schedule),
    ]


def _selector(job: TrainingRun) -> dict[str, str]:
    """The labels that tell its pods from those of the runs."""
    return {conventions.LABEL_NAME: job.name, conventions.LABEL_INSTANCE: f"{job.name}-retraining"}


def _role(job: TrainingRun, platform: JobPlatform) -> dict[str, Any]:
    """To create cannot be limited to a name; everything else is."""
    rules = {"apiGroups": [platform.kind.group], "resources": [platform.kind.resource]}
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": name(job, platform)},
        "rules": [
            rules | {"verbs": ["create"]},
            rules | {"resourceNames": [name(job, platform)], "verbs": ["get", "list", "watch", "delete"]},
        ],
    }


def _binding(job: TrainingRun, platform: JobPlatform) -> dict[str, Any]:
    subject = {"kind": "ServiceAccount", "name": name(job, platform), "namespace": job.environment.namespace}
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name(job, platform)},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name(job, platform)},
        "subjects": [subject],
    }


def _cron_job(job: TrainingRun, platform: JobPlatform, schedule: str) -> Object:
    document = cron_job(name(job, platform), schedule, _template(job, platform), retries=2, seconds=600)
    return exempt(document, CRON_JOB, job.pipeline, "training")


def _template(job: TrainingRun, platform: JobPlatform) -> dict[str, Any]:
    """It runs as whoever may replace the job, and stands where training does."""
    template = {"metadata": {"labels": _labels(job)}, "spec": _pod(job, platform)}
    return settled(template, job.pods, has_identity=False)


def _labels(job: TrainingRun) -> dict[str, str]:
    return job.labels | component_label("retraining") | _selector(job)


def _pod(job: TrainingRun, platform: JobPlatform) -> dict[str, Any]:
    # A run that is still there when the next is due is stuck: replacing it ends it, so runs never meet.
    container = kubectl(job.pipeline.settings, "kubectl", replaced(JOB_FILE))
    return {
        "serviceAccountName": name(job, platform),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "restartPolicy": "Never",
        "securityContext": pod_security(job.pipeline.settings, conventions.RUN_AS_USER),
        "containers": [container],
        "volumes": volumes(manifest_name(job, platform)),
    }
