"""`aimass explain`: every value with the line that it comes from, and every code with its way out."""

from __future__ import annotations

import re

import pytest

from aimass_compiler.codes import explanations
from cli.projects import SPEC, Project

LINE = re.compile(r"^(?P<shown>.*?)\s+# (?P<origin>[^#]+)$")


def origins(text: str) -> list[tuple[str, str]]:
    """What is shown and where it comes from, line by line."""
    found = [LINE.match(line) for line in text.splitlines()]
    return [(each["shown"].strip().removeprefix("- "), each["origin"]) for each in found if each]


def line_of(part: str) -> str:
    """Where the spec says something, which it says once."""
    (number,) = [number for number, line in enumerate(SPEC.splitlines(), start=1) if part in line]
    return f"specs/churn.yaml:{number}"


def below(text: str, *headings: str) -> str:
    """The part of the text below headings, which follow each other inwards."""
    for heading in headings:
        _, _, text = text.partition(f"{heading}:\n")
    return text


#: What is looked at below which headings → where in the spec it was written.
ORIGINS = [
    (("metadata",), "name: churn", "name: churn"),
    (("data", "customers", "csv"), "path: data/customers.csv", "customers: data/customers.csv"),
    (("data", "columns", "age"), "type: number", "age: {type"),
    (("data", "columns", "charges"), "type: number", "charges: number"),
    (("data", "columns", "plan", "values"), "basic", "plan: {type"),
    (("data", "split"), "train: 0.8", "split:"),
    ((), "target: churned", "target:"),
    (("model", "logistic_regression"), "max_iter: 500", "logistic_regression: {"),
    (("features", "- clip", "columns"), "age", "- clip"),
    (("features", "- log", "columns"), "charges", "- log"),
    (("features", "- log", "columns"), "age", "- log"),
    (("features", "- standardize", "columns"), "charges", "- standardize"),
    (("features", "- one_hot", "columns"), "plan", "- one_hot"),
    (("serving", "replicas"), "max: 3", "replicas: {min: 2"),
    (("serving", "limits"), "timeout: '3000ms'", "timeout:"),
    (("environments", "dev", "replicas"), "max: 2", "dev:"),
    (("environments", "prod", "replicas"), "max: 3", "replicas: {min: 2"),
]


@pytest.mark.parametrize(("headings", "shown", "written"), ORIGINS)
def test_a_written_value_has_its_line(
    project: Project, headings: tuple[str, ...], shown: str, written: str
) -> None:
    done = project.aimass("explain", "churn")
    assert done.code == 0, done.err
    assert dict(reversed(origins(below(done.out, *headings))))[shown] == line_of(written)


@pytest.mark.parametrize(
    ("headings", "shown"),
    [
        (("data", "customers", "csv"), "separator: ','"),
        (("data", "split"), "test: 0.1"),
        (("features", "- log"), "offset: 1.0"),
        (("model", "logistic_regression"), "l2: 1.0"),
        (("training",), "seed: 0"),
        (("serving", "replicas"), "cpu: '70%'"),
        (("environments", "dev", "replicas"), "cpu: '70%'"),
    ],
)
def test_what_nobody_wrote_is_a_default(project: Project, headings: tuple[str, ...], shown: str) -> None:
    found = origins(below(project.aimass("explain", "churn").out, *headings))
    assert dict(reversed(found))[shown] == "default"


def test_every_value_has_an_origin(project: Project) -> None:
    text = project.aimass("explain", "churn").out
    without = [line for line in text.splitlines() if "  # " not in line]
    assert all(line.endswith(":") for line in without)


def test_every_line_of_the_spec_is_the_origin_of_something(project: Project) -> None:
    named = {origin for _, origin in origins(project.aimass("explain", "churn").out)}
    lines = enumerate(SPEC.splitlines(), start=1)
    written = {f"specs/churn.yaml:{number}" for number, line in lines if not line.endswith(":")}
    assert named - {"default", "aimass.yaml or default"} == written


def test_what_is_explained_compiles_to_the_same(compiled: Project) -> None:
    before = compiled.files()
    shown = compiled.aimass("explain", "churn").out
    parts = [
        part
        for part in re.split(r"^(?=\w)", shown, flags=re.MULTILINE)
        if not part.startswith("environments")
    ]
    environments = SPEC[SPEC.index("environments:") :]
    compiled.write("specs/churn.yaml", "".join(parts) + environments)
    done = compiled.aimass("compile", "--check")
    assert done.code == 0, done.err + done.out
    assert compiled.files() == before


def test_a_spec_is_explained_by_its_path(project: Project) -> None:
    assert project.aimass("explain", "specs/churn.yaml").out == project.aimass("explain", "churn").out


def test_a_spec_with_errors_has_findings_in_the_place_of_values(project: Project) -> None:
    project.edit("charges: number", "charges: numbr")
    done = project.aimass("explain", "churn")
    assert (done.code, done.out) == (1, "")
    assert "error[AM105]: there is no type `numbr`" in done.err


@pytest.mark.parametrize("code", explanations())
def test_a_code_is_explained(empty: Project, code: str) -> None:
    done = empty.aimass("explain", code.lower())
    assert (done.code, done.err) == (0, "")
    title, _, text = done.out.partition("\n\n")
    assert title == f"{code}: {explanations()[code].title}"
    assert text.strip()
    assert text.count(" fails:\n") == text.count(" passes:\n") > 0


def test_a_kind_tells_what_may_be_left_out_as_a_spec_would_have_it(project: Project) -> None:
    assert "  column (required)\n" in project.aimass("explain", "bucket").out
    assert "  bounds (optional)\n" in project.aimass("explain", "bucket").out
    assert "  nesterov (default false)\n" in project.aimass("explain", "sgd").out
