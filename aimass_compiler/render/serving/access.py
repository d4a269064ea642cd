"""Who may apply a model: for each environment the Role that its objects need, bound to who applies there.

The rules are computed from the objects that are rendered, so a new kind of object brings its right with it.
Nothing of this is part of an overlay: who may apply it could give themselves any right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from aimass_compiler import conventions
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.settings import Account, Deployer
from aimass_compiler.render.emit import block, header
from aimass_compiler.render.naming import Labels, component_label, model_labels, own_labels
from aimass_compiler.render.stencil import Stencil

ACCESS_FILE = "access.yaml"
_RBAC = "rbac.authorization.k8s.io"
#: A server-side apply that creates an object needs `create` and `patch`.
_KEEP = ("get", "create", "patch", "delete")
#: What tells why a rollout does not come to its end.
_REASONS = (("", ("events", "pods")), ("apps", ("replicasets",)))

_Pairs = tuple[tuple[str, str], ...]


class Placed(NamedTuple):
    """An object that an environment holds."""

    version: str
    kind: str
    name: str | None
    """None where it ends with a hash of the content."""


class _Kept(NamedTuple):
    """The objects of one kind: what each name adds to the model's; None where names are not known."""

    group: str
    resource: str
    suffixes: tuple[str, ...] | None


def render(pipeline: Pipeline, placed: Mapping[str, Iterable[Placed]]) -> bytes:
    """The file with a Role and a RoleBinding for each environment, from the objects that it holds."""
    own = own_labels(pipeline.settings)
    parts = []
    for name, objects in placed.items():
        namespace = pipeline.environments[name].namespace
        settings = pipeline.settings.environments.get(name)
        subject = _subject(settings.deployer if settings else None, namespace)
        words = (pipeline.name, name, namespace)
        parts.append(_ACCESS(words, subject, tuple(_kept(pipeline.name, objects)), own))
    return (header(pipeline.name) + "---\n".join(parts)).encode()


def resource_of(kind: str) -> str:
    """What the API calls the objects of a kind, by the rule that Kubernetes and its operators follow.

    Source: UnsafeGuessKindToResource in k8s.io/apimachinery/pkg/api/meta
    """
    word = kind.lower()
    if word.endswith("s"):
        return f"{word}es"
    return f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"


def _subject(deployer: Deployer | None, namespace: str) -> _Pairs:
    """Who applies, as a binding names them."""
    if deployer is not None and deployer.user is not None:
        return ("apiGroup", _RBAC), ("kind", "User"), ("name", deployer.user)
    if deployer is not None and deployer.group is not None:
        return ("apiGroup", _RBAC), ("kind", "Group"), ("name", deployer.group)
    account = (deployer.service_account if deployer is not None else None) or Account.default()
    home = account.namespace or namespace
    return ("kind", "ServiceAccount"), ("name", account.name), ("namespace", home)


def _kept(model: str, objects: Iterable[Placed]) -> Iterator[_Kept]:
    names: dict[tuple[str, str], list[str | None]] = {}
    for found in objects:
        key = found.version.rpartition("/")[0], resource_of(found.kind)
        names.setdefault(key, []).append(None if found.name is None else found.name.removeprefix(model))
    for (group, resource), suffixes in sorted(names.items()):
        known = [suffix for suffix in suffixes if suffix is not None]
        yield _Kept(group, resource, tuple(sorted(known)) if len(known) == len(suffixes) else None)


def _built(
    model: str, environment: str, namespace: str, subject: _Pairs, kept: Sequence[_Kept], own: Labels
) -> str:
    name = conventions.RECORD_NAME.format(model=model, environment=environment)
    head = {"name": name, "namespace": namespace, "labels": _labels(model, environment, own)}
    role = {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "Role",
        "metadata": head,
        "rules": [*_rules(model, kept), *_around(name, namespace)],
    }
    binding = {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": head,
        "roleRef": {"apiGroup": _RBAC, "kind": "Role", "name": name},
        "subjects": [dict(subject)],
    }
    return f"{block(role)}---\n{block(binding)}"


def _labels(model: str, environment: str, own: Labels) -> dict[str, str]:
    labels = {conventions.LABEL_NAME: model, **dict(own), **model_labels(model)}
    return labels | {conventions.LABEL_ENVIRONMENT: environment} | component_label("access")


def _rules(model: str, kept: Sequence[_Kept]) -> Iterator[dict[str, Any]]:
    """A rule for what is named alike in a group; names end with a hash where content makes new objects."""
    alike: dict[tuple[str, tuple[str, ...] | None], list[str]] = {}
    for group, resource, suffixes in kept:
        alike.setdefault((group, suffixes), []).append(resource)
    for (group, suffixes), resources in alike.items():
        names = None if suffixes is None else [f"{model}{suffix}" for suffix in suffixes]
        yield _rule(group, resources, _KEEP, names)


def _around(record: str, namespace: str) -> Iterator[dict[str, Any]]:
    """What applying needs beside the objects: its record, its lease, the namespace, and reasons."""
    yield _rule("coordination.k8s.io", ["leases"], ("get", "create", "patch", "delete"), [record])
    yield _rule("", ["namespaces"], ("get",), [namespace])
    for group, resources in _REASONS:
        yield _rule(group, resources, ("get", "list", "watch"))


def _rule(
    group: str, resources: Sequence[str], verbs: Sequence[str], names: Sequence[str] | None = None
) -> dict[str, Any]:
    limited = {} if names is None else {"resourceNames": list(names)}
    return {"apiGroups": [group], "resources": list(resources), **limited, "verbs": list(verbs)}


_ACCESS = Stencil(_built)
