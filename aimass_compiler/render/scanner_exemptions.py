"""What scanners of manifests report and somebody accepts, as the annotations that they read.

Source: https://www.checkov.io/2.Basics/Suppressing%20and%20Skipping%20Policies.html and
https://github.com/zegl/kube-score#ignoring-a-test
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.waiver import Waiver
from aimass_compiler.render.kubernetes_kinds import KINDS
from aimass_compiler.render.object_kind import Object, ObjectKind

#: Kinds that kube-score has rules of their own for, as those rules begin.
_RULES_OF_KINDS = tuple(kind.kind.lower() for kind in KINDS if kind.has_own_rules)


def exempt(document: Object, kind: ObjectKind, pipeline: Pipeline, *parts: str) -> Object:
    """The object with what is accepted of these parts of the spec; itself where nothing is."""
    accepted = [waiver for waiver in _of_scanners(pipeline) if waiver.at is None or waiver.at in parts]
    found, ignored = {}, [waiver.kube_score for waiver in accepted if waiver.kube_score]
    if kind.pods is not None:
        # checkov splits at every `=`, and fails where there is more than one.
        skipped = [f"{waiver.checkov}={_line(waiver.reason)}" for waiver in accepted if waiver.checkov]
        found = {f"checkov.io/skip{number}": text for number, text in enumerate(skipped, start=1)}
        rules = [rule for rule in ignored if not rule.startswith(_RULES_OF_KINDS)]
    elif kind.has_own_rules:
        rules = [rule for rule in ignored if rule.startswith(kind.kind.lower())]
    else:
        return document
    if rules:
        found["kube-score/ignore"] = ",".join(dict.fromkeys(rules))
    if not found:
        return document
    annotations = {**document["metadata"].get("annotations", {}), **found}
    return {**document, "metadata": {**document["metadata"], "annotations": annotations}}


def exempt_parts(pipeline: Pipeline) -> Collection[str]:
    """The parts of the spec of which something is accepted that is not accepted elsewhere."""
    return {waiver.at for waiver in _of_scanners(pipeline) if waiver.at is not None}


def _of_scanners(pipeline: Pipeline) -> Iterator[Waiver]:
    accepted = (*pipeline.settings.waivers, *pipeline.waivers)
    return (waiver for waiver in accepted if waiver.is_of_scanner)


def _line(reason: str) -> str:
    return " ".join(reason.replace("=", " ").split())
