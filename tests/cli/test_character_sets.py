"""Whatever characters a terminal or a pipe has, no command ends in a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from cli.projects import Project

CODE = "import sys; from {module} import main; sys.exit(main(sys.argv[1:]))"
SETS = ("cp1252", "latin-1", "ascii", "cp437")


def run(
    project: Project, name: str, *words: str, module: str = "aimass_compiler.cli"
) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(module=module), *words],
        cwd=project.root,
        env=os.environ | {"PYTHONIOENCODING": name},
        capture_output=True,
        check=False,
    )
    assert b"Traceback" not in done.stdout + done.stderr, (done.stdout + done.stderr).decode(name)
    return done


@pytest.fixture
def strange(compiled: Project) -> Project:
    """A spec with a mistake in a line that few character sets can show."""
    compiled.edit("  - one_hot: plan", "  - one_hot: plän😀…")
    return compiled


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("words", [["check"], ["plan"], ["compile"], ["fmt", "--diff"], ["explain", "AM033"]])
def test_every_command_goes_on(strange: Project, name: str, words: list[str]) -> None:
    run(strange, name, *words)


def test_what_cannot_be_shown_is_named(strange: Project) -> None:
    told = run(strange, "ascii", "check").stderr.decode("ascii")
    assert "pl\\u00e4n\\ud83d\\ude00..." in told
    assert json.loads(run(strange, "ascii", "check", "--format", "json").stdout)


def test_signs_of_ours_become_those_of_ascii(project: Project) -> None:
    shown = run(project, "ascii", "explain", "churn").stdout.decode("ascii")
    assert "\\u" not in shown


@pytest.mark.parametrize("name", SETS)
def test_stages_go_on(compiled: Project, name: str) -> None:
    done = run(compiled, name, "prepare", "churn", module="aimass_compiler.runtime.__main__")
    assert done.returncode != 0
    assert b"customers.csv" in done.stderr


@pytest.mark.slow
def test_a_run_says_what_its_stages_say(compiled: Project) -> None:
    rows = "".join(
        f"{20 + row % 40},{row}.5,{('basic', 'pro')[row % 2]},{('no', 'yes')[row % 3 == 0]}\n"
        for row in range(200)
    )
    compiled.write("data/customers.csv", f"age,charges,plan,churned\n{rows}")
    done = run(compiled, "cp1252", "run", "churn", "--until", "prepare")
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode("cp1252").startswith(("made this project", "> prepare: collect"))
    assert "> prepare: collect, join, check" in done.stdout.decode("cp1252")
