"""`aimass explain`: every value with the line that it comes from, and every code with its way out."""

from __future__ import annotations

import json
import re

import pytest

from aimass_compiler.catalog import FAMILIES, names
from aimass_compiler.language.codes import explanations
from aimass_compiler.language.json_schemas import schemas
from aimass_compiler.language.keys import keys_at, keys_below, paths
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


REPLICAS = """\
serving.replicas, in a spec

How many servers run.

  min (default 2)
      The servers that always run.
  max (default 4)
      The most servers that load may start.
  cpu (default "70%")
      The share of the requested CPU above which servers are added.
  zones (optional)
      In how many zones servers must be: until there is one in each, none starts beside another. By
      default they are spread where there is room.
  requests (optional)
      How many requests in flight a server may have before servers are added, too; KEDA asks
      Prometheus for them. By default CPU alone counts, and of a language model its queue.
  schedule (keys start, end, servers, timezone)
      Hours in which more servers than `min` run, such as those before people come to work; by KEDA.
  idle (keys after, namespace)
      That no server runs while no request comes, and when; by default `min` servers always run.
"""


def test_a_key_is_explained_with_the_keys_below_it(empty: Project) -> None:
    done = empty.aimass("explain", "serving.replicas")
    assert (done.code, done.out, done.err) == (0, REPLICAS, "")
    assert empty.aimass("explain", "environments.prod.serving.replicas").out == REPLICAS.replace(
        "serving.replicas", "environments.NAME.serving.replicas"
    )


@pytest.mark.parametrize(
    ("topic", "told"),
    [
        ("spec", "  target (required)\n"),
        ("spec", "  features (see `aimass explain transforms`)\n"),
        ("aimass.yaml", "  environments (names with keys namespace, server, "),
        ("environments", "environments, in a spec\n"),
        ("environments", "environments, in aimass.yaml\n"),
        ("data.columns", "  type (required; one of number, category, text, id, time, image, series, chat)\n"),
        ("data.columns.age", "  values (optional, of category)\n"),
        ("data.sources", "NAME stands for names of your own.\n"),
        ("training", "  class_weights (names of your own, or balanced)\n"),
        ("target_encode", "so that no row knows its own target"),
        ("search.algorithm", 'one of tpe, cma_es, random, grid; default "tpe"\n'),
    ],
)
def test_what_a_key_takes(empty: Project, topic: str, told: str) -> None:
    assert told in empty.aimass("explain", topic).out


def test_a_key_without_its_path_is_met_with_the_path(project: Project) -> None:
    done = project.aimass("explain", "gates")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error: there is no model, key, kind or code `gates`\nhelp: did you mean `evaluation.gates`?\n"
    )


def test_a_model_goes_before_a_key_of_its_name(project: Project) -> None:
    project.write("specs/search.yaml", SPEC.replace("name: churn", "name: search"))
    assert "name: search" in project.aimass("explain", "search").out


@pytest.mark.parametrize("path", sorted(set(paths())))
def test_every_key_has_a_page(path: str) -> None:
    found = keys_at(path)
    assert found
    assert all(key.meaning or path.endswith(".type") for key in found)


ROOT_SCHEMAS = {
    "spec": "schemas/model.json",
    "aimass.yaml": "schemas/settings.json",
    "team": "schemas/team.json",
}


def test_the_keys_are_those_of_the_schema() -> None:
    for file, schema in ROOT_SCHEMAS.items():
        (root,) = keys_at(file)
        document = json.loads(schemas()[schema])
        top = (
            document.get("properties") or document["$defs"][document["$ref"].rpartition("/")[2]]["properties"]
        )
        assert {key.path for key in keys_below(root)} == set(top)


def test_a_key_and_a_kind_of_one_name_are_both_explained(empty: Project) -> None:
    kinds = {*FAMILIES, *(name for family in FAMILIES for name in names(family))}
    shared = kinds & {path for path in paths() if "." not in path}
    assert shared == {"hosts", "registries", "servers"}
    for name in shared:
        told = empty.aimass("explain", name).out
        assert f"{name}, in " in told
        assert f"\nrule {name}\n" in told
