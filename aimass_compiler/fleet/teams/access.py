"""Who may do what in a team's namespace: a Role for who applies, who is on call, and who trains.

The rights are those that any model may need, so a model that comes asks for no new ones. None of them reaches
what bounds the namespace: quota, limits, Roles, queue, and whom alerts go to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.fleet.teams.team_namespace import TeamNamespace
from aimass_compiler.pipeline.deployer import Deployers
from aimass_compiler.render.object_kind import ObjectKind
from aimass_compiler.render.rights import KEEP, TRAIN, USUAL_DEPLOYER, WAITING, granted, rule, subjects_of
from aimass_compiler.render.targets import TARGETS, kind_of
from aimass_compiler.render.training.platforms import PLATFORMS

#: The kinds of Kubernetes and of the Gateway API that overlays hold, beside those of targets.
_USED = (
    ("", "Service"),
    ("", "ServiceAccount"),
    ("autoscaling", "HorizontalPodAutoscaler"),
    ("gateway.networking.k8s.io", "HTTPRoute"),
    ("keda.sh", "ScaledObject"),
    ("networking.k8s.io", "NetworkPolicy"),
    ("policy", "PodDisruptionBudget"),
)
#: Kinds that no overlay holds: training jobs are not applied by who applies models.
_APART = frozenset(("training",))


def documents(where: TeamNamespace) -> Iterator[str]:
    """The Roles with their bindings, as YAML."""
    settings = where.settings.environments[where.environment]
    yield _given(where, conventions.TEAM_DEPLOYER, settings.deployer or USUAL_DEPLOYER, _applying())
    if settings.oncall is not None:
        yield _given(where, conventions.TEAM_ONCALL, settings.oncall, _rolling_back())
    if settings.trainer is not None and where.trains:
        yield _given(
            where,
            conventions.TEAM_TRAINER,
            settings.trainer,
            _training(is_queued=where.settings.queue is not None),
        )


def _given(where: TeamNamespace, name: str, deployers: Deployers, rules: Iterable[dict[str, Any]]) -> str:
    return granted(where.head(name), [*rules], subjects_of(deployers, where.namespace))


def _kinds() -> list[ObjectKind]:
    own = [kind for name, target in TARGETS.items() if name not in _APART for kind in target.kinds]
    return [*(kind_of(group, kind) for group, kind in _USED), *own]


def _by_group(pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, list[str]]]:
    found: dict[str, list[str]] = {}
    for group, resource in sorted(set(pairs)):
        found.setdefault(group, []).append(resource)
    yield from found.items()


def _applying() -> Iterator[dict[str, Any]]:
    """Objects, what is recorded of them, the lease, and reasons for what does not work."""
    for group, resources in _by_group((kind.group, kind.resource) for kind in _kinds()):
        yield rule(group, resources, KEEP)
    yield rule("", ["configmaps"], (*KEEP, "list", "update"))
    yield rule("coordination.k8s.io", ["leases"], ("get", "create", "update", "delete"))
    for group, resources in _by_group(pair for kind in _kinds() for pair in kind.explained_by):
        yield rule(group, resources, ("list",))


def _rolling_back() -> Iterator[dict[str, Any]]:
    """Other images for pods, and that this is held; no object is made and none deleted."""
    serving = [kind for kind in _kinds() if kind.serves]
    yield rule("", ["configmaps"], ("get", "update", "patch"))
    yield rule("coordination.k8s.io", ["leases"], ("get", "update"))
    for group, resources in _by_group((kind.group, kind.resource) for kind in serving):
        yield rule(group, resources, ("get", "patch"))
    stepping = [(kind.group, f"{kind.resource}/status") for kind in serving if kind.has_steps]
    for group, resources in _by_group(stepping):
        yield rule(group, resources, ("patch",))
    yield rule("", ["pods"], ("list",))


def _training(*, is_queued: bool) -> Iterator[dict[str, Any]]:
    """The training job with what it needs, and a pod to copy files."""
    made = ("get", "create", "patch")
    for platform in PLATFORMS.values():
        yield rule(platform.kind.group, [platform.kind.resource], TRAIN)
        for kind in platform.made_beside:
            yield rule(kind.group, [kind.resource], made)
    yield rule("", ["configmaps"], ("create",))
    yield rule("", ["persistentvolumeclaims", "serviceaccounts"], made)
    yield rule("networking.k8s.io", ["networkpolicies"], made)
    yield rule("", ["pods"], (*made, "list", "delete"))
    yield rule("", ["pods/exec"], ("get", "create"))
    yield rule("", ["events"], ("list",))
    yield rule("coordination.k8s.io", ["leases"], ("create", "get", "update", "delete"))
    if is_queued:
        yield WAITING
