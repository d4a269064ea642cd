"""CronJobs: what runs by the clock in UTC, never twice at once, and an hour late at most.

Source: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/cron-job-v1/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_LATE_SECONDS = 3600
#: Of a pod that its node lost or gave to others: that costs no try.
EVICTED = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}


def cron_job(
    name: str,
    schedule: str,
    template: Mapping[str, Any],
    *,
    retries: int,
    seconds: int,
    failures: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Runs a pod template; `seconds` are all that a run with its retries may take.

    `failures` is a `podFailurePolicy`: which failures another try would only repeat.
    """
    policy = {"podFailurePolicy": {**failures}} if failures else {}
    job = {"backoffLimit": retries, "activeDeadlineSeconds": seconds, **policy, "template": {**template}}
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": name},
        "spec": {
            "schedule": schedule,
            "timeZone": "Etc/UTC",
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": _LATE_SECONDS,
            "successfulJobsHistoryLimit": 1,
            "failedJobsHistoryLimit": 3,
            "jobTemplate": {"spec": job},
        },
    }
