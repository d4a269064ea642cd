"""`aimass plan`: what it shows to people, programs and pull requests, and what it exits with."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from harness.version_records import recorded
from harness.version_records import released as in_each

from cli.projects import SPEC, Project

REPLICAS = ("max: 3}", "max: 5}")
FEATURE = ("min: 10}", "min: 11}")
NARROWER = ("{type: number, min: 0}", "{type: number, min: 1}")
LOOSER = ("timeout: 3000ms", "timeout: 2s")


@pytest.fixture
def released(compiled: Project) -> Project:
    """The project with its model released in each environment."""
    in_each(compiled.root, recorded(compiled.root, "churn"), "dev", "staging", "prod")
    return compiled


def test_a_plan_for_people(compiled: Project) -> None:
    before = compiled.files()
    compiled.edit(*REPLICAS)
    done = compiled.aimass("plan")
    assert done.code == 0
    assert done.out.startswith(
        "churn is not trained again\n  ~ staging and prod go from 3 to 5 replicas at most"
    )
    assert "    ~ generated/churn/pipeline.json  differs from what is produced now\n" in done.out
    assert "Plan: models 0 to add, 1 to change, 0 to remove, 0 as they are\n" in done.out
    assert re.search(r"^      files \d+ to update, \d+ unchanged$", done.out, re.MULTILINE)
    assert compiled.files() == before, "a plan writes nothing"


def test_a_plan_for_programs(compiled: Project) -> None:
    compiled.edit(*FEATURE)
    plan = json.loads(compiled.aimass("plan", "--format", "json").out)
    assert plan["stale"] is True
    (model,) = plan["models"]
    assert (model["model"], model["new"], model["removed"]) == ("churn", False, False)
    value = model["values"][0]
    assert (value["key"], value["before"], value["after"]) == ("features[0].clip.min", 10.0, 11.0)
    assert value["place"] == "specs/churn.yaml:17"
    assert "churn/pipeline.json" in [file["path"] for file in model["files"]]


def test_a_plan_for_a_pull_request(compiled: Project) -> None:
    compiled.edit(*REPLICAS)
    text = compiled.aimass("plan", "--format", "markdown", "--diff").out
    assert text.startswith("<!-- aimass plan -->\n## Plan\n")
    assert "<details><summary><code>churn</code> is not trained again, 1 change</summary>" in text
    assert "!   staging and prod go from 3 to 5 replicas at most  specs/churn.yaml:25" in text
    assert text.count("<details>") == text.count("</details>") == 2
    assert "+++ b/generated/churn/pipeline.json" in text


def test_a_plan_where_nothing_changes(compiled: Project) -> None:
    assert compiled.aimass("plan").out.startswith("nothing changes: ")
    assert json.loads(compiled.aimass("plan", "--format", "json").out)["models"] == []
    text = compiled.aimass("plan", "--format", "markdown").out
    assert "nothing changes" in text
    assert "<details>" not in text


def test_colours_are_for_a_terminal(compiled: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled.edit(*REPLICAS)
    assert "\x1b[" not in compiled.aimass("plan").out
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[33m~\x1b[0m staging and prod" in compiled.aimass("plan").out
    for form in ("json", "markdown"):
        assert "\x1b[" not in compiled.aimass("plan", "--format", form).out


@pytest.mark.parametrize(
    ("edit", "arguments", "code"),
    [
        (None, (), 0),
        (REPLICAS, (), 2),
        (("timeout: 3000ms", "timeout: 3 s"), (), 1),
        (REPLICAS, ("nobody",), 1),
        (REPLICAS, ("--against", "nowhere"), 1),
        (REPLICAS, ("--no-such-option",), 1),
        (REPLICAS, ("--fail-on", "possibly-breaking"), 2),
        (LOOSER, ("--fail-on", "possibly-breaking"), 4),
    ],
)
def test_exit_codes_as_terraform_has_them(
    released: Project, edit: tuple[str, str] | None, arguments: tuple[str, ...], code: int
) -> None:
    if edit:
        released.edit(*edit)
    assert released.aimass("plan", "--detailed-exitcode", *arguments).code == code


@pytest.mark.parametrize(
    ("edit", "arguments", "code"),
    [
        (LOOSER, (), 0),
        (LOOSER, ("--fail-on", "breaking"), 0),
        (LOOSER, ("--fail-on", "possibly-breaking"), 4),
        (LOOSER, ("--fail-on", "possibly-breaking", "--allow-breaking", "timeout-lowered"), 0),
        (LOOSER, ("--fail-on", "possibly-breaking", "--allow-breaking", "churn:timeout-lowered"), 0),
        (LOOSER, ("--fail-on", "possibly-breaking", "--allow-breaking", "other:timeout-lowered"), 4),
        (LOOSER, ("--fail-on", "possibly-breaking", "--allow-breaking", "input-removed"), 4),
        (LOOSER, ("--allow-breaking", "timeout-raised"), 2),
        (NARROWER, ("--fail-on", "breaking"), 0),
        (REPLICAS, ("--fail-on", "possibly-breaking"), 0),
    ],
)
def test_a_change_that_callers_notice_can_be_stopped(
    released: Project, edit: tuple[str, str], arguments: tuple[str, ...], code: int
) -> None:
    released.edit(*edit)
    assert released.aimass("plan", *arguments).code == code


def test_what_no_caller_can_notice_stops_nothing(compiled: Project) -> None:
    """Without a release the model serves nowhere, and with one a recipe reaches nobody by itself."""
    compiled.edit(*LOOSER)
    assert compiled.aimass("plan", "--fail-on", "possibly-breaking").code == 0
    compiled.edit(*NARROWER)
    done = compiled.aimass("plan", "--fail-on", "possibly-breaking")
    assert done.code == 0
    assert "breaking once released: `age` has min 1 instead of 0" in done.out


def test_what_stops_is_reported_with_what_accepts_it(released: Project) -> None:
    released.edit(*LOOSER)
    done = released.aimass("plan", "--fail-on", "possibly-breaking")
    name = "timeout-lowered:dev,staging,prod=2s"
    assert f"slower requests are answered 504 [{name}]" in done.out
    assert done.err == (
        "error: 1 change breaks what callers rely on: timeout-lowered\n"
        f"help: an entry in accepts/churn.yaml accepts one, by name and with a reason: `break: {name}`\n"
    )
    released.write("accepts/churn.yaml", f"- break: {name}\n  reason: all callers wait 1 s at most\n")
    accepted = released.aimass("plan", "--fail-on", "possibly-breaking")
    assert (accepted.code, accepted.err) == (0, "")
    assert "! " not in accepted.out, "it is used"
    released.edit(*reversed(LOOSER))
    unused = released.aimass("plan")
    assert f"! accepts/churn.yaml accepts `{name}`, which does not happen: remove it\n" in unused.out


def test_an_unknown_rule_is_reported(compiled: Project) -> None:
    unknown = compiled.aimass("plan", "--allow-breaking", "input-min-rised")
    assert unknown.err == (
        "error: there is no rule `input-min-rised`\nhelp: did you mean `input-min-raised`?\n"
    )


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b'{"format": "aimass.pipeline/v0", "features": 3}', b"[" * 50_000, b"\xff"],
)
def test_a_pipeline_of_another_format_is_told_and_not_guessed_at(compiled: Project, content: bytes) -> None:
    before = compiled.root / "before"
    (compiled.root / "generated").rename(before)
    (before / "churn" / "pipeline.json").write_bytes(content)
    done = compiled.aimass("plan", "--against", str(before))
    assert done.code == 0
    assert done.out.startswith("churn is compiled again\n")
    assert "the values of pipeline.json before cannot be compared: it" in done.out


def lock(stages: dict[str, Any]) -> str:
    return json.dumps({"schema": "2.0", "stages": stages})


def test_data_that_changed_since_the_last_run_is_told_although_nothing_is_compiled(compiled: Project) -> None:
    pipeline = json.loads((compiled.root / "generated/churn/pipeline.json").read_text())
    compiled.write("data/customers.csv", "age\n1\n")
    entry = {
        "cmd": "aimass-runtime prepare churn",
        "deps": [{"path": "data/customers.csv", "hash": "md5", "md5": "0" * 32, "size": 6}],
        "params": {"generated/churn/pipeline.json": {key: pipeline[key] for key in ("data", "task")}},
        "outs": [],
    }
    compiled.write("generated/churn/dvc.lock", lock({"prepare": entry}))
    done = compiled.aimass("plan")
    assert done.out.startswith(
        "churn is as it was compiled, and its next run has work to do\n"
        "  ~ prepare runs again: data/customers.csv changed since the last run\n"
    )
    (waiting,) = json.loads(compiled.aimass("plan", "--format", "json").out)["waiting"]
    assert [stage["state"] for stage in waiting["stages"]] == ["runs"] * 6
    assert compiled.aimass("plan", "--detailed-exitcode").code == 0, "what is compiled is as it was"


def states(project: Project) -> dict[str, str]:
    model = json.loads(project.aimass("plan", "--format", "json").out)["models"][0]
    return {stage["stage"]: stage["state"] for stage in model["stages"]}


def test_without_the_files_of_a_run_its_record_is_all_there_is(compiled: Project) -> None:
    pipeline = json.loads((compiled.root / "generated/churn/pipeline.json").read_text())
    entry = {
        "cmd": "aimass-runtime prepare churn",
        "deps": [{"path": "data/customers.csv", "hash": "md5", "md5": "0" * 32, "size": 6}],
        "params": {"generated/churn/pipeline.json": {key: pipeline[key] for key in ("data", "task")}},
    }
    compiled.write("generated/churn/dvc.lock", lock({"prepare": entry}))
    compiled.edit(*REPLICAS)
    assert states(compiled)["prepare"] == "recorded"
    assert "prepare is up to date by dvc.lock; data/customers.csv is not here" in compiled.aimass("plan").out


BOMB = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))
STRANGE_BOMB = BOMB.replace("&", "&-").replace("*", "*-")  # names that begin like no word


@pytest.mark.parametrize(
    "content",
    [
        "",
        "stages: 3\n",
        "a: [\n",
        "stages: {prepare: {params: 1, deps: {}}}\n",
        f"{BOMB}stages: {{features: {{cmd: *a29, deps: [{{path: *a29}}], params: {{x: {{task: *a29}}}}}}}}\n",
        f"{STRANGE_BOMB}stages: {{features: {{cmd: x, deps: [{{path: *-a29}}]}}}}\n",
    ],
)
def test_a_damaged_record_is_none(compiled: Project, content: str) -> None:
    compiled.write("generated/churn/dvc.lock", content)
    compiled.edit(*FEATURE)
    assert compiled.aimass("plan").code == 0
    assert states(compiled)["features"] == "runs"


def test_what_is_the_same_of_several_models_is_said_once(project: Project) -> None:
    for name in ("churn", "leavers", "movers"):
        project.write(f"specs/{name}.yaml", SPEC.replace("name: churn", f"name: {name}"))
    text = project.aimass("plan").out
    assert text.startswith(
        "3 models alike (churn, leavers and movers): each is new and trained for the first time\n"
    )
    assert text.count("trained for the first time") == 1
    assert len(json.loads(project.aimass("plan", "--format", "json").out)["models"]) == 3
    summary = "<summary><code>churn</code> and 2 more alike: each is new</summary>"
    assert summary in project.aimass("plan", "--format", "markdown").out


@pytest.mark.slow
def test_a_plan_of_many_models_fits_below_a_pull_request(project: Project) -> None:
    for number in range(120):
        name = f"model-{number:03}"
        spec = SPEC.replace("name: churn", f"name: {name}").replace(
            "min: 2, max: 3", f"min: 2, max: {4 + number}"
        )
        project.write(f"specs/{name}.yaml", spec)
    text = project.aimass("plan", "--format", "markdown").out
    assert len(text.encode()) <= 65_000
    left = re.search(r"\*\*(\d+) more models do not fit here\.\*\*", text)
    assert left
    assert text.count("<details>") == text.count("</details>") == 121 - int(left[1])


def test_a_compile_tells_of_a_few_models_and_counts_the_others(project: Project) -> None:
    for number in range(13):
        name = f"model-{number:02}"
        project.write(f"specs/{name}.yaml", SPEC.replace("name: churn", f"name: {name}"))
    told = project.aimass("compile", "--dry-run").out
    assert told.count(" is new and trained for the first time\n") == 10
    assert "… and 4 more models, which `aimass plan` shows\n" in told


def test_what_a_model_that_goes_cost_is_told_in_money_although_no_spec_is_left(compiled: Project) -> None:
    (compiled.root / "aimass.yaml").write_text("prices: {cpu_hour: 0.04, currency: EUR}\n")
    (compiled.root / "specs/churn.yaml").unlink()
    told = compiled.aimass("plan").out
    assert re.search(r"serving in prod, a month: no longer .*EUR$", told, re.MULTILINE)


def test_a_model_on_a_shared_server_is_said_to_cost_nothing_beside_it(project: Project) -> None:
    (project.root / "aimass.yaml").write_text("servers: {small: {}}\nsharing: [{servers: [small]}]\n")
    spec = SPEC.replace("  replicas: {min: 2, max: 3}\n", "").replace("replicas: {min: 1, max: 2}", "")
    project.write("specs/churn.yaml", spec)
    assert "serving in dev, a month: nothing beside its shared server\n" in project.aimass("plan").out
