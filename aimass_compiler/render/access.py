"""Who may apply a model, and who may only roll it back: for each environment the Roles that its objects need.

The rules are computed from the objects that are rendered, so a new kind of object brings its right with it.
Nothing of this is part of an overlay: who may apply it could give themselves any right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from aimass_compiler import conventions
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.training import JobTarget
from aimass_compiler.render.cached_template import CachedTemplate
from aimass_compiler.render.emit import header
from aimass_compiler.render.image_volumes import is_entry
from aimass_compiler.render.names import Labels, component_label, model_labels, own_labels
from aimass_compiler.render.object_kind import Object
from aimass_compiler.render.rights import (
    KEEP,
    TRAIN,
    USUAL_DEPLOYER,
    WAITING,
    Subject,
    granted,
    rule,
    subjects_of,
)
from aimass_compiler.render.scoring import ray_job
from aimass_compiler.render.scoring.ray_job import is_scored_by_workers
from aimass_compiler.render.targets import kind_of_object
from aimass_compiler.render.training.platforms import PLATFORMS

ACCESS_FILE = "access.yaml"
#: To change what is there, by its version.
_RECORDED = ("get", "update")

#: Resources by their group.
_Lists = tuple[tuple[str, tuple[str, ...]], ...]


class Placed(NamedTuple):
    """An object that an environment holds, by what its name adds to the model's."""

    group: str
    resource: str
    suffix: str
    is_released: bool
    """Whether a release changes its images."""
    has_steps: bool


def access_file(pipeline: Pipeline, held: Mapping[str, Sequence[Object]]) -> bytes:
    """The file with Roles and RoleBindings for each environment, from the objects that it holds.

    Raises ValueError where an object's name does not begin with the model's.
    """
    own = own_labels(pipeline.settings)
    parts = []
    for name, objects in held.items():
        placed = tuple(_placed(pipeline.name, document) for document in objects)
        words = (pipeline.name, name, pipeline.environments[name].namespace)
        parts.append(_ACCESS(words, _subjects(pipeline, name), placed, _reasons(objects), own))
        if oncall := _oncall(pipeline, name):
            serving = tuple(each for each in placed if each.is_released)
            parts.append(_ROLLBACK(words, oncall, serving, own))
        if is_scored_by_workers(pipeline, name):
            parts.append(_scoring(pipeline, name, own))
        if name == next(iter(pipeline.environments)) and (trainer := _trainer(pipeline, name)):
            is_queued = pipeline.settings.queue is not None
            parts.append(_TRAINING(words, trainer, pipeline.job_target, own, is_queued))
    return (header(pipeline.path) + "---\n".join(parts)).encode()


def _placed(model: str, document: Object) -> Placed:
    kind, name = kind_of_object(document), document["metadata"]["name"]
    if not name.startswith(model):
        raise ValueError(f"{kind.kind} {name} is not named after its model, {model}")
    is_released = kind.serves or is_entry(document)
    return Placed(kind.group, kind.resource, name.removeprefix(model), is_released, kind.has_steps)


def _reasons(objects: Iterable[Object]) -> _Lists:
    """By group what is listed to tell why an object does not get ready."""
    found: dict[str, list[str]] = {}
    for group, resource in sorted({pair for each in objects for pair in kind_of_object(each).explained_by}):
        found.setdefault(group, []).append(resource)
    return tuple((group, tuple(resources)) for group, resources in found.items())


def deployers(pipeline: Pipeline, environment: str) -> tuple[str, ...]:
    """Who may apply to an environment, by kind and name."""
    named = map(dict, _subjects(pipeline, environment))
    return tuple(sorted(f"{each['kind']} {each['name']}" for each in named))


def _subjects(pipeline: Pipeline, environment: str) -> tuple[Subject, ...]:
    """Who applies, as a binding names them."""
    settings = pipeline.settings.environments.get(environment)
    deployer = (settings.deployer if settings else None) or USUAL_DEPLOYER
    return subjects_of(deployer, pipeline.environments[environment].namespace)


def _oncall(pipeline: Pipeline, environment: str) -> tuple[Subject, ...]:
    """Who may roll back at once, as a binding names them; nobody where the settings name none."""
    settings = pipeline.settings.environments.get(environment)
    if settings is None or settings.oncall is None:
        return ()
    return subjects_of(settings.oncall, pipeline.environments[environment].namespace)


def _trainer(pipeline: Pipeline, environment: str) -> tuple[Subject, ...]:
    """Who may train in the cluster, as a binding names them; nobody where the settings name none."""
    settings = pipeline.settings.environments.get(environment)
    if settings is None or settings.trainer is None:
        return ()
    return subjects_of(settings.trainer, pipeline.environments[environment].namespace)


def _built(
    model: str,
    environment: str,
    namespace: str,
    subjects: Sequence[Subject],
    objects: Sequence[Placed],
    reasons: _Lists,
    own: Labels,
) -> str:
    name = conventions.RECORD_NAME.format(model=model, environment=environment)
    head = {"name": name, "namespace": namespace, "labels": _labels(model, environment, own)}
    return granted(head, [*_rules(model, objects), *_around(name, reasons)], subjects)


def _rollback(
    model: str,
    environment: str,
    namespace: str,
    subjects: Sequence[Subject],
    objects: Sequence[Placed],
    own: Labels,
) -> str:
    """The Role that `aimass rollback --now` needs: other images for the pods, and that this is held.

    It makes no object and deletes none. The lease is taken from a run that has it, never made.
    """
    record = conventions.RECORD_NAME.format(model=model, environment=environment)
    name = conventions.ROLLBACK_NAME.format(model=model, environment=environment)
    head = {"name": name, "namespace": namespace, "labels": _labels(model, environment, own)}
    rules = [rule("", ["configmaps"], _RECORDED, [record])]
    rules.append(rule("coordination.k8s.io", ["leases"], _RECORDED, [record]))
    for each in objects:
        names = [f"{model}{each.suffix}"]
        rules.append(rule(each.group, [each.resource], ("get", "patch"), names))
        if each.has_steps:
            rules.append(rule(each.group, [f"{each.resource}/status"], ("patch",), names))
    rules.append(rule("", ["pods"], ("list",)))
    return granted(head, rules, subjects)


def _training(
    model: str,
    environment: str,
    namespace: str,
    subjects: Sequence[Subject],
    target: JobTarget,
    own: Labels,
    is_queued: bool,  # a cached template has no names
) -> str:
    """The Role that `aimass train` needs: the training job with what it needs, and a pod to copy files.

    A job is named by its content, so that rights to jobs cannot be limited to a name.
    """
    name = conventions.TRAINING_NAME.format(model=model, environment=environment)
    head = {"name": name, "namespace": namespace, "labels": _labels(model, environment, own)}
    account = conventions.TRAINING_ACCOUNT.format(model=model)
    volume = conventions.WORKSPACE.format(model=model)
    made, platform = ("get", "create", "patch"), PLATFORMS[target]
    rules = [
        rule(platform.kind.group, [platform.kind.resource], TRAIN),
        *(rule(kind.group, [kind.resource], made, [account]) for kind in platform.made_beside),
        rule("", ["configmaps"], ("create",)),
        rule("", ["serviceaccounts"], made, [account]),
        rule("networking.k8s.io", ["networkpolicies"], made, [account]),
        rule("", ["persistentvolumeclaims"], made, [volume]),
        rule("", ["pods"], (*made, "delete"), [volume]),
        rule("", ["pods/exec"], ("get", "create"), [volume]),
        rule("", ["pods", "events"], ("list",)),
        rule("coordination.k8s.io", ["leases"], ("create",)),
        rule("coordination.k8s.io", ["leases"], ("get", "update", "delete"), [name]),
        *([WAITING] if is_queued else []),
    ]
    return granted(head, rules, subjects)


def _scoring(pipeline: Pipeline, environment: str, own: Labels) -> str:
    """The Role of what makes the RayJob that scores, by the clock."""
    model, namespace = pipeline.name, pipeline.environments[environment].namespace
    name = conventions.SCORING_ROLE.format(model=model, environment=environment)
    head = {"name": name, "namespace": namespace, "labels": _labels(model, environment, own)}
    account = conventions.SCORING_CLOCK.format(model=model)
    subject = (("kind", "ServiceAccount"), ("name", account), ("namespace", namespace))
    return granted(head, ray_job.rights(pipeline), [subject])


def _labels(model: str, environment: str, own: Labels) -> dict[str, str]:
    labels = {conventions.LABEL_NAME: model, **dict(own), **model_labels(model)}
    return labels | {conventions.LABEL_ENVIRONMENT: environment} | component_label("access")


def _rules(model: str, objects: Sequence[Placed]) -> Iterator[dict[str, Any]]:
    """A rule for all kinds of a group whose objects have the same names."""
    suffixes: dict[tuple[str, str], list[str]] = {}
    for found in objects:
        suffixes.setdefault((found.group, found.resource), []).append(found.suffix)
    alike: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (group, resource), known in sorted(suffixes.items()):
        names = tuple(sorted(f"{model}{suffix}" for suffix in known))
        alike.setdefault((group, names), []).append(resource)
    for (group, names), resources in alike.items():
        yield rule(group, resources, KEEP, names)


def _around(record: str, reasons: _Lists) -> Iterator[dict[str, Any]]:
    """What applying needs beside the objects: its lease, its record, and reasons for what does not work.

    Lease and record are posted, so that two cannot create them at once: that cannot be limited to a name.
    """
    yield rule("", ["configmaps"], ("create", "list"))
    yield rule("", ["configmaps"], ("get", "update", "delete"), [record])
    yield rule("coordination.k8s.io", ["leases"], ("create",))
    yield rule("coordination.k8s.io", ["leases"], ("get", "update", "delete"), [record])
    for group, resources in reasons:
        yield rule(group, resources, ("list",))


_ACCESS = CachedTemplate(_built)
_ROLLBACK = CachedTemplate(_rollback)
_TRAINING = CachedTemplate(_training)
