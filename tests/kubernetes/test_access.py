"""The Role of an environment allows what its overlay holds, object for object, and not one kind more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from manifests import kustomize, violations, write
from render.models import VARIED

from aimass_compiler import conventions
from aimass_compiler.cluster.kustomize import Kustomize
from aimass_compiler.render.serving.access import ACCESS_FILE, resource_of

pytestmark = pytest.mark.kubernetes
OVERLAYS = [(name, environment) for name, built in VARIED.items() for environment in built.environments]
VERBS = {"get", "create", "patch", "delete"}
#: What no overlay holds, and applying needs.
AROUND = {"leases", "events", "pods", "replicasets"}


@pytest.fixture(scope="session")
def builder() -> Kustomize:
    found = kustomize()
    if isinstance(found, str):
        pytest.skip(found)
    return found


def role_of(root: Path, environment: str) -> dict[str, Any]:
    documents = yaml.safe_load_all((root / ACCESS_FILE).read_text(encoding="utf-8"))
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
    name: str, environment: str, builder: Kustomize, tmp_path: Path
) -> None:
    root = write(VARIED[name], tmp_path)
    built, role = builder.build(root / "overlays" / environment), role_of(root, environment)
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
def test_an_api_server_takes_the_access_of_every_model(name: str, tmp_path: Path) -> None:
    root = write(VARIED[name], tmp_path)
    for document in yaml.safe_load_all((root / ACCESS_FILE).read_text(encoding="utf-8")):
        assert violations(document) == []
