"""What editors read of the schemas: names, descriptions with defaults, right examples and snippets."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from aimass_compiler import conventions
from aimass_compiler.language.json_schemas import schemas
from aimass_compiler.language.snippets import KEY_EXAMPLES, SNIPPETS
from tests.cases.front_end import base
from tests.decode.schema_keys import keys

ROOT = Path(__file__).parents[2]
SCHEMAS = {path: json.loads(content) for path, content in schemas().items()}
MODEL = SCHEMAS[conventions.SCHEMA_FILE]
VALIDATOR = Draft202012Validator(MODEL)


def placed(path: str, value: Any) -> dict[str, Any]:
    """A sound spec with a value at this path."""
    data = base()
    *above, last = path.split(".")
    here = data
    for step in above:
        here = here.setdefault(step, {})
    here[last] = value
    return data


@pytest.mark.parametrize("path", SCHEMAS)
def test_each_is_a_schema_with_a_name(path: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[path])
    assert SCHEMAS[path]["$id"].endswith(f"/v1/{path}")


@pytest.mark.parametrize("path", SCHEMAS)
def test_every_key_is_described_and_no_title_repeats_it(path: str) -> None:
    for name, found in keys(SCHEMAS[path]):
        assert {"description", "const", "$ref"} & set(found), name
        assert "title" not in found, name


def test_a_default_stands_in_what_editors_show() -> None:
    trials = MODEL["$defs"]["Search"]["properties"]["trials"]
    assert trials["markdownDescription"] == "How many combinations are tried.\n\nDefault: `10`"


@pytest.mark.parametrize("path", KEY_EXAMPLES)
def test_an_example_is_right(path: str) -> None:
    for value in KEY_EXAMPLES[path]:
        assert [error.message for error in VALIDATOR.iter_errors(placed(path, value))] == []


@pytest.mark.parametrize("path", SNIPPETS)
def test_a_snippet_is_right_with_what_it_proposes(path: str) -> None:
    for snippet in SNIPPETS[path]:
        body = re.sub(r'"\$\{\d+:([0-9.]+)\}"', r"\1", json.dumps(snippet["body"]))
        value = json.loads(re.sub(r"\$\{\d+:([^}]*)\}", r"\1", body))
        spec = placed(path, value) if path else value
        assert [error.message for error in VALIDATOR.iter_errors(spec)] == []


SERVER = os.environ.get("YAML_LANGUAGE_SERVER", "")


@pytest.mark.skipif(not (SERVER and shutil.which("node")), reason="$YAML_LANGUAGE_SERVER names no server")
def test_the_language_server_completes_explains_and_checks() -> None:
    driver = ROOT / "tests/decode/language_server.mjs"
    done = subprocess.run(["node", driver, SERVER, ROOT], capture_output=True, text=True, check=True)
    answers = json.loads(done.stdout)
    assert answers["sound"] == []
    assert answers["wrong"] == ["6: Property ownr is not allowed.", '57: Incorrect type. Expected "integer".']
    assert "How many combinations are tried.\n\nDefault: `10`" in answers["hover"]
    assert {"trials", "algorithm", "time"} <= set(answers["keys"])
    assert {"bucket", "one_hot", "impute"} <= set(answers["kinds"])
    assert answers["words"] == ["tpe", "random", "grid"]
    assert {"a model", "apiVersion", "target"} <= set(answers["empty"])
