"""Who may apply a model: for each environment the Role that its objects need, bound to who applies there.

The rules are computed from the objects that are rendered, so a new kind of object brings its right with it.
Nothing of this is part of an overlay: who may apply it could give themselves any right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from aimass_compiler import conventions
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.settings import Account, Deployer, Deployers
from aimass_compiler.render.emit import block, header
from aimass_compiler.render.naming import Labels, component_label, model_labels, own_labels
from aimass_compiler.render.stencil import Stencil

ACCESS_FILE = "access.yaml"
_RBAC = "rbac.authorization.k8s.io"
#: A server-side apply that creates an object needs `create` and `patch`; as its request names the object,
#: even creating is limited to that name.
_KEEP = ("get", "create", "patch", "delete")
#: What tells why a rollout does not come to its end.
_REASONS = (("", ("events", "pods")), ("apps", ("replicasets",)))

_Pairs = tuple[tuple[str, str], ...]


class Placed(NamedTuple):
    """An object that an environment holds, by what its name adds to the model's."""

    version: str
    kind: str
    suffix: str


def placed(model: str, document: Mapping[str, Any]) -> Placed:
    """An object that is rendered, as access to it is told."""
    return Placed(document["apiVersion"], document["kind"], document["metadata"]["name"].removeprefix(model))


def render(pipeline: Pipeline, held: Mapping[str, Iterable[Placed]]) -> bytes:
    """The file with a Role and a RoleBinding for each environment, from the objects that it holds."""
    own = own_labels(pipeline.settings)
    parts = []
    for name, objects in held.items():
        namespace = pipeline.environments[name].namespace
        settings = pipeline.settings.environments.get(name)
        subjects = tuple(_subjects(settings.deployer if settings else None, namespace))
        words = (pipeline.name, name, namespace)
        parts.append(_ACCESS(words, subjects, tuple(objects), own))
    return (header(pipeline.name) + "---\n".join(parts)).encode()


def resource_of(kind: str) -> str:
    """What the API calls the objects of a kind, by the rule that Kubernetes and its operators follow.

    Source: UnsafeGuessKindToResource in k8s.io/apimachinery/pkg/api/meta
    """
    word = kind.lower()
    if word.endswith("s"):
        return f"{word}es"
    return f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"


def _subjects(deployer: Deployers | None, namespace: str) -> Iterator[_Pairs]:
    """Who applies, as a binding names them."""
    if deployer is None:
        deployer = Deployer(service_account=Account.default())
    for each in deployer if isinstance(deployer, tuple) else (deployer,):
        yield _subject(each, namespace)


def _subject(deployer: Deployer, namespace: str) -> _Pairs:
    if deployer.user is not None:
        return ("apiGroup", _RBAC), ("kind", "User"), ("name", deployer.user)
    if deployer.group is not None:
        return ("apiGroup", _RBAC), ("kind", "Group"), ("name", deployer.group)
    account = deployer.service_account or Account.default()
    home = account.namespace or namespace
    return ("kind", "ServiceAccount"), ("name", account.name), ("namespace", home)


def _built(
    model: str,
    environment: str,
    namespace: str,
    subjects: Sequence[_Pairs],
    objects: Sequence[Placed],
    own: Labels,
) -> str:
    name = conventions.RECORD_NAME.format(model=model, environment=environment)
    head = {"name": name, "namespace": namespace, "labels": _labels(model, environment, own)}
    role = {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "Role",
        "metadata": head,
        "rules": [*_rules(model, objects), *_around(name)],
    }
    binding = {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": head,
        "roleRef": {"apiGroup": _RBAC, "kind": "Role", "name": name},
        "subjects": [dict(subject) for subject in subjects],
    }
    return f"{block(role)}---\n{block(binding)}"


def _labels(model: str, environment: str, own: Labels) -> dict[str, str]:
    labels = {conventions.LABEL_NAME: model, **dict(own), **model_labels(model)}
    return labels | {conventions.LABEL_ENVIRONMENT: environment} | component_label("access")


def _rules(model: str, objects: Sequence[Placed]) -> Iterator[dict[str, Any]]:
    """A rule for all kinds of a group whose objects have the same names."""
    suffixes: dict[tuple[str, str], list[str]] = {}
    for found in objects:
        key = found.version.rpartition("/")[0], resource_of(found.kind)
        suffixes.setdefault(key, []).append(found.suffix)
    alike: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (group, resource), known in sorted(suffixes.items()):
        names = tuple(sorted(f"{model}{suffix}" for suffix in known))
        alike.setdefault((group, names), []).append(resource)
    for (group, names), resources in alike.items():
        yield _rule(group, resources, _KEEP, names)


def _around(record: str) -> Iterator[dict[str, Any]]:
    """What applying needs beside the objects: its lease, its record, and reasons for what does not work.

    Lease and record are posted, so that two cannot create them at once: that cannot be limited to a name.
    """
    yield _rule("", ["configmaps"], ("create", "list"))
    yield _rule("", ["configmaps"], ("get", "update", "delete"), [record])
    yield _rule("coordination.k8s.io", ["leases"], ("create",))
    yield _rule("coordination.k8s.io", ["leases"], ("get", "update", "delete"), [record])
    for group, resources in _REASONS:
        yield _rule(group, resources, ("list",))


def _rule(
    group: str, resources: Sequence[str], verbs: Sequence[str], names: Sequence[str] = ()
) -> dict[str, Any]:
    limited = {"resourceNames": list(names)} if names else {}
    return {"apiGroups": [group], "resources": list(resources), **limited, "verbs": list(verbs)}


_ACCESS = Stencil(_built)
