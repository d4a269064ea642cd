"""The OpenAPI document: it takes what the server takes, and what it refuses the server does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator

from aimass_compiler.runtime.server.documents import openapi_document
from aimass_compiler.runtime.server.package import read_package
from server import packages
from server.packages import CHURN_EXAMPLE

if TYPE_CHECKING:
    from pathlib import Path

    from server.serving import Server


def schema(document: dict[str, Any], name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator({"$ref": f"#/components/schemas/{name}", **document})


def answered(document: dict[str, Any], path: str, method: str = "get") -> jsonschema.Draft202012Validator:
    content = document["paths"][path][method]["responses"]["200"]["content"]["application/json"]
    return jsonschema.Draft202012Validator({**content["schema"], "components": document["components"]})


def test_every_path_that_it_names_answers_as_it_says(churn: Server) -> None:
    told = churn.get("/openapi.json").json
    assert told["openapi"] == "3.1.0"
    assert told["info"]["title"] == "churn"
    for path, methods in told["paths"].items():
        if "get" in methods:
            reply = churn.get(path)
            assert reply.status == 200
            answered(told, path).validate(reply.json)
    example = told["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["example"]
    answered(told, "/predict", "post").validate(churn.ask("POST", "/predict", example).json)
    path = "/v2/models/churn/infer"
    example = told["paths"][path]["post"]["requestBody"]["content"]["application/json"]["example"]
    schema(told, "InferRequest").validate(example)
    answered(told, path, "post").validate(churn.ask("POST", path, example).json)


@pytest.mark.parametrize(
    ("change", "is_taken"),
    [
        ({}, True), ({"tenure": None}, True), ({"note": ""}, True), ({"note": None}, True),
        ({"customer_id": 7}, True),
        ({"age": 16}, True), ({"age": 15}, False), ({"age": None}, False), ({"age": "40"}, False),
        ({"plan": "pr"}, False), ({"plan": None}, False), ({"more": 1}, False), ({"note": 5}, False),
    ],
)  # fmt: skip
def test_a_row_fits_where_the_server_takes_it(
    churn: Server, change: dict[str, Any], *, is_taken: bool
) -> None:
    row = {**CHURN_EXAMPLE, **change}
    assert schema(churn.get("/openapi.json").json, "Row").is_valid(row) is is_taken
    assert churn.predict(row).status == (200 if is_taken else 422)


def test_answers_that_are_refused_are_errors(churn: Server) -> None:
    told = churn.get("/openapi.json").json
    reply = churn.predict({**CHURN_EXAMPLE, "age": 7})
    schema(told, "Error").validate(reply.json)
    assert set(told["paths"]["/predict"]["post"]["responses"]) >= {str(reply.status), "200", "400", "413"}


def test_pictures_and_numbers_have_their_schemas(tmp_path: Path) -> None:
    digits = openapi_document(read_package(packages.digits(tmp_path / "digits")).signature)
    row = schema(digits, "Row")
    assert row.is_valid({"picture": [[[0, 0.5], [1, 0]]]})
    assert not row.is_valid({"picture": [[0, 0.5], [1, 0]]})
    price = openapi_document(read_package(packages.price(tmp_path / "price")).signature)
    assert schema(price, "Prediction").is_valid({"prediction": 1.5})
    assert not schema(price, "Row").is_valid({"x0": 1, "x1": 1})


@pytest.mark.parametrize("name", ["churn", "price", "digits"])
def test_it_is_a_document_of_openapi(tmp_path: Path, name: str) -> None:
    signature = read_package(getattr(packages, name)(tmp_path / name)).signature
    for explained in (0, 10):
        told = openapi_document(signature, explained)
        assert [*OpenAPIV31SpecValidator(told).iter_errors()] == []
        assert ("/explain" in told["paths"]) is bool(explained)
        for example in told["components"]["schemas"]["Row"]["examples"]:
            schema(told, "Row").validate(example)


def values(column: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values of a column's schema."""
    if "enum" in column:
        return st.sampled_from(column["enum"])
    # Beyond single precision a model may overflow, which is refused as well, and no schema can say.
    ends = column.get("minimum", -1e30), column.get("maximum", 1e30)
    kinds: dict[str, st.SearchStrategy[Any]] = {
        "null": st.none(),
        "number": st.floats(*ends, allow_nan=False, allow_infinity=False) | st.integers(*map(int, ends)),
        "string": st.text(min_size=column.get("minLength", 0)),
    }
    return st.one_of(kinds[kind] for kind in column.get("type", ["string"]))


def test_every_row_that_fits_is_taken_and_answered_as_the_document_says(churn: Server) -> None:
    told = churn.get("/openapi.json").json
    row, answer = told["components"]["schemas"]["Row"], answered(told, "/predict", "post")
    columns = {name: values(column) for name, column in row["properties"].items()}
    required = {name: columns.pop(name) for name in row["required"]}

    @settings(max_examples=100, deadline=None)
    @given(st.fixed_dictionaries(required, optional=columns))
    def is_taken(row: dict[str, Any]) -> None:
        schema(told, "Row").validate(row)
        reply = churn.predict(row)
        assert reply.status == 200, reply.body
        answer.validate(reply.json)

    is_taken()
