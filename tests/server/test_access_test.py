"""The test stage's look at who may ask: it passes a server that keeps its callers apart, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from render.models import CALLERS

from aimass_compiler.pipeline.access import Access
from aimass_compiler.programs import model_server
from aimass_compiler.runtime.load_test import access_enforcement
from aimass_compiler.runtime.load_test.access_enforcement import access_faults
from aimass_compiler.runtime.load_test.protocols import PLAIN, ServedSignature
from aimass_compiler.runtime.workspace import read_json
from server import packages

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

ACCESS = Access.model_validate(CALLERS)


def faults(package: Path) -> list[str]:
    signature = ServedSignature(read_json(package / "signature.json"))
    return access_faults(package, ACCESS, PLAIN.request(signature, [signature.example]))


def test_a_server_that_knows_its_callers_passes(tmp_path: Path) -> None:
    assert faults(packages.churn(tmp_path / "churn")) == []


def test_one_that_answers_anyone_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_enforcement, "running", lambda package, _: model_server.running(package))
    found = faults(packages.churn(tmp_path / "churn"))
    assert "an unknown caller with nothing was answered 200, not 401" in found
    assert "an unknown caller with a token of `login` for another audience was answered 200, not 401" in found
    assert sum("beyond its budget, not 429" in fault for fault in found) == 3


def test_one_that_charges_nothing_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def generous(*arguments: Any) -> dict[str, Any]:
        document = policy_document(*arguments)
        return {
            **document,
            "callers": {name: {**each, "limits": []} for name, each in document["callers"].items()},
        }

    policy_document = access_enforcement.policy_document
    monkeypatch.setattr(access_enforcement, "policy_document", generous)
    found = faults(packages.churn(tmp_path / "churn"))
    assert len(found) == 3
    assert all("was answered 200 beyond its budget, not 429" in fault for fault in found)
