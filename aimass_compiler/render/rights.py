"""Rights of RBAC: Roles with their rules, and whom bindings give them to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aimass_compiler.pipeline.deployer import Account, Deployer, Deployers
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.render.emit import block

_RBAC = "rbac.authorization.k8s.io"
#: A server-side apply that creates an object needs `create` and `patch`; as its request names the object,
#: even creating is limited to that name.
KEEP = ("get", "create", "patch", "delete")
#: What `aimass train` does with jobs.
TRAIN = ("get", "list", "create", "patch", "delete")
#: Who applies where the settings do not say.
USUAL_DEPLOYER = Deployer(service_account=Account.default())
#: Whom a binding names, as pairs, which unlike a mapping can be part of a key.
Subject = tuple[tuple[str, str], ...]


def subjects_of(found: Deployers, namespace: str) -> tuple[Subject, ...]:
    """One or several identities as a binding names them; accounts stand in `namespace` by default."""
    return tuple(_subject(each, namespace) for each in _each(found))


def account_of(settings: Settings, environment: str, namespace: str) -> str | None:
    """The ServiceAccount of a namespace that may apply to it; None where nobody who may is one."""
    deployer = settings.environments[environment].deployer or USUAL_DEPLOYER
    named = [each.service_account for each in _each(deployer)]
    return next((each.name for each in named if each and each.namespace in {None, namespace}), None)


def _each(found: Deployers) -> tuple[Deployer, ...]:
    return found if isinstance(found, tuple) else (found,)


def _subject(deployer: Deployer, namespace: str) -> Subject:
    if deployer.user is not None:
        return ("apiGroup", _RBAC), ("kind", "User"), ("name", deployer.user)
    if deployer.group is not None:
        return ("apiGroup", _RBAC), ("kind", "Group"), ("name", deployer.group)
    account = deployer.service_account or Account.default()
    home = account.namespace or namespace
    return ("kind", "ServiceAccount"), ("name", account.name), ("namespace", home)


def granted(head: Mapping[str, Any], rules: Sequence[Mapping[str, Any]], subjects: Sequence[Subject]) -> str:
    """A Role and its binding, both with the metadata of `head`."""
    name = head["name"]
    role = {"apiVersion": f"{_RBAC}/v1", "kind": "Role", "metadata": head, "rules": list(rules)}
    binding = {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": head,
        "roleRef": {"apiGroup": _RBAC, "kind": "Role", "name": name},
        "subjects": [dict(subject) for subject in subjects],
    }
    return f"{block(role)}---\n{block(binding)}"


def rule(
    group: str, resources: Sequence[str], verbs: Sequence[str], names: Sequence[str] = ()
) -> dict[str, Any]:
    """What may be done with resources of a group; with some names only where there are any."""
    limited = {"resourceNames": list(names)} if names else {}
    return {"apiGroups": [group], "resources": list(resources), **limited, "verbs": list(verbs)}


#: To read why a training job waits in a queue of Kueue.
WAITING = rule("kueue.x-k8s.io", ["workloads"], ("list",))
