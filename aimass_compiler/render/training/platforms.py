"""The operators that can run a training job, by the names that specs give them."""

from __future__ import annotations

from aimass_compiler.pipeline.training import JobTarget
from aimass_compiler.render.training.job_platform import JobPlatform
from aimass_compiler.render.training.kubeflow import KUBEFLOW
from aimass_compiler.render.training.rayjob import KUBERAY

PLATFORMS: dict[JobTarget, JobPlatform] = {"kuberay": KUBERAY, "kubeflow": KUBEFLOW}
