"""What programs get of a promotion is as schemas/promotion.json has it, and is all that is printed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from jsonschema import Draft202012Validator
from msgspec.structs import replace

from aimass_compiler.delivery.promotion import ObjectionCode
from aimass_compiler.releases.version_record import GateRecord
from delivery.deliveries import CONTRACT, digest, version

if TYPE_CHECKING:
    from delivery.deliveries import Repository

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas/promotion.json").read_text(encoding="utf-8"))
DEV = "releases/dev/churn/kustomization.yaml"


def promoted(repository: Repository, *arguments: str, code: int = 0) -> dict[str, Any]:
    answer = repository.aimass("promote", "churn", "--to", "dev", "--format", "json", *arguments)
    assert answer.code == code
    document: dict[str, Any] = json.loads(answer.out)
    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(document)] == []
    return document


def test_the_schema_is_one_and_knows_every_objection() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    codes = SCHEMA["properties"]["objections"]["items"]["properties"]["code"]["oneOf"]
    assert [each["const"] for each in codes] == [*get_args(ObjectionCode)]


def test_what_is_proposed_is_held_against_what_is_released(repository: Repository) -> None:
    repository.release("dev", 2)
    document = promoted(repository, "--dry-run")
    assert (document["version"], document["from"], document["allowed"]) == (
        "v3-00000003",
        "v2-00000002",
        True,
    )
    assert document["metrics"] == {
        "before": {"test": {"roc_auc": 0.802}},
        "after": {"test": {"roc_auc": 0.803}},
    }
    assert document["images"]["churn"] == {
        "before": digest(2),
        "after": digest(3),
        "reference": f"registry.example.com/ml/churn@{digest(3)}",
    }
    assert document["change"] == {
        "title": "dev: release churn v3",
        "files": [DEV],
        "made": False,
        "branch": None,
        "url": None,
    }


def test_what_is_written_is_told_there_and_the_rest_elsewhere(repository: Repository) -> None:
    document = promoted(repository)
    assert (document["from"], document["metrics"]["before"], document["change"]["made"]) == (None, None, True)
    assert digest(3) in repository.read(DEV)
    repository.commit("2026-11-02T00:00:00Z")
    again = promoted(repository)
    assert (again["allowed"], again["objections"], again["change"]) == (True, [], None)


def test_a_branch_is_named_where_the_change_is_proposed(repository: Repository) -> None:
    document = promoted(repository, "--pull-request", code=1)
    assert document["change"]["branch"] in repository.git("branch", "--list", "--format=%(refname:short)")
    assert document["change"]["url"] is None, "there is no remote"


def test_every_refusal_has_its_code(repository: Repository) -> None:
    missed = GateRecord("roc_auc min 0.9", passed=False, value=0.8)
    taken = replace(CONTRACT, columns={"age": CONTRACT.columns["age"]})
    repository.record(version(4, gates=(missed,), service_test=None, contract=taken))
    repository.release("dev", 3)
    repository.aimass("reject", "churn", "--version", "v4", "--reason", "bad")
    repository.aimass("hold", "churn", "--env", "dev", "--reason", "the sale")
    document = promoted(repository, "--version", "v4", code=26)
    assert (document["allowed"], document["change"]) == (False, None)
    codes = [each["code"] for each in document["objections"]]
    assert codes == ["gate", "service-test", "rejected", "held", "contract"]
