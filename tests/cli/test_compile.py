"""`aimass compile` and `aimass plan`: what is written, what is only shown, and in which form."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cli.projects import SPEC, Project

REPLICAS = ("max: 3}", "max: 5}")
WRONG = ("number\n", "numbr\n")
COLOUR = "\x1b["


def test_compiling_twice_changes_nothing(project: Project) -> None:
    first = project.aimass("compile")
    assert first.code == 0
    assert first.out.startswith("churn is new and trained for the first time\n  + generated/churn/: access")
    written = project.files()
    assert f"{len(written)} created\n" in first.out
    assert project.aimass("compile").out == f"nothing changes: {len(written)} files are as they should be\n"
    assert project.files() == written


def test_a_compile_speaks_for_the_recipe_alone(compiled: Project) -> None:
    compiled.edit(*REPLICAS)
    assert compiled.aimass("compile").out.startswith("churn is not trained again for this\n")


@pytest.mark.parametrize("mode", ["--dry-run", "--check"])
def test_looking_writes_nothing(project: Project, mode: str) -> None:
    done = project.aimass("compile", mode)
    assert done.code == (3 if mode == "--check" else 0)
    assert "to create" in done.out
    assert not (project.root / "generated").exists()


def test_check_is_content_with_what_was_compiled(compiled: Project) -> None:
    assert compiled.aimass("compile", "--check").code == 0
    compiled.edit(*REPLICAS)
    stale = compiled.aimass("compile", "--check")
    assert stale.code == 3
    assert "error: generated/ is not what the specs compile to\nhelp: run `aimass compile`" in stale.err


def test_the_difference_line_by_line(compiled: Project) -> None:
    compiled.edit(*REPLICAS)
    before = compiled.files()
    done = compiled.aimass("compile", "--dry-run", "--diff")
    assert "--- a/generated/churn/pipeline.json\n+++ b/generated/churn/pipeline.json\n" in done.out
    assert re.search(r"^-.*3$", done.out, re.MULTILINE)
    assert re.search(r"^\+.*5$", done.out, re.MULTILINE)
    assert compiled.files() == before
    assert re.search(r"^\+.*5$", compiled.aimass("compile", "--diff").out, re.MULTILINE)


def test_a_renamed_model_is_told_as_one(compiled: Project) -> None:
    (compiled.root / "specs/churn.yaml").rename(compiled.root / "specs/leaving.yaml")
    compiled.edit("name: churn", "name: leaving", "specs/leaving.yaml")
    told = compiled.aimass("compile").out
    assert told.startswith("leaving is churn under another name, and trained again under it\n")
    assert "churn is removed" not in told


def test_a_spec_with_errors_writes_nothing(compiled: Project) -> None:
    before = compiled.files()
    compiled.edit(*WRONG)
    done = compiled.aimass("compile")
    assert (done.code, done.out) == (1, "")
    assert "error[AM105]: there is no type `numbr`\n  --> specs/churn.yaml:11:14\n" in done.err
    assert done.err.endswith("\n1 error in specs/churn.yaml; fixable with `aimass fix`\n")
    assert compiled.files() == before


def test_all_commands_report_the_same_findings(project: Project) -> None:
    project.write("aimass.yaml", "environments: [qa, live]\n")
    project.edit("  dev: {", "  qa: {")
    said = [project.aimass(command).err for command in ("check", "plan", "compile")]
    assert said[0].count("error[") == 1, "AM207 would follow from AM103 alone"
    assert said == said[:1] * 3


def test_where_nothing_can_be_written_nothing_is_said_to_be_as_it_should(project: Project) -> None:
    project.write("generated", "mine\n")
    done = project.aimass("compile")
    assert (done.code, done.out) == (1, "")
    assert "`generated` is a file, not a folder" in done.err


def test_findings_for_programs(project: Project) -> None:
    project.edit(*WRONG)
    done = project.aimass("compile", "--format", "json")
    assert (done.code, done.err) == (1, "")
    document = json.loads(done.out)
    (finding,) = document["findings"]
    assert (document["errors"], finding["code"], finding["file"]) == (1, "AM105", "specs/churn.yaml")
    assert (finding["place"]["line"], finding["place"]["column"]) == (11, 14)


def test_findings_for_github(project: Project) -> None:
    project.edit(*WRONG)
    done = project.aimass("compile", "--format", "github")
    assert done.code == 1
    assert done.out.startswith("::error file=specs/churn.yaml,line=11,endLine=11,col=14,")


def test_what_is_stale_is_told_to_github_where_the_pull_request_shows_it(compiled: Project) -> None:
    check = ("compile", "--check", "--format", "github")
    compiled.edit(*REPLICAS)
    stale = compiled.aimass(*check)
    assert stale.code == 3
    assert stale.out.startswith(
        "::error file=specs/churn.yaml,title=generated/ is stale::generated/churn is not"
    )
    (compiled.root / "specs" / "churn.yaml").unlink()
    gone = compiled.aimass(*check)
    assert gone.code == 3
    assert (
        "::error file=generated/churn/access.yaml,title=generated/ is stale::generated/churn is left"
        in gone.out
    )


def test_an_edit_by_hand_is_told_to_github_once(compiled: Project) -> None:
    compiled.write("generated/churn/dvc.yaml", "stages: {}\n")
    told = compiled.aimass("compile", "--check", "--format", "github")
    assert told.out.startswith("::error file=generated/churn/dvc.yaml,title=AM033::")
    assert told.out.count("\n") == 1


@pytest.mark.parametrize("form", ["json", "github"])
def test_a_sound_spec_for_programs(project: Project, form: str) -> None:
    done = project.aimass("compile", "--format", form)
    assert (done.code, done.err) == (0, "")
    assert done.out == "" or json.loads(done.out)["findings"] == []


def test_force_gives_up_what_was_edited_by_hand(compiled: Project) -> None:
    before = compiled.files()
    compiled.write("generated/churn/dvc.yaml", "stages: {}\n")
    refused = compiled.aimass("compile")
    assert refused.code == 1
    assert "error[AM033]: `generated/churn/dvc.yaml` was edited by hand" in refused.err
    assert compiled.aimass("compile", "--force").code == 0
    assert compiled.files() == before


def test_a_model_whose_spec_is_gone_is_removed(compiled: Project) -> None:
    (compiled.root / "specs" / "churn.yaml").unlink()
    done = compiled.aimass("compile")
    assert done.code == 0
    assert done.out.startswith("churn is removed\n")
    assert compiled.files() == {}


def test_naming_one_spec_leaves_other_models_alone(compiled: Project) -> None:
    compiled.write("specs/other.yaml", SPEC.replace("name: churn", "name: other"))
    before = compiled.files()
    assert compiled.aimass("compile", "other").code == 0
    assert compiled.files().items() >= before.items()
    assert compiled.aimass("compile", "--check").code == 0


def test_a_file_that_is_called_otherwise_than_its_model(project: Project) -> None:
    project.write("specs/other.yaml", SPEC)
    done = project.aimass("compile", "other")
    assert done.code == 1
    assert "error[AM205]" in done.err


def test_the_project_is_found_from_below(compiled: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    before = compiled.files()
    for folder in ("specs", "generated/churn/overlays"):
        monkeypatch.chdir(compiled.root / folder)
        assert compiled.aimass("compile", "--check").code == 0
        assert compiled.aimass("plan", "churn").code == 0
    monkeypatch.chdir(compiled.root / "specs")
    assert compiled.aimass("compile", "churn.yaml").code == 0, "a path starts where one is"
    assert compiled.files() == before


def test_the_project_is_named(
    compiled: Project, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert compiled.aimass("compile", "--check").code == 2
    assert compiled.aimass("compile", "--check", "--root", str(compiled.root)).code == 0


@pytest.mark.parametrize(
    ("variables", "is_coloured"),
    [({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False)],
)
def test_colours_are_for_who_wants_them(
    project: Project, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], is_coloured: bool
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    project.edit(*WRONG)
    assert (COLOUR in project.aimass("compile").err) is is_coloured


def test_the_schema_is_printed_written_and_checked(empty: Project) -> None:
    assert empty.aimass("schema", "--check").code == 3
    assert empty.aimass("schema", "--write").code == 0
    assert empty.aimass("schema", "--check").code == 0
    for kind in ("model", "settings", "accepts"):
        written = Path("schemas", f"{kind}.json").read_text(encoding="utf-8")
        assert empty.aimass("schema", kind).out == written
        assert json.loads(written)["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Path("schemas/model.json").write_text("{}", encoding="utf-8")
    stale = empty.aimass("schema", "--check")
    assert stale.code == 3
    assert "error: schemas/model.json is not what the language is now" in stale.err
