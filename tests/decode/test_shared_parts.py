"""Columns of contracts and shared features are those of the spec, and are judged where they are named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from open_data_contract_standard.model import OpenDataContractStandard, SchemaProperty

from aimass_compiler.checks import BASE
from aimass_compiler.compile import Upto, compile_specs
from aimass_compiler.spec.decode.contract_columns import column_of
from tests.codes.contracts import ASKED, CONTRACT, FEATURES, SHARED, project

NULLS: dict[str, Any] = {"metric": "nullValues", "unit": "percent"}
COLUMNS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"logicalType": "number"}, {"type": "number", "missing": 1.0}),
    ({"logicalType": "integer", "primaryKey": True}, {"type": "id", "missing": 0.0}),
    ({"logicalType": "date", "required": True}, {"type": "time", "missing": 0.0}),
    ({"logicalType": "boolean"}, {"type": "category", "values": ["false", "true"], "missing": 1.0}),
    ({"logicalType": "string", "enum": [{"value": "a"}, {"value": "b"}]}, {"values": ["a", "b"]}),
    (
        {
            "logicalType": "string",
            "quality": [{"metric": "invalidValues", "arguments": {"validValues": [1, 2]}, "mustBe": 0}],
        },
        {"type": "category", "values": ["1", "2"]},
    ),
    ({"logicalType": "number", "quality": [{**NULLS, "mustBeLessOrEqualTo": 5}]}, {"missing": 0.05}),
    ({"logicalType": "number", "quality": [{"rule": "nullValues", "mustBe": 0}]}, {"missing": 0.0}),
    ({"logicalType": "number", "quality": [{"metric": "nullValues", "mustBe": 7}]}, {"missing": 1.0}),
    ({"logicalType": "number", "logicalTypeOptions": {"minimum": 1, "maximum": 9}}, {"min": 1, "max": 9}),
    (
        {"logicalType": "string", "customProperties": [{"property": "aimass", "value": "text"}]},
        {"type": "text"},
    ),
    (
        {
            "logicalType": "array",
            "customProperties": [{"property": "aimass", "value": {"type": "series", "length": 24}}],
        },
        {"type": "series", "length": 24},
    ),
]


@pytest.mark.parametrize(("described", "written"), COLUMNS)
def test_a_column_is_read_as_the_standard_means_it(
    described: dict[str, Any], written: dict[str, Any]
) -> None:
    found = column_of(SchemaProperty.model_validate({"name": "x", **described}))
    assert not found.problem
    assert {key: found.written[key] for key in written} == written


@pytest.mark.parametrize("logical", ["object", "array", "time", "map"])
def test_what_no_column_holds_is_said(logical: str) -> None:
    found = column_of(SchemaProperty(name="x", logicalType=logical))
    assert found.problem == f"no column of a spec holds `{logical}`"


@pytest.mark.parametrize("asked", ["[tenure]", "all"])
def test_a_spec_with_a_contract_is_the_one_with_the_columns_written_out(tmp_path: Path, asked: str) -> None:
    assert OpenDataContractStandard.model_validate(yaml.safe_load(CONTRACT)).schema_
    there = project(tmp_path, ASKED.replace("[tenure]", asked))
    (one,) = compile_specs(there, there.specs(), upto=Upto.CHECK).specs
    other = project(tmp_path, BASE)
    (same,) = compile_specs(other, other.specs(), upto=Upto.CHECK).specs
    assert one.pipeline
    assert same.pipeline
    assert dict(one.pipeline.data.columns) == dict(same.pipeline.data.columns)


def test_shared_features_stand_where_they_are_named(tmp_path: Path) -> None:
    there = project(tmp_path, SHARED, features="features: [{one_hot: plan}, {log: charges}]\n")
    compiled = compile_specs(there, there.specs(), upto=Upto.CHECK)
    assert not compiled.findings
    (pipeline,) = compiled.pipelines.values()
    assert [each.kind for each in pipeline.features] == ["standardize", "one_hot", "log"]


def test_what_is_wrong_in_them_is_shown_where_they_are_named_and_not_fixed(tmp_path: Path) -> None:
    there = project(tmp_path, SHARED, features="features: [{one_hot: plam}]\n")
    compiled = compile_specs(there, there.specs(), upto=Upto.CHECK)
    (found,) = [each for each in compiled.findings if each.is_error]
    document = compiled.documents["specs/churn.yaml"]
    line = document.place_of_finding(found).line
    assert document.lines[line - 1] == "  - {shared: plans}"
    assert found.fix is None


def test_a_broken_contract_is_found_at_its_place(tmp_path: Path) -> None:
    there = project(tmp_path, contract=CONTRACT.replace("required: true", "required: maybe"))
    found = compile_specs(there, there.specs(), upto=Upto.CHECK).findings
    assert [(each.code, each.file) for each in found] == [
        ("AM388", "contracts/customers.yaml"),
        ("AM390", "specs/churn.yaml"),
    ]
    assert found[0].path == ("schema", 0, "properties", 0, "required")


def test_a_list_with_errors_is_not_called_missing(tmp_path: Path) -> None:
    there = project(tmp_path, SHARED, features="features: [\n")
    found = compile_specs(there, there.specs(), upto=Upto.CHECK).findings
    assert [each.message for each in found if each.code == "AM393"] == ["`features/plans.yaml` has errors"]


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        ("contracts/customers.odcs.yaml", "contracts/customers.yaml", "AM388"),
        ("features/plans.yaml", "features/plans.yml", "AM389"),
    ],
)
def test_two_files_of_one_name_are_told(tmp_path: Path, first: str, second: str, code: str) -> None:
    there = project(tmp_path, SHARED)
    text = CONTRACT if code == "AM388" else FEATURES
    for file in (first, second):
        (tmp_path / file).write_text(text)
    (found,) = compile_specs(there, there.specs(), upto=Upto.CHECK).findings
    assert (found.code, found.file) == (code, second)
    assert f"has the name of `{first}`" in found.message


@pytest.mark.parametrize("folder", ["contracts", "features", "policies", "teams", "specs"])
def test_a_link_to_itself_is_a_finding(tmp_path: Path, folder: str) -> None:
    there = project(tmp_path)
    (tmp_path / folder).mkdir(exist_ok=True)
    (tmp_path / folder / "loop.yaml").symlink_to("loop.yaml")
    found = compile_specs(there, there.specs(), upto=Upto.CHECK).findings
    assert [(each.code, each.file) for each in found] == [("AM001", f"{folder}/loop.yaml")]


@pytest.mark.parametrize("file", ["contracts/x", "features/x", "policies/x", "policies/waivers/x"])
def test_an_empty_file_is_not_told_to_begin_as_a_spec(tmp_path: Path, file: str) -> None:
    there = project(tmp_path)
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / f"{file}.yaml").touch()
    (found,) = compile_specs(there, there.specs(), upto=Upto.CHECK).findings
    assert (found.code, found.help) == ("AM015", "write it, or delete the file")


PLAN = (
    "      - {name: plan, quality: [{metric: invalidValues, mustBe: 0, arguments: {validValues: VALUES}}]}\n"
)
SECOND = """  - name: customers
    properties: [{name: x}]
"""


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("      - {name: tenure, logicalType: number}\n", "there are two columns `tenure`"),
        (SECOND, "there are two tables `customers`"),
        ("      - {name: x, logicalType: intger}\n", "there is no `logicalType: intger`"),
        *(
            (PLAN.replace("VALUES", each), "`validValues` is no list of values")
            for each in ("[{a: 1}]", "[]", "basic")
        ),
    ],
)
def test_what_a_contract_says_twice_or_to_no_one_is_found_in_it(tmp_path: Path, more: str, said: str) -> None:
    there = project(tmp_path, contract=CONTRACT + more)
    first, *_ = compile_specs(there, there.specs(), upto=Upto.CHECK).findings
    assert (first.code, first.message) == ("AM388", said)


def test_a_value_of_a_contract_is_quoted_and_not_the_text_that_asks_for_it(tmp_path: Path) -> None:
    rule = "{metric: nullValues, mustBeLessOrEqualTo: 900, unit: percent}"
    broken = CONTRACT + f"      - {{name: x, logicalType: number, quality: [{rule}]}}\n"
    there = project(tmp_path, ASKED.replace("[tenure]", "[tenure, x]"), broken)
    (found,) = compile_specs(there, there.specs(), upto=Upto.CHECK).findings
    assert found.message == "`missing` must be at most 1, not `9.0`"


@pytest.mark.parametrize("value", ["[1, 2]", "{type: [1]}", "3"])
def test_a_property_that_is_no_column_is_a_finding(tmp_path: Path, value: str) -> None:
    odd = f"      - {{name: x, customProperties: [{{property: aimass, value: {value}}}]}}\n"
    there = project(tmp_path, ASKED.replace("[tenure]", "[tenure, x]"), CONTRACT + odd)
    assert "AM105" in [each.code for each in compile_specs(there, there.specs(), upto=Upto.CHECK).findings]


@pytest.mark.parametrize("named", ["[plans]", "", "3", "{plans: 1}"])
def test_shared_takes_the_name_of_one_list(tmp_path: Path, named: str) -> None:
    there = project(tmp_path, SHARED.replace("{shared: plans}", f"{{shared: {named}}}"))
    found = compile_specs(there, there.specs(), upto=Upto.CHECK).findings
    assert "`shared` takes the name of one list" in [each.message for each in found]
