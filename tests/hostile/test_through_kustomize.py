"""Strings of specs and settings come out of Kustomize as they went in, whatever they look like."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aimass_compiler import render
from aimass_compiler.compile import Upto, compile_spec
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.programs.kustomize import Kustomize, KustomizeError, find
from aimass_compiler.render.emit import emit_json
from aimass_compiler.render.names import stays_text
from aimass_compiler.spec.decode.decoder import decode
from aimass_compiler.spec.yaml.reader import parse
from tests.cases.front_end import base, merged
from tests.harness.releases import released
from tests.hostile.every_string import HOSTILE

pytestmark = pytest.mark.kubernetes

#: Words that some reader of YAML takes for something else than text.
NO_TEXT = (
    *("true", "False", "NO", "yes", "on", "off", "y", "n", "null", "Null", "1", "01", "0o17", "0x1F", "0b1"),
    *("1_000", "1e3", "1.0", "1.5e10", "1E-3", "2001-01-01", "12345678901234567890", "00", "1.e2", "nan"),
)
#: Text that somebody cuts, splits, fills in or runs.
STRANGE = (
    *HOSTILE,
    *(
        *NO_TEXT,
        "~",
        ".inf",
        "-.inf",
        ".nan",
        "=",
        "190:20:30",
        "+1",
        "-",
        "?",
        "- a",
        "a: b",
        "a #b",
        "!!int 1",
    ),
    *(
        " leading",
        "trailing ",
        "  ",
        "\tleading",
        "trailing\t",
        "\n\nlines\n\n",
        "a\r\nb",
        "\r",
        "\n  deeper\n less",
    ),
    *("\x01", "a\x1fb", "\x0b\x0c", "\ud7ff\ue000\ufffd", "\U0010ffff", "{}", "[]", "{a: 1}", "[a", "}", ","),
    *(
        "%YAML 1.2",
        "...",
        "$(VAR)",
        "$$(VAR)",
        "${VAR:-x}",
        "{{",
        "{{{ x }}}",
        "\\u2028",
        "\\x00",
        "'\"'\"",
        "x" * 9000,
    ),
    *("word " * 400, "漢" * 300, "> folded", "| block", "* item", "@x", "`", "%", "名前: 値", "#", "# c"),
)
RUNBOOK = "https://wiki.example.com/?q='$(id)';[a]&b=*!#:@%7B"


@pytest.fixture(scope="session")
def kustomize() -> Kustomize:
    try:
        return find()
    except KustomizeError as error:
        pytest.skip(str(error))


def compiled(changes: Any, settings: Any) -> Pipeline:
    """The pipeline of the base spec with changes; fails where anything is wrong."""
    known, wrong = decode(Settings, settings, "aimass.yaml")
    assert known is not None, wrong
    spec = emit_json(merged(base(), changes))
    one = compile_spec(parse(spec, "specs/churn.yaml"), known, upto=Upto.CHECK)
    pipeline, findings = one.pipeline, one.findings
    assert [finding for finding in findings if finding.is_error] == []
    assert pipeline is not None
    return pipeline


def written(pipeline: Pipeline, root: Path) -> Path:
    """The folder of the model with all that is rendered of it, released."""
    return released(root, pipeline.name, render.render(pipeline))


def test_any_text_reaches_the_training_job_as_it_was_written(kustomize: Kustomize, tmp_path: Path) -> None:
    texts = list(dict.fromkeys(STRANGE))
    columns = {f"c{place}": {"type": "text", "description": text} for place, text in enumerate(texts)}
    columns["plan"] = {"type": "category", "values": texts, "description": "\n".join(texts)}
    pipeline = compiled(
        {"data": {"columns": columns}, "features": [{"drop": sorted({*columns} - {"plan"})}]}, {}
    )
    folder = written(pipeline, tmp_path)
    (told,) = (
        each["data"]["pipeline.json"]
        for each in kustomize.build(folder / "train")
        if each["kind"] == "ConfigMap" and "pipeline.json" in each["data"]
    )
    assert told.encode() == (folder / "train/pipeline.json").read_bytes()
    found = json.loads(told)["data"]["columns"]
    assert found["plan"]["values"] == texts
    assert [found[f"c{place}"]["description"] for place in range(len(texts))] == texts


#: Words for each of the labels, of which some are their own keys, too.
LABELS = {f"l{place}": word for place, word in enumerate(NO_TEXT)}
LABELS |= {word: word for word in NO_TEXT if stays_text(word)}
#: Words that can be the name of an environment and of a namespace.
PLACES = ("true", "on", "null", "1", "0x1f", "1e3")


def test_words_that_read_as_something_else_stay_text(kustomize: Kustomize, tmp_path: Path) -> None:
    wanted = {"null.x": "1e3", "release": "true"}
    settings = {
        "environments": {word: {"namespace": word} for word in PLACES},
        "labels": LABELS,
        "prometheus": {"labels": wanted, "namespace": "0x1f"},
        "queue": "1e3",
    }
    gateway = {"host": "1e3", "name": "null", "namespace": "012"}
    changes = {
        "metadata": {"name": "null"},
        "serving": {"gateway": gateway, "rollout": {"canary": [50, 100]}},
        "monitoring": {"runbook": RUNBOOK},
    }
    folder = written(compiled(changes, settings), tmp_path)
    for environment in PLACES:
        built = kustomize.build(folder / "overlays" / environment)
        assert {each["metadata"]["namespace"] for each in built} == {environment}
        for each in built:
            assert LABELS.items() <= each["metadata"]["labels"].items()
            assert [text for text in words(each["metadata"]) if not isinstance(text, str)] == []
        of_kind = {each["kind"]: each for each in built}
        route = of_kind["HTTPRoute"]["spec"]
        assert route["hostnames"] == ["1e3"]
        assert [(each["name"], each["namespace"]) for each in route["parentRefs"]] == [("null", "012")]
        rules = [rule for group in of_kind["PrometheusRule"]["spec"]["groups"] for rule in group["rules"]]
        assert {rule["annotations"]["runbook_url"] for rule in rules if "alert" in rule} == {RUNBOOK}
        assert wanted.items() <= of_kind["PrometheusRule"]["metadata"]["labels"].items()
    (job,) = (each for each in kustomize.build(folder / "train") if each["kind"] == "RayJob")
    assert job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "1e3"
    assert LABELS.items() <= job["metadata"]["labels"].items()


def words(data: Any) -> Iterator[Any]:
    """Every key and value below this."""
    if isinstance(data, dict):
        yield from data
    for value in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        yield from words(value) if isinstance(value, (dict, list)) else (value,)
