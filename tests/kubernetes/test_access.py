"""The Role of an environment allows what its overlay holds, object for object, and not one kind more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from manifests import Objects, violations
from render.models import VARIED

from aimass_compiler import conventions
from aimass_compiler.render.access import ACCESS_FILE
from aimass_compiler.render.object_kind import resource_of

pytestmark = pytest.mark.kubernetes
OVERLAYS = [(name, environment) for name, built in VARIED.items() for environment in built.environments]
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # a PyYAML without libyaml has no fast one
VERBS = {"get", "create", "patch", "delete"}
#: What no overlay holds, and applying needs.
AROUND = {"leases", "events", "pods", "replicasets"}


def role_of(root: Path, environment: str) -> dict[str, Any]:
    documents = yaml.load_all((root / ACCESS_FILE).read_text(encoding="utf-8"), Loader=_Loader)
    (found,) = (
        document
        for document in documents
        if document["kind"] == "Role"
        and document["metadata"]["labels"][conventions.LABEL_ENVIRONMENT] == environment
    )
    return dict(found)


def rules_for(role: dict[str, Any], document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    group = document["apiVersion"].rpartition("/")[0]
    for rule in role["rules"]:
        names = rule.get("resourceNames", [document["metadata"]["name"]])
        is_kind = group in rule["apiGroups"] and resource_of(document["kind"]) in rule["resources"]
        is_kept = set(rule["verbs"]) == VERBS
        if is_kind and is_kept and document["metadata"]["name"] in names:
            yield rule


@pytest.mark.parametrize(("name", "environment"), OVERLAYS)
def test_a_role_allows_exactly_what_the_overlay_holds(
    name: str, environment: str, objects: Objects, written: dict[str, Path]
) -> None:
    built, role = objects(name, f"overlays/{environment}"), role_of(written[name], environment)
    assert {document["metadata"]["namespace"] for document in built} == {role["metadata"]["namespace"]}
    for document in built:
        assert len(list(rules_for(role, document))) == 1
    held = {(resource_of(document["kind"]), document["metadata"]["name"]) for document in built}
    for rule in (rule for rule in role["rules"] if set(rule["verbs"]) == VERBS):
        assert not AROUND & set(rule["resources"])
        for resource in rule["resources"]:
            named = {(resource, name) for name in rule.get("resourceNames", ())}
            assert named <= held
            assert any(resource == kind for kind, _ in held)


@pytest.mark.parametrize("name", VARIED)
def test_an_api_server_takes_the_access_of_every_model(name: str, written: dict[str, Path]) -> None:
    for document in yaml.load_all((written[name] / ACCESS_FILE).read_text(encoding="utf-8"), Loader=_Loader):
        assert violations(document) == []
