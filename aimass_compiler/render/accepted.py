"""What scanners of manifests find and somebody accepts, as the annotations that they read.

Source: https://www.checkov.io/2.Basics/Suppressing%20and%20Skipping%20Policies.html and
https://github.com/zegl/kube-score#ignoring-a-test
"""

from __future__ import annotations

from collections.abc import Iterator

from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.waiver import Waiver

#: What has pods, and what counts them: findings are about these.
_WITH_PODS = frozenset(("Deployment", "CronJob", "RayJob"))
_COUNTER = "HorizontalPodAutoscaler"


def passed_over(pipeline: Pipeline, kind: str, *places: str) -> dict[str, dict[str, str]]:
    """The part of an object's metadata that says what is accepted at these places; empty where nothing is."""
    accepted = [waiver for waiver in _of_scanners(pipeline) if waiver.at is None or waiver.at in places]
    found, ignored = {}, [waiver.kube_score for waiver in accepted if waiver.kube_score]
    if kind in _WITH_PODS:
        # checkov splits at every `=`, and fails where there is more than one.
        skipped = [f"{waiver.checkov}={_line(waiver.reason)}" for waiver in accepted if waiver.checkov]
        found = {f"checkov.io/skip{number}": text for number, text in enumerate(skipped, start=1)}
    elif kind != _COUNTER:
        return {}
    rules = [rule for rule in ignored if rule.startswith(_COUNTER.lower()) == (kind == _COUNTER)]
    if rules:
        found["kube-score/ignore"] = ",".join(dict.fromkeys(rules))
    return {"annotations": found} if found else {}


def is_special(pipeline: Pipeline, place: str) -> bool:
    """Whether anything is accepted at this place that is not accepted elsewhere."""
    return any(waiver.at == place for waiver in _of_scanners(pipeline))


def _of_scanners(pipeline: Pipeline) -> Iterator[Waiver]:
    accepted = (*pipeline.settings.waivers, *pipeline.waivers)
    return (waiver for waiver in accepted if waiver.is_of_scanner)


def _line(reason: str) -> str:
    return " ".join(reason.replace("=", " ").split())
