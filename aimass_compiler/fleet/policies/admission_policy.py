"""A policy as an API server knows it: ValidatingAdmissionPolicy, and the binding that makes it hold.

Source: https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

from msgspec import Struct

from aimass_compiler import conventions
from aimass_compiler.catalog.policy_rule import AdmissionClaim, ApiResource
from aimass_compiler.pipeline.policy import Policy

_GROUP = "admissionregistration.k8s.io"


class PolicyNamespace(Struct, frozen=True):
    """A namespace, and the models in it that a policy lets be."""

    namespace: str
    let: tuple[str, ...] = ()


def objects_of(name: str, policy: Policy, places: Sequence[PolicyNamespace]) -> list[Mapping[str, Any]]:
    """A ValidatingAdmissionPolicy for each kind of object, since their fields differ, with its binding."""
    by_resource = attrgetter("resource", "component")
    asked = sorted(policy.rule.admissions(), key=by_resource)
    return [
        one
        for (resource, component), admissions in groupby(asked, by_resource)
        for one in _pair(name, policy, resource, component, list(admissions), places)
    ]


def _pair(
    name: str,
    policy: Policy,
    resource: ApiResource,
    component: str,
    admissions: Sequence[AdmissionClaim],
    places: Sequence[PolicyNamespace],
) -> Iterator[Mapping[str, Any]]:
    """The policy for one kind of object, and its binding."""
    version = f"{_GROUP}/v1"
    metadata = {
        "name": f"{name}.{resource.name}",
        "labels": {conventions.LABEL_MANAGED_BY: conventions.MANAGER},
        "annotations": {conventions.ANNOTATION_DESCRIPTION: policy.why},
    }
    conditions = list(_conditions(resource, places))
    yield {
        "apiVersion": version,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": metadata,
        "spec": {
            "failurePolicy": "Fail" if policy.is_error else "Ignore",
            "matchConstraints": _matched(resource, component, places),
            **({"matchConditions": conditions} if conditions else {}),
            "validations": [
                {"expression": each.expression, "message": f"policy `{name}`: {each.message} ({policy.why})"}
                for each in admissions
            ],
        },
    }
    yield {
        "apiVersion": version,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": metadata,
        "spec": {
            "policyName": metadata["name"],
            "validationActions": ["Deny"] if policy.is_error else ["Warn", "Audit"],
        },
    }


def _matched(resource: ApiResource, component: str, places: Sequence[PolicyNamespace]) -> dict[str, Any]:
    """Objects of models, by their labels, in the namespaces of the policy; others there are not ours."""
    return {
        "namespaceSelector": {
            "matchExpressions": [
                {
                    "key": conventions.LABEL_NAMESPACE,
                    "operator": "In",
                    "values": [place.namespace for place in places],
                }
            ]
        },
        "objectSelector": {
            "matchLabels": {conventions.LABEL_COMPONENT: component},
            "matchExpressions": [{"key": conventions.LABEL_MODEL, "operator": "Exists"}],
        },
        "resourceRules": [
            {
                "apiGroups": [resource.group],
                "apiVersions": [resource.version],
                "operations": ["CREATE", "UPDATE"],
                "resources": [resource.name],
            }
        ],
    }


def _conditions(resource: ApiResource, places: Sequence[PolicyNamespace]) -> Iterator[dict[str, str]]:
    """That an object is of no model that the policy lets be, by its own name where that is the model's."""
    let = [f"'{place.namespace}/{model}'" for place in places for model in place.let]
    if let:
        of_label = f"object.metadata.labels['{conventions.LABEL_MODEL}']"
        model = f"request.namespace + '/' + {'object.metadata.name' if resource.is_of_model else of_label}"
        listed = ",\n  ".join(let)
        yield {"name": "is-held", "expression": f"!({model} in [\n  {listed}\n])"}
