"""Templates, commands and markup in any string of a spec are data to whatever reads the files, or refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import pytest

from aimass_compiler import render
from aimass_compiler.compile import Upto, compile_spec
from aimass_compiler.diagnostics import Finding, has_errors
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.spec.decode.decoder import decode
from aimass_compiler.spec.decode.model_spec import ModelSpec
from aimass_compiler.spec.yaml.reader import parse
from tests.cases.front_end import base
from tests.hostile import consumers
from tests.hostile.every_string import HOSTILE, SPECS

HARMLESS = "zqz"
#: Where a schema has the sources of a union, which are those that stand alone.
OF_UNIONS = re.compile(
    "/anyOf/(?:1|3/properties/union/anyOf/(?:0/properties/sources|2))/items/anyOf/2(?=/properties)"
)
#: Where it has those of a table that is scored, which are those of the data.
READ = "/$defs/Data/properties/sources/additionalProperties/"
SOURCES = re.compile(r"/\$defs/(Scoring|Labels)/properties/source/")
#: What a path means as a pattern.
PATTERN = frozenset("*?[")


@cache
def compiled(written: str) -> tuple[Pipeline | None, tuple[Finding, ...]]:
    """What a spec beside settings stands for, or what refuses it."""
    data = json.loads(written)
    known, wrong = decode(Settings, data["settings"], "aimass.yaml")
    if known is None or has_errors(wrong):
        return None, tuple(wrong)
    one = compile_spec(parse(json.dumps(data["spec"]), "specs/churn.yaml"), known, upto=Upto.CHECK)
    pipeline, findings = one.pipeline, one.findings
    return (None if has_errors(findings) else pipeline), tuple(findings)


def replaced(data: Any, change: Callable[[str], str]) -> Any:
    """The data with every string changed, keys too."""
    if isinstance(data, str):
        return change(data)
    if isinstance(data, Mapping):
        return {change(key): replaced(value, change) for key, value in data.items()}
    return [replaced(value, change) for value in data] if isinstance(data, list) else data


def with_inside(data: Any, chosen: frozenset[str], inside: str) -> str:
    """The data with something in the middle of each of the chosen strings, wherever they stand, as JSON."""

    def change(text: str) -> str:
        middle = len(text) // 2
        return text[:middle] + inside + text[middle:] if text in chosen else text

    return json.dumps(replaced(data, change))


def strings(data: Any) -> frozenset[str]:
    """Every string, keys too."""
    found: list[str] = []
    replaced(data, lambda text: (found.append(text), text)[1])  # type: ignore[func-returns-value]  # gathers
    return frozenset(found)


@cache
def free(number: int) -> frozenset[str]:
    """The strings of a spec that may be other words."""
    spec = SPECS[number]
    return frozenset(
        text
        for text in strings(spec) - {*spec}
        if compiled(with_inside(spec, frozenset({text}), HARMLESS))[0]
    )


@cache
def accepted(number: int, inside: str) -> frozenset[str]:
    """The strings that may hold something; each of the others is refused by an error that names its place."""
    chosen = frozenset(text for text in free(number) if not (PATTERN & set(inside) and "/" in text))
    while True:
        spec = with_inside(SPECS[number], chosen, inside)
        pipeline, findings = compiled(spec)
        if pipeline is not None:
            return chosen
        named = {text for finding in findings for text in _at(json.loads(spec), finding)}
        refused = {text for text in chosen if with_inside(text, chosen, inside) in map(json.dumps, named)}
        assert refused, findings
        chosen -= refused


def _at(written: Any, finding: Finding) -> frozenset[str]:
    """The strings on the way to a finding's place and there."""
    data = written["settings" if finding.file == "aimass.yaml" else "spec"]
    found = {step for step in finding.path if isinstance(step, str)}
    for step in finding.path:  # some steps are the decoder's own
        is_there = (
            isinstance(step, int) if isinstance(data, list) else isinstance(data, dict) and step in data
        )
        data = data[step] if is_there else data
    return frozenset(found | ({data} if isinstance(data, str) else set()))


@cache
def files(number: int, chosen: frozenset[str], inside: str) -> Mapping[str, bytes]:
    pipeline, findings = compiled(with_inside(SPECS[number], chosen, inside))
    assert pipeline is not None, findings
    return render.render_all({pipeline.name: pipeline})


#: The first two hold nearly every string; the others are there for the few that these leave out.
TRIED = [
    (number, inside) for number in range(len(SPECS)) for inside in (HOSTILE if number < 2 else HOSTILE[::9])
]


def _with(inside: str) -> Callable[[str], str]:
    return lambda text: text.replace(HARMLESS, inside)


@pytest.mark.parametrize(("number", "inside"), TRIED, ids=ascii)
def test_a_string_is_data_or_refused(number: int, inside: str) -> None:
    chosen = accepted(number, inside)
    harmless, hostile = files(number, chosen, HARMLESS), files(number, chosen, inside)
    assert harmless.keys() == hostile.keys()
    for path in harmless:
        before, after = (consumers.DIGEST.sub("", each[path].decode()) for each in (harmless, hostile))
        if before != after:
            expected = replaced(consumers.read(path, harmless[path]), _with(inside))
            told = consumers.read(path, hostile[path])
            assert consumers.compared(path, told) == consumers.compared(path, expected), path


def test_what_dvc_would_fill_in_reaches_it_as_text() -> None:
    spec = base("""
metadata: {description: "costs ${price}"}
data: {sources: {customers: "data/${month}.csv"}}
""")
    pipeline, _ = compiled(json.dumps({"spec": spec, "settings": {}}))
    assert pipeline is not None
    content = render.render_all({"churn": pipeline})["churn/dvc.yaml"]
    (told,) = consumers.read("churn/dvc.yaml", content)
    assert told["artifacts"]["churn"]["desc"] == "costs ${price}"
    assert "data/${month}.csv" in told["stages"]["prepare"]["deps"]


def test_every_free_string_of_the_language_is_tried() -> None:
    for part, kind in (("spec", ModelSpec), ("settings", Settings)):
        root = kind.model_json_schema(by_alias=True)
        met: set[int] = set()
        for each in SPECS:
            _meet(root, root, each[part], met)
        named = {
            id(schema): OF_UNIONS.sub("/anyOf/3", SOURCES.sub(READ, where))
            for where, schema in _free(root, "")
        }
        tried = {where for found, where in named.items() if found in met}
        assert {*named.values()} - tried == set()


def _free(schema: Any, where: str) -> Iterator[tuple[str, Any]]:
    """Each place of a schema that takes any text, with its schema."""
    if isinstance(schema, dict):
        if schema.get("type") == "string" and not schema.keys() & {"const", "enum", "pattern"}:
            yield where, schema
        for key, value in schema.items():
            yield from _free(value, f"{where}/{key}")
    elif isinstance(schema, list):
        for number, value in enumerate(schema):
            yield from _free(value, f"{where}/{number}")


def _meet(root: Any, schema: Any, data: Any, met: set[int]) -> None:
    """Remember the schemas that the strings of the data may be held to."""
    if "$ref" in schema:
        _meet(root, root["$defs"][schema["$ref"].rpartition("/")[2]], data, met)
    for branch in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        _meet(root, branch, data, met)
    if isinstance(data, str) and schema.get("type") == "string":
        met.add(id(schema))
    if isinstance(data, list) and isinstance(schema.get("items"), dict):
        for value in data:
            _meet(root, schema["items"], value, met)
    if isinstance(data, dict):
        properties = schema.get("properties", {})
        if any(
            "const" in properties[key] and properties[key]["const"] != data.get(key) for key in properties
        ):
            return
        for key, value in data.items():
            below = properties.get(key, schema.get("additionalProperties"))
            if isinstance(below, dict):
                _meet(root, below, value, met)
