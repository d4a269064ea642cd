"""`aimass init`: from a data file to a spec that compiles."""

from __future__ import annotations

import pytest

from aimass_compiler.cli.terminal import RowCount
from cli.projects import Project

CUSTOMERS = "age,plan,churned\n" + "".join(
    f"{20 + number % 50},{('basic', 'pro')[number % 2]},{('no', 'yes')[number % 3 == 0]}\n"
    for number in range(120)
)


def test_a_proposed_spec_compiles_without_findings(empty: Project) -> None:
    empty.write("data/customers.csv", CUSTOMERS)
    done = empty.aimass("init", "churn", "data/customers.csv", "--target", "churned")
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        "  target:    churned, one of 2 classes (as was asked for; --target COLUMN)\n"
        "  positive:  'yes' (a guess, by the words; --positive CLASS)\n"
        "  split:     random (at random, each class in the same shares: with few rows, chance alone could "
        "leave a class out; --split time, hash or random)\n"
        "wrote specs/churn.yaml: read it, then `aimass run churn`\n"
        "`aimass schema --write` once lets editors complete and explain specs\n"
    )
    compiled = empty.aimass("compile")
    assert (compiled.code, compiled.err) == (0, "")
    assert compiled.out.startswith("churn is new and trained for the first time\n")


def test_the_file_may_come_behind_options(empty: Project) -> None:
    empty.write("data/customers.csv", CUSTOMERS)
    done = empty.aimass("init", "churn", "--target", "plan", "data/customers.csv")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("  target:    plan, one of 2 classes (as was asked for;")


def test_a_team_that_no_file_describes_is_named(empty: Project) -> None:
    empty.write("data/customers.csv", CUSTOMERS)
    done = empty.aimass("init", "growth/churn", "data/customers.csv")
    line = "`teams/growth.yaml` is to describe its team and is not there yet; an empty file is enough\n"
    assert line in done.out
    empty.write("teams/growth.yaml", "")
    assert line not in empty.aimass("init", "growth/second", "data/customers.csv").out
    assert (empty.aimass("check").code, empty.aimass("check").err) == (0, "")


@pytest.mark.parametrize(("every", "is_rare"), [(9, True), (3, False)])
def test_a_rare_class_is_shown_what_helps(empty: Project, every: int, *, is_rare: bool) -> None:
    rows = [f"{20 + number % 50},{('no', 'yes')[number % every == 0]}\n" for number in range(400)]
    empty.write("data/customers.csv", "age,churned\n" + "".join(rows))
    assert empty.aimass("init", "churn", "data/customers.csv").code == 0
    text = (empty.root / "specs/churn.yaml").read_text()
    for part in (
        "  decision: {threshold: {recall: 0.5}}",
        "`class_weights: balanced`",
        "% of the rows are 'yes'",
    ):
        assert (part in text) == is_rare
    # What is proposed in comments is right as it stands.
    written = text.replace("    # - {metric: {", "    - {metric: {")
    empty.write("specs/churn.yaml", written)
    assert (empty.aimass("check").code, written == text) == (0, not is_rare)


def test_where_editors_have_the_schema_nothing_is_said_of_it(empty: Project) -> None:
    empty.write("data/customers.csv", CUSTOMERS)
    assert empty.aimass("schema", "--write").code == 0
    done = empty.aimass("init", "churn", "data/customers.csv")
    assert done.out.endswith("\nwrote specs/churn.yaml: read it, then `aimass run churn`\n")
    named = (empty.root / "specs/churn.yaml").read_text().splitlines()[0].partition("$schema=")[2]
    assert (empty.root / "specs" / named).resolve().is_file()


def test_a_spec_is_never_overwritten(project: Project) -> None:
    project.write("data/customers.csv", CUSTOMERS)
    before = (project.root / "specs" / "churn.yaml").read_bytes()
    done = project.aimass("init", "churn", "data/customers.csv")
    assert done.code == 1
    assert "`specs/churn.yaml` exists already and was left alone" in done.err
    unread = project.aimass("init", "churn", "data/nothing.csv")
    assert "`specs/churn.yaml` exists already and was left alone" in unread.err, "before data is looked at"
    assert (project.root / "specs" / "churn.yaml").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("churn", "data/none.csv"), "data/none.csv"),
        (("churn", "data/customers.csv", "--target", "churnd"), "churned"),
        (("Churn!", "data/customers.csv"), "Churn!"),
        (("../churn", "data/customers.csv"), "../churn"),
        (("churn", "data"), "data"),
    ],
)
def test_what_cannot_be_proposed_is_told(empty: Project, arguments: tuple[str, ...], told: str) -> None:
    empty.write("data/customers.csv", CUSTOMERS)
    done = empty.aimass("init", *arguments)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("error[")
    assert told in done.err
    assert not (empty.root / "specs").exists()


def test_rows_of_a_large_file_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    count = RowCount("data/x.csv", patience=0)
    count(100)
    count(60_000)
    count(120_000)
    assert capsys.readouterr().err == "reading data/x.csv …\n"
