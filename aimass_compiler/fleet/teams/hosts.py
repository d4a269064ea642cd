"""A team's hosts, kept by the API server: its routes have no others, and no other team's routes have them.

Source: https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.fleet.teams.team_namespace import TeamNamespace

_VERSION = "admissionregistration.k8s.io/v1"


def objects(where: TeamNamespace) -> Iterator[dict[str, Any]]:
    """A policy of the cluster and its binding, where the team has hosts of its own."""
    if where.place.hosts is None:
        return
    name = conventions.TEAM_HOSTS.format(team=where.name, environment=where.environment)
    metadata = {"name": name, "labels": where.labels}
    resources = ["httproutes", "grpcroutes", "tlsroutes"]
    rule = {
        "apiGroups": ["gateway.networking.k8s.io"],
        "apiVersions": ["*"],
        "operations": ["CREATE", "UPDATE"],
        "resources": resources,
    }
    # Namespaces that are no team's are not looked at, so that the platform's own routes go on.
    teams = {"matchExpressions": [{"key": conventions.LABEL_TEAM, "operator": "Exists"}]}
    yield {
        "apiVersion": _VERSION,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": metadata,
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {"namespaceSelector": teams, "resourceRules": [rule]},
            "variables": [*_variables(where.place.hosts)],
            "validations": [*_validations(where)],
        },
    }
    yield {
        "apiVersion": _VERSION,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": metadata,
        "spec": {"policyName": name, "validationActions": ["Deny"]},
    }


def _variables(hosts: Sequence[str]) -> Iterator[dict[str, str]]:
    exact = json.dumps(sorted(host for host in hosts if not host.startswith("*.")))
    ends = json.dumps(sorted(host[1:] for host in hosts if host.startswith("*.")))
    asked = "has(object.spec.hostnames) ? object.spec.hostnames : []"
    yield {"name": "asked", "expression": asked}
    chosen = f"host in {exact} || {ends}.exists(end, host.endsWith(end))"
    yield {"name": "own", "expression": f"variables.asked.filter(host, {chosen})"}


def _validations(where: TeamNamespace) -> Iterator[dict[str, str]]:
    shown = ", ".join(where.place.hosts or ()) or "no hosts"
    is_own = "size(variables.asked) > 0 && size(variables.own) == size(variables.asked)"
    yield {
        "expression": f'namespaceObject.metadata.name != "{where.namespace}" || ({is_own})',
        "message": f"the hosts of team {where.name} in {where.environment} are: {shown}",
    }
    label = f'namespaceObject.metadata.labels["{conventions.LABEL_TEAM}"]'
    yield {
        "expression": f'{label} == "{where.name}" || size(variables.own) == 0',
        "message": f"a host of this route belongs to team {where.name}, which has: {shown}",
    }
