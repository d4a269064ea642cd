"""The JSON Schema says what the decoder does, as far as a schema can."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from aimass_compiler import checks
from aimass_compiler.catalog import FAMILIES, load, names
from aimass_compiler.pipeline.policy import Policy
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.spec.decode.decoder import decode
from aimass_compiler.spec.decode.model_spec import ModelSpec
from aimass_compiler.spec.yaml.reader import read_document
from tests.cases.front_end import SHOWN, base, changed
from tests.decode.schema_keys import keys

SCHEMA = ModelSpec.model_json_schema(by_alias=True)
VALIDATOR = Draft202012Validator(SCHEMA)
SETTINGS = Draft202012Validator(Settings.model_json_schema(by_alias=True))
CASES = pathlib.Path(__file__).parent.parent / "cases"


def refused(data: dict[str, Any]) -> list[str]:
    return [error.json_path for error in VALIDATOR.iter_errors(data)]


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("case", sorted(CASES.glob("ok-*")), ids=lambda case: case.name)
def test_it_takes_what_is_sound(case: pathlib.Path) -> None:
    assert refused(read_document(case / "spec.yaml", SHOWN)[0].data) == []


@pytest.mark.parametrize("example", checks.EXAMPLES, ids=lambda example: example.code)
def test_it_takes_what_only_a_check_refuses(example: checks.Example) -> None:
    for change in (example.fails, example.passes):
        if example.of == "settings":
            assert list(SETTINGS.iter_errors(yaml.safe_load(change))) == []
        else:
            assert refused(changed(example, change)) == []


TAKEN = {
    "a kind alone": "features: [select: 3, one_hot: plan]\ndata: {split: random}",
    "a list for one column": "features: [one_hot: [plan], drop: tenure]",
    "columns of a type": "features: [standardize: {type: number, but: [tenure]}, one_hot: {columns: plan}]",
    "an optimizer in short": "model: mlp\ntraining: {optimizer: {adam: 0.01}}",
    "a range in an optimizer": "training: {optimizer: {adam: {learning_rate: {loguniform: [0.001, 0.1]}}}}",
    "a source in full": "data: {sources: {customers: {csv: {path: a.txt, separator: ;}}}}",
    "cleaning in short": "data: {clean: [drop_missing, drop_duplicates: [plan], keep: tenure > 0]}",
}
REFUSED = {
    "a key that no kind has": "data: {split: {by: hash, colum: plan}}",
    "a key of another kind": "data: {split: {by: group, key: plan}}",
    "a kind without what it needs": "features: [one_hot]",
    "a kind that there is not": "model: xgbost",
    "two kinds at once": "features: [{log: tenure, one_hot: plan}]",
    "a number out of range": "model: {xgboost: {subsample: 1.5}}",
    "a quoted number": 'model: {xgboost: {max_depth: "6"}}',
    "a range of nothing": "model: {xgboost: {max_depth: {choice: []}}}",
    "a range where none can be": "model: {xgboost: {max_bin: {choice: [4]}}}",
    "a column of no type": "data: {columns: {tenure: numbr}}",
    "a key that a column has not": "data: {columns: {tenure: {type: number, values: [a]}}}",
    "no columns": "features: [standardize: {columns: 5}]",
}


@pytest.mark.parametrize("name", TAKEN)
def test_schema_and_decoder_take(name: str) -> None:
    data = base(TAKEN[name])
    assert decode(ModelSpec, data, SHOWN)[1] == []
    assert refused(data) == []


@pytest.mark.parametrize("name", REFUSED)
def test_schema_and_decoder_refuse(name: str) -> None:
    data = base(REFUSED[name])
    assert decode(ModelSpec, data, SHOWN)[1] != []
    assert refused(data) != []


def test_every_key_is_described() -> None:
    bare = [path for path, found in keys(SCHEMA) if not {"description", "const", "$ref"} & set(found)]
    assert bare == []


def test_every_kind_that_a_spec_can_choose_is_there() -> None:
    written = [*keys(SCHEMA), *keys(Policy.model_json_schema(by_alias=True))]
    everything = {path.rpartition(".")[2] for path, _ in written}
    everything |= {found["const"] for _, found in written if "const" in found}
    chosen_by_word = {"metrics"}
    for family in set(FAMILIES) - chosen_by_word:
        assert {name for name in names(family) if load(family, name)} <= everything
