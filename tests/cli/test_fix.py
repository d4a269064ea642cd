"""`aimass fix` fixes what is certain, leaves every other character alone, and writes nothing worse."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimass_compiler.cli import main
from aimass_compiler.diagnostics import has_errors
from cli.projects import SPEC, Project
from tests.cases.front_end import fixed
from tests.examples import at_most

#: A slip, and what it is a slip of.
SLIPS = {
    "kind: Model": "kind: model",
    "  owner: growth@example.com": "  ownr: growth@example.com # who",
    "number, min: 0": 'number, min: "0"',
    "[basic, pro]": "[basic, yes]",
    "max_iter": "max-iter",
    "    plan: {type": "\tplan: {type",
    "standardize": "standardise",
    "features:\n": "features:\n\n  # the first\n",
    "timeout: 3000ms": "timout: 3000ms",
    "target: churned": "target: chruned",
    "  dev:": "  Dev:",
    "objective: {metric: roc_auc}": "objective: {metric: roc_acu}",
    "replicas: {min: 2, max: 3}": "replicas: {min: 3, max: 2}",
    "apiVersion: aimass/v1\n": "",
    'values: ["no", "yes"]': "values: [no, yes]",
}


def slipped(*chosen: str) -> str:
    text = SPEC
    for right in chosen:
        assert text.count(right) == 1
        text = text.replace(right, SLIPS[right])
    return text


@pytest.mark.parametrize("right", sorted(SLIPS))
def test_a_slip_is_mended_and_nothing_else(project: Project, right: str) -> None:
    project.write("specs/churn.yaml", slipped(right))
    done = project.aimass("fix")
    assert (done.code, done.err) == (0, "")
    text = (project.root / "specs/churn.yaml").read_text()
    if right.startswith("features"):
        assert text == slipped(right)
    elif right == "[basic, pro]":
        assert text == SPEC.replace(right, '[basic, "yes"]')
    else:
        assert text.replace(" # who", "") == SPEC


@settings(at_most(20), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chosen=st.sets(st.sampled_from(sorted(SLIPS)), min_size=2))
def test_slips_together_are_mended_as_one_by_one(tmp_path: Path, chosen: set[str]) -> None:
    spec = tmp_path / "specs/churn.yaml"
    spec.parent.mkdir(exist_ok=True)
    spec.write_text(slipped(*chosen))
    first = fixed(tmp_path, [spec])
    assert not has_errors(first.left)
    again = first.after.get(spec, spec.read_bytes())
    spec.write_bytes(again)
    assert fixed(tmp_path, [spec]).after == {}


def test_it_tells_what_it_mends(project: Project) -> None:
    project.write("specs/churn.yaml", slipped("kind: Model"))
    told = "specs/churn.yaml: `kind` must be `Model`, not `model` → write `Model` [AM105]\n"
    assert project.aimass("fix").out == told
    assert project.aimass("fix").out == ""


@pytest.mark.parametrize(("option", "code"), [("--dry-run", 0), ("--check", 3)])
def test_it_can_only_look(project: Project, option: str, code: int) -> None:
    project.write("specs/churn.yaml", slipped("kind: Model"))
    done = project.aimass("fix", option, "--diff")
    assert done.code == code
    assert "\n-kind: model\n+kind: Model\n" in done.out
    assert (project.root / "specs/churn.yaml").read_text() == slipped("kind: Model")


def test_what_nobody_can_be_sure_of_is_told(project: Project) -> None:
    project.write("specs/churn.yaml", slipped("kind: Model").replace("target: churned", "target: age\nx: 1"))
    done = project.aimass("fix")
    assert done.code == 1
    assert "error[AM102]: there is no key `x`" in done.err
    assert "kind: Model" in (project.root / "specs/churn.yaml").read_text()


def test_a_fix_that_brings_a_mistake_is_not_made(project: Project) -> None:
    text = SPEC.replace("charges: number", "charges: number\n    charges: number # again")
    project.write(
        "specs/churn.yaml", text.replace("charges: number\n", "charges: &n number\n", 1) + "x: *n\n"
    )
    done = project.aimass("fix")
    assert done.code == 1
    assert "*n" in (project.root / "specs/churn.yaml").read_text()
    assert "charges: &n number\n" in (project.root / "specs/churn.yaml").read_text()


def test_fixes_beside_one_that_is_not_made_are_made_where_they_belong(project: Project) -> None:
    twice = "    charges: &n number\n    charges: number # again\n"
    text = SPEC.replace("    charges: number\n", twice).replace('["no", "yes"]', "[no, yes]")
    project.write("specs/churn.yaml", f"# n: on\n{text.replace('[basic, pro]', '[n, yes, off]')}x: *n\n")
    assert project.aimass("fix").code == 1
    want = text.replace("[no, yes]", '["no", "yes"]').replace("[basic, pro]", '[n, "yes", "off"]')
    assert (project.root / "specs/churn.yaml").read_text() == f"# n: on\n{want}x: *n\n"


@pytest.mark.parametrize(
    "content", [b"\xff\xfe", b"kind: model\nnote: \xff\n", b"kind: model\nnote: a\x07b\n"]
)
def test_a_file_that_was_not_read_exactly_is_left_alone(project: Project, content: bytes) -> None:
    (project.root / "specs/churn.yaml").write_bytes(content)
    assert project.aimass("fix").code == 1
    assert (project.root / "specs/churn.yaml").read_bytes() == content


def test_byte_order_mark_line_ends_mode_and_link_stay(project: Project) -> None:
    real = project.root / "elsewhere/churn.yaml"
    real.parent.mkdir()
    real.write_bytes(b"\xef\xbb\xbf" + slipped("kind: Model").replace("\n", "\r\n").encode())
    real.chmod(0o640)
    (project.root / "specs/churn.yaml").unlink()
    (project.root / "specs/churn.yaml").symlink_to(real)
    assert project.aimass("fix").code == 0
    assert real.read_bytes() == b"\xef\xbb\xbf" + SPEC.replace("\n", "\r\n").encode()
    assert real.stat().st_mode & 0o777 == 0o640
    assert (project.root / "specs/churn.yaml").is_symlink()


def test_the_settings_are_mended_too(project: Project) -> None:
    project.write("aimass.yaml", "images: {registri: ghcr.io/acme}\n")
    assert project.aimass("fix", "aimass.yaml").code == 0
    assert (project.root / "aimass.yaml").read_text() == "images: {registry: ghcr.io/acme}\n"


def test_the_settings_are_left_alone_where_a_spec_is_named(project: Project) -> None:
    project.write("aimass.yaml", "images: {registri: ghcr.io/acme}\n")
    done = project.aimass("fix", "churn")
    assert (done.code, "registri" in done.err) == (1, True)
    assert (project.root / "aimass.yaml").read_text() == "images: {registri: ghcr.io/acme}\n"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_told(project: Project) -> None:
    project.write("specs/churn.yaml", slipped("kind: Model"))
    (project.root / "specs").chmod(0o500)
    try:
        done = project.aimass("fix")
    finally:
        (project.root / "specs").chmod(0o700)
    assert done.code == 1
    assert "could not be written" in done.err


def test_help_has_an_end(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["fix", "--help"])
    assert "Fix what can be fixed with certainty" in capsys.readouterr().out


def test_a_fix_after_which_another_model_may_be_trained_waits_to_be_asked_for(project: Project) -> None:
    text = SPEC.replace("  - standardize:", "  - min_max: [age]\n  - standardize:", 1)
    project.write("specs/churn.yaml", text)
    assert (
        "fixable with `aimass fix --unsafe-fixes`, which may change the model" in project.aimass("check").err
    )
    assert project.aimass("fix").code == 0
    assert (project.root / "specs/churn.yaml").read_text() == text
    done = project.aimass("fix", "--unsafe-fixes")
    assert "[AM268]" in done.out
    assert "min_max" not in (project.root / "specs/churn.yaml").read_text()
