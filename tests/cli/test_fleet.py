"""What is made once for all models: written, compared and taken away as the files of a model are."""

from __future__ import annotations

import json

import pytest

from aimass_compiler import fleet
from aimass_compiler.fleet.part import Fleet, FleetPart
from aimass_compiler.pipeline.organisation import Organisation
from cli.projects import Project

WANTED = "\nlabels: {team: growth}\n"


def _is_wanted(organisation: Organisation) -> bool:
    return bool(organisation.settings.labels)


def _names(found: Fleet) -> dict[str, bytes]:
    tasks = {path: model.contract.task for path, model in found.models.items()}
    return {"models.json": json.dumps(tasks).encode()}


@pytest.fixture
def listed(compiled: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project in which a part of the fleet lists the models, once there are labels."""
    monkeypatch.setattr(fleet, "PARTS", {"names": FleetPart(is_wanted=_is_wanted, render=_names)})
    settings = compiled.root / "aimass.yaml"
    settings.write_text((settings.read_text() if settings.exists() else "") + WANTED)
    return compiled


def test_a_part_is_made_once_and_again_when_a_model_comes_or_goes(listed: Project) -> None:
    path = listed.root / "generated" / "fleet" / "names" / "models.json"
    planned = listed.aimass("plan")
    assert "for all models\n" in planned.out
    assert "+ generated/fleet/names/models.json" in planned.out
    assert listed.aimass("compile").code == 0
    assert json.loads(path.read_text()) == {"churn": "classification"}
    assert listed.aimass("compile").out.startswith("nothing changes")
    second = listed.root / "specs" / "second.yaml"
    second.write_text(
        (listed.root / "specs" / "churn.yaml").read_text().replace("name: churn", "name: second")
    )
    assert listed.aimass("compile").code == 0
    assert json.loads(path.read_text()) == {"churn": "classification", "second": "classification"}
    second.unlink()
    assert listed.aimass("compile", "--check").code == 3
    assert listed.aimass("compile").code == 0
    assert json.loads(path.read_text()) == {"churn": "classification"}


def test_an_edit_by_hand_is_kept_and_what_is_not_wanted_goes(listed: Project) -> None:
    folder = listed.root / "generated" / "fleet"
    assert listed.aimass("compile").code == 0
    edited = folder / "names" / "models.json"
    edited.write_text("mine")
    assert "AM033" in listed.aimass("compile").err
    assert edited.read_text() == "mine"
    assert listed.aimass("compile", "--force").code == 0
    settings = listed.root / "aimass.yaml"
    settings.write_text(settings.read_text().replace(WANTED, "\n"))
    assert "- generated/fleet/names/models.json" in listed.aimass("compile").out
    assert not folder.exists()
    assert json.loads(listed.aimass("plan", "--format", "json").out)["fleet"] == []
