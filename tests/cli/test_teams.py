"""Specs in the folders of teams: `growth/churn` in every path, `churn` where nobody else is called so."""

from __future__ import annotations

import json

import pytest

from aimass_compiler.exit_codes import ExitCode
from cli.projects import SPEC, Project

GROWTH, RISK = "specs/growth/churn.yaml", "specs/risk/churn.yaml"


@pytest.fixture
def teams(empty: Project) -> Project:
    """Two teams with a model of one name, and a model without a team."""
    for path in (GROWTH, RISK):
        empty.write(path, SPEC)
    empty.write("specs/balance.yaml", SPEC.replace("name: churn", "name: balance"))
    for team in ("growth", "risk"):
        empty.write(f"teams/{team}.yaml", "")
    assert empty.aimass("compile").code == ExitCode.DONE
    return empty


def test_what_is_generated_lies_in_the_folder_of_the_team(teams: Project) -> None:
    generated = teams.root / "generated"
    found = {path.parent.relative_to(generated).as_posix() for path in generated.rglob("dvc.yaml")}
    assert found == {"balance", "growth/churn", "risk/churn"}
    pipeline = json.loads((generated / "growth/churn/pipeline.json").read_text())
    assert (pipeline["team"], pipeline["metadata"]["name"]) == ("growth", "churn")
    assert "team" not in json.loads((generated / "balance/pipeline.json").read_text())
    stages = (generated / "growth/churn/dvc.yaml").read_text()
    assert "wdir: '../../..'" in stages
    assert "artifacts/growth/churn/prepare" in stages
    overlay = (generated / "growth/churn/overlays/dev/kustomization.yaml").read_text()
    assert "'../../../../../releases/dev/growth/churn'" in overlay


def test_nothing_changes_the_second_time(teams: Project) -> None:
    assert teams.aimass("compile").out.startswith("nothing changes")
    assert teams.aimass("compile", "--check").code == ExitCode.DONE


@pytest.mark.parametrize(
    ("words", "changed"),
    [
        (["compile", "growth/churn"], {"growth/churn"}),
        (["compile", "growth/"], {"growth/churn"}),
        (["compile", "specs/risk"], {"risk/churn"}),
        (["compile", RISK, "balance"], {"risk/churn", "balance"}),
        (["compile"], {"growth/churn", "risk/churn", "balance"}),
    ],
)
def test_specs_are_named_by_path_by_team_or_all(teams: Project, words: list[str], changed: set[str]) -> None:
    for path in (GROWTH, RISK, "specs/balance.yaml"):
        text = (teams.root / path).read_text()
        teams.write(path, text.replace("growth@example.com", "someone@example.com"))
    assert teams.aimass(*words).code == ExitCode.DONE
    told = {
        model
        for model in ("growth/churn", "risk/churn", "balance")
        if "someone" in (teams.root / "generated" / model / "pipeline.json").read_text()
    }
    assert told == changed


@pytest.mark.parametrize(
    "words", [["compile"], ["check"], ["history"], ["promote", "--to", "dev"], ["build"], ["run"]]
)
def test_a_name_that_two_teams_have_is_not_guessed(teams: Project, words: list[str]) -> None:
    command, *more = words
    done = teams.aimass(command, "churn", *(["dev"] if command == "build" else more))
    assert done.code == ExitCode.USAGE
    assert "2 models are called `churn`" in done.err
    assert "`growth/churn` or `risk/churn`" in done.err


def test_a_team_that_there_is_not_is_told_with_those_that_there_are(teams: Project) -> None:
    done = teams.aimass("compile", "grwoth/")
    assert done.code == ExitCode.USAGE
    assert "there is no model of a team `grwoth`" in done.err
    assert "did you mean `growth`?" in done.err


def test_a_model_that_moves_to_a_team_takes_its_folder_along(teams: Project) -> None:
    (teams.root / "specs/balance.yaml").rename(teams.root / "specs/risk/balance.yaml")
    done = teams.aimass("compile")
    assert "risk/balance is balance under another name" in done.out
    assert not (teams.root / "generated/balance").exists()
    assert (teams.root / "generated/risk/balance/pipeline.json").exists()
    assert teams.aimass("compile").out.startswith("nothing changes")


def test_the_last_model_of_a_team_takes_the_folder_along(teams: Project) -> None:
    (teams.root / GROWTH).unlink()
    (teams.root / "teams/growth.yaml").unlink()
    assert "growth/churn is removed" in teams.aimass("compile").out
    assert not (teams.root / "generated/growth").exists()


def test_a_model_makes_room_for_a_team_of_its_name(teams: Project) -> None:
    (teams.root / "specs/balance").mkdir()
    (teams.root / "specs/balance.yaml").rename(teams.root / "specs/balance/balance.yaml")
    teams.write("teams/balance.yaml", "")
    assert teams.aimass("compile").code == ExitCode.DONE
    there = {path.name for path in (teams.root / "generated/balance").iterdir()}
    assert there == {"balance"}
    assert teams.aimass("compile").out.startswith("nothing changes")
