"""Adapters on one base: its servers mount the packages that their releases name."""

from __future__ import annotations

from pathlib import Path

import pytest
from manifests import violations
from render.models import ADAPTER, WITH_ADAPTERS

from aimass_compiler import conventions
from aimass_compiler.kubernetes.pod_images import digest_of, images_in, model_digest
from aimass_compiler.programs.kustomize import Kustomize, KustomizeError
from aimass_compiler.render import render
from tests.harness.releases import DIGEST, release, released

pytestmark = pytest.mark.kubernetes


def test_the_base_mounts_what_is_released_of_its_adapters(builder: Kustomize, tmp_path: Path) -> None:
    folder = released(tmp_path, "churn", render(WITH_ADAPTERS))
    release(tmp_path, "tone", "prod")
    with pytest.raises(KustomizeError, match="billing"):
        builder.build(folder / "overlays/prod")
    release(tmp_path, "billing", "prod")
    built = builder.build(folder / "overlays/prod")
    assert [told for document in built for told in violations(document)] == []
    (template,) = (each["spec"]["template"] for each in built if each["kind"] == "Deployment")
    images = images_in(template["spec"])
    mounted = {place: digest_of(reference) for place, reference in images.items() if "volumes" in place}
    assert mounted == dict.fromkeys(
        ("volumes/model", "volumes/adapter-tone", "volumes/adapter-billing"), DIGEST
    )
    assert model_digest(images) == DIGEST
    (server,) = template["spec"]["containers"]
    told = server["args"]
    assert told[told.index("--max-lora-rank") + 1] == "32", "vLLM has no kernel for 20"
    assert told[-2:] == ["tone=/adapters/tone/adapter", "billing=/adapters/billing/adapter"]


def test_an_adapter_has_an_address_and_no_servers(builder: Kustomize, tmp_path: Path) -> None:
    folder = released(tmp_path, "churn", render(ADAPTER))
    built = builder.build(folder / "overlays/prod")
    assert [told for document in built for told in violations(document)] == []
    kinds = {document["kind"]: document for document in built}
    assert kinds.keys() == {"Service", "HTTPRoute"}
    assert kinds["Service"]["spec"]["selector"][conventions.LABEL_NAME] == "tickets"
